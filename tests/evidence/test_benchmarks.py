"""Benchmarks: what a line may say, and what a replay of it says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gpu_sizer.cli.app import put_together
from gpu_sizer.evidence.benchmarks import Benchmark, benchmark_from
from gpu_sizer.evidence.records import EvidenceError

APP = put_together()
LINE = {
    "id": "one",
    "engine": "vllm",
    "engine_version": "0.19.0",
    "model": "meta-llama/Llama-3.1-8B-Instruct",
    "weights_dtype": "bf16",
    "gpu": "H100",
    "gpu_count": 1,
    "tp": 1,
    "isl": 1024,
    "osl": 256,
    "load": "closed",
    "concurrency": 16,
    "measured": {"output_tok_s": None, "tpot_ms_mean": None},
}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"isl": "1k"}, 'one: isl: must be a number of tokens, not "1k"'),
        ({"tp": 1.5}, "one: tp: must be a whole number, not 1.5"),
        ({"load": "open"}, "one: load: must be one of closed, static_batch, max, single, server, not 'open'"),
        ({"measured": [1]}, "one: measured: must be an object of numbers, not [1]"),
        ({"measured": {"tpot_ms_mean": -1}}, 'one: measured: must be an object of numbers, not {"tpot_ms_mean": -1}'),
        ({"concurrency": float("inf")}, "one: concurrency: must be a number, not Infinity"),
        ({"id": ""}, 'one: id: must be a text, not ""'),
        ({"disagg": "no"}, 'one: disagg: must be true or false, not "no"'),
    ],
)
def test_a_wrong_line_is_told_where_and_why(change: dict[str, object], message: str) -> None:
    with pytest.raises(EvidenceError) as raised:
        benchmark_from({**LINE, **change}, "one")
    assert str(raised.value) == message


@pytest.mark.parametrize(
    ("lengths", "drawn"),
    [
        ((214.5, 199.9), True),
        ((232.6, 220.6), True),
        ((1024, 128), False),
        ((3995.9, 199.6), False),
        ((922, 922), True),
    ],
)
def test_fixed_lengths_are_round(lengths: tuple[float, float], drawn: bool) -> None:
    assert Benchmark(id="x", engine="vllm", isl=lengths[0], osl=lengths[1]).drawn is drawn


def test_a_total_that_counts_prompts_is_shared_out() -> None:
    b = Benchmark(id="x", engine="vllm", isl=768, osl=256, measured={"total_tok_s": 4000.0})
    assert b.output_tokens_per_second == 1000.0


def test_a_closed_loop_tells_its_tokens_by_the_times() -> None:
    """Ten at once, each 1 s to its first token and 99 times 10 ms: 100 tokens in 1.99 s."""
    measured = {"ttft_ms_mean": 1000.0, "tpot_ms_mean": 10.0}
    b = Benchmark(id="x", engine="vllm", isl=10, osl=100, concurrency=10, measured=measured)
    assert b.closed_tokens_per_second == pytest.approx(10 * 100 / 1.99)


def test_a_whole_number_may_be_written_as_a_fraction_and_requests_at_once_may_be_a_mean() -> None:
    b = benchmark_from({**LINE, "tp": 2.0, "concurrency": 15.5}, "one")
    assert (b.tp, b.concurrency) == (2, 15.5)
    assert isinstance(b.tp, int)


def replay(tmp_path: Path, *lines: dict[str, object]) -> dict[str, object]:
    file = tmp_path / "benchmarks.jsonl"
    file.write_text("\n".join(json.dumps(line) for line in lines), encoding="utf-8")
    done = CliRunner().invoke(APP, ["replay", str(file), "--json"])
    assert done.exit_code == 0
    found: dict[str, object] = json.loads(done.output)
    return found


def test_a_benchmark_is_estimated(tmp_path: Path) -> None:
    found = replay(tmp_path, LINE)["records"][0]  # type: ignore[index]
    assert found["status"] == "ok"
    predicted = found["predicted"]
    assert set(predicted) >= {"output_tok_s", "tpot_ms", "ttft_ms", "at_most_output_tok_s", "at_least_tpot_ms"}
    tokens, token = predicted["output_tok_s"], predicted["tpot_ms"]
    assert tokens["low"] < tokens["about"] < tokens["high"] <= predicted["at_most_output_tok_s"]
    assert predicted["at_least_tpot_ms"] <= token["low"] < token["about"] < token["high"]
    # 16 GB of weights at 3.35 TB/s take 4.8 ms: no token comes faster, and not many times slower.
    assert 4.8 < token["about"] < 15


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"spec_decoding": "mtp"}, "speculative decoding is not modelled"),
        ({"disagg": True}, "prompts and answers on GPUs of their own are not modelled"),
        ({"isl": None}, "the lengths of prompt and answer are not told"),
        ({"tp": None}, "the layout is not told"),
        ({"load": "server"}, "arrivals at a rate that is not told"),
        ({"concurrency": None}, "the number of requests at once is not told"),
        ({"engine": "atom"}, "no profile of the engine 'atom'"),
        ({"model": "nobody/nothing-9b"}, "no card of the model 'nobody/nothing-9b'"),
        ({"weights_dtype": "int3"}, "weights of the type 'int3' are not modelled"),
        ({"engine": "llama.cpp", "concurrency": 4}, "llama.cpp was measured with up to 1 request at once alone"),
    ],
)
def test_what_is_not_modelled_is_skipped_with_its_reason(
    tmp_path: Path, change: dict[str, object], reason: str
) -> None:
    found = replay(tmp_path, {**LINE, **change})["records"][0]  # type: ignore[index]
    assert (found["status"], found["reason"], found["predicted"]) == ("skipped", reason, {})


def test_a_figure_that_cannot_be_is_told(tmp_path: Path) -> None:
    found = replay(tmp_path, {**LINE, "measured": {"tpot_ms_mean": 0.5}})
    assert found["records"][0]["impossible"].startswith("tpot_ms 0.5 is less than the 4.")  # type: ignore[index]
    assert found["summary"]["impossible"] == 1  # type: ignore[index]


def test_the_table_tells_the_errors(tmp_path: Path) -> None:
    file = tmp_path / "benchmarks.jsonl"
    file.write_text(json.dumps({**LINE, "cocurrency": 4, "measured": {"tpot_ms_mean": 8.0}}), encoding="utf-8")
    out = CliRunner().invoke(APP, ["replay", str(file)]).output
    assert "1 of 1 benchmarks estimated" in out
    assert "time per token (1): half within" in out
    assert "keys that nothing is made of: cocurrency" in out
