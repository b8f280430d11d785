"""Reports that guidellm, GenAI-Perf and AIPerf write, read and put beside the estimate."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gpu_sizer.cli.app import put_together
from gpu_sizer.evidence.logs.bench_reports import is_report, read_report

APP = put_together()


def _ok(mean: float, median: float) -> dict[str, Any]:
    return {"successful": {"mean": mean, "median": median, "count": 25}, "errored": {"mean": 0.0}}


#: What guidellm 0.5 wrote of a run (https://github.com/danielkorat/guidellm-bench,
#: guidellm_results/20260302_1917/openai_gpt-oss-20b_tp4_quant-none_benchmarks.json), shortened.
GUIDELLM: dict[str, Any] = {
    "metadata": {"version": 1, "guidellm_version": "0.5.0.dev0", "python_version": "3.12.3"},
    "args": {"target": "http://0.0.0.0:8000", "profile": "synchronous", "model": "openai/gpt-oss-20b"},
    "benchmarks": [
        {
            "type_": "generative_benchmark",
            "config": {
                "strategy": {"type_": "synchronous", "worker_count": 1, "max_concurrency": 1},
                "backend": {"target": "http://0.0.0.0:8000", "model": "openai/gpt-oss-20b"},
            },
            "metrics": {
                "request_totals": {"successful": 25, "errored": 0, "incomplete": 0, "total": 25},
                "requests_per_second": _ok(0.03333333333333333, 0.03262379314909242),
                "request_concurrency": _ok(0.9999630507495668, 1.0),
                "prompt_token_count": _ok(92.72, 81.0),
                "output_token_count": _ok(1024.0, 1024.0),
                "time_to_first_token_ms": _ok(48.843650817871094, 47.66058921813965),
                "time_per_output_token_ms": _ok(29.92480437271297, 29.92664952762425),
                "inter_token_latency_ms": _ok(29.90631087667665, 29.910243734469745),
                "output_tokens_per_second": _ok(33.417378943280085, 33.433269830135586),
            },
        }
    ],
}


def _statistic(unit: str, avg: float, p50: float | None = None) -> dict[str, Any]:
    return {"unit": unit, "avg": avg, **({} if p50 is None else {"p50": p50})}


#: As GenAI-Perf 0.0.16 writes it (genai_perf/export_data/json_exporter.py, genai_perf/metrics/statistics.py).
GENAI_PERF: dict[str, Any] = {
    "request_throughput": _statistic("requests/sec", 7.25),
    "request_latency": _statistic("ms", 2200.0, 2190.0),
    "request_count": _statistic("count", 160.0),
    "time_to_first_token": _statistic("ms", 190.0, 170.0),
    "inter_token_latency": _statistic("ms", 7.85, 7.8),
    "output_token_throughput": _statistic("tokens/sec", 1857.5),
    "output_sequence_length": _statistic("tokens", 256.0, 256.0),
    "input_sequence_length": _statistic("tokens", 1024.0, 1024.0),
    "input_config": {
        "model_names": ["meta-llama/Llama-3.1-8B-Instruct"],
        "endpoint": {"backend": "tensorrtllm", "type": "kserve"},
        "perf_analyzer": {"stimulus": {"concurrency": 16}},
    },
}


def _changed(report: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    made = copy.deepcopy(report)
    *way, last = path.split(".")
    place = made
    for key in way:
        place = place[int(key) if key.isdigit() else key]
    place[last] = value
    return made


def _read(report: dict[str, Any]) -> dict[str, Any]:
    data = json.dumps(report).encode()
    assert is_report(data)
    read = read_report(data)
    assert read is not None
    return read[0]


def test_a_report_of_guidellm_is_read_without_the_first_token_in_the_time_per_token() -> None:
    assert _read(GUIDELLM) == {
        "load": "closed",
        "concurrency": 1.0,
        "model": "openai/gpt-oss-20b",
        "isl": 92.72,
        "osl": 1024.0,
        "num_prompts": 25.0,
        "measured": {
            "output_tok_s": 33.417378943280085,
            "req_s": 0.03333333333333333,
            "ttft_ms_mean": 48.843650817871094,
            "ttft_ms_median": 47.66058921813965,
            "tpot_ms_mean": 29.90631087667665,
            "tpot_ms_median": 29.910243734469745,
        },
    }


@pytest.mark.parametrize(
    ("strategy", "load"),
    [
        ({"type_": "concurrent", "streams": 32}, {"load": "closed", "concurrency": 32.0}),
        ({"type_": "throughput", "max_concurrency": None}, {"load": "max"}),
        ({"type_": "throughput", "max_concurrency": 512}, {"load": "closed", "concurrency": 512.0}),
        ({"type_": "poisson", "rate": 4.0}, {"load": "server"}),
    ],
)
def test_how_requests_came_is_told_by_the_strategy(strategy: dict[str, Any], load: dict[str, Any]) -> None:
    found = _read(_changed(GUIDELLM, "benchmarks.0.config.strategy", strategy))
    assert {k: found.get(k) for k in ("load", "concurrency")} == {"concurrency": None, **load}


def test_of_several_benchmarks_the_last_is_read() -> None:
    several = copy.deepcopy(GUIDELLM)
    several["benchmarks"].append(
        _changed(GUIDELLM, "benchmarks.0.config.strategy.type_", "throughput")["benchmarks"][0]
    )
    several["benchmarks"][1]["config"]["strategy"] = {"type_": "concurrent", "streams": 8}
    read = read_report(json.dumps(several))
    assert read is not None
    assert read[1] == 2
    assert read[0]["concurrency"] == 8


def test_a_report_of_genai_perf_is_read() -> None:
    assert _read(GENAI_PERF) == {
        "engine": "tensorrt-llm",
        "load": "closed",
        "concurrency": 16.0,
        "model": "meta-llama/Llama-3.1-8B-Instruct",
        "isl": 1024.0,
        "osl": 256.0,
        "num_prompts": 160.0,
        "measured": {
            "output_tok_s": 1857.5,
            "req_s": 7.25,
            "ttft_ms_mean": 190.0,
            "ttft_ms_median": 170.0,
            "tpot_ms_mean": 7.85,
            "tpot_ms_median": 7.8,
        },
    }


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        # GenAI-Perf before 0.0.13: the arguments as they were parsed.
        ({"model": ["qwen3-8b"], "concurrency": 4, "backend": "vllm"}, ("qwen3-8b", 4.0, "closed", "vllm")),
        ({"model": ["qwen3-8b"], "concurrency": None, "request_rate": 2.0}, ("qwen3-8b", None, "server", None)),
        # AIPerf.
        (
            {"endpoint": {"model_names": ["qwen3-8b"]}, "loadgen": {"concurrency": 8}},
            ("qwen3-8b", 8.0, "closed", None),
        ),
        (
            {"models": {"items": [{"name": "qwen3-8b"}]}, "loadgen": {"concurrency": 8}},
            ("qwen3-8b", 8.0, "closed", None),
        ),
    ],
)
def test_other_versions_tell_the_same_elsewhere(asked: dict[str, Any], found: tuple[Any, ...]) -> None:
    read = _read({**GENAI_PERF, "input_config": asked})
    assert tuple(read.get(k) for k in ("model", "concurrency", "load", "engine")) == found


def test_times_are_in_milliseconds_whatever_their_unit() -> None:
    read = _read(_changed(GENAI_PERF, "time_to_first_token", _statistic("s", 0.19, 0.17)))
    assert read["measured"]["ttft_ms_mean"] == pytest.approx(190)


@pytest.mark.parametrize(
    "text",
    [
        '{"output_tokens_per_second": 5}',
        '{"benchmarks": [], "output_tokens_per_second": {}}',
        '{"benchmarks": [5], "output_token_throughput": 3, "input_config": {}}',
        '{"output_token_throughput": {"avg": 3}, "input_config": []}',
        '{"output_token_throughput"',
        "[]",
    ],
)
def test_what_is_no_report_is_left_to_the_reader_of_logs(text: str) -> None:
    assert read_report(text) is None


def test_the_command_compares_a_report_and_says_what_it_does_not_tell(tmp_path: Path) -> None:
    file = tmp_path / "benchmarks.json"
    concurrent = {"type_": "concurrent", "streams": 4}
    file.write_text(json.dumps(_changed(GUIDELLM, "benchmarks.0.config.strategy", concurrent)), encoding="utf-8")
    plain = CliRunner().invoke(APP, ["check-log", str(file), "--gpu", "l40s"])
    assert plain.exit_code == 0, plain.output
    assert "vllm: openai/gpt-oss-20b" in plain.output
    assert "The output does not tell the engine: vllm was assumed; --engine tells another." in plain.output
    told = CliRunner().invoke(APP, ["check-log", str(file), "--gpu", "l40s", "--engine", "sglang@0.5", "--json"])
    found = json.loads(told.output)
    assert (found["found"]["engine"], found["found"]["engine_version"]) == ("sglang", "0.5")
    assert found["predicted"]["output_tok_s"]["about"] > 0
