"""Reports that benchmarks of serving write as JSON: guidellm, and GenAI-Perf with its successor AIPerf.

- guidellm (0.3 to 0.8): ``benchmarks`` with a strategy and, under ``metrics``, a distribution of those that succeeded
  (https://github.com/vllm-project/guidellm/blob/main/src/guidellm/benchmark/schemas/metrics.py). Its time per output
  token has the first token's wait in it; what lies between tokens is its inter-token latency.
- GenAI-Perf: statistics by name beside ``input_config``
  (https://github.com/triton-inference-server/perf_analyzer, genai-perf/genai_perf/export_data/json_exporter.py);
  AIPerf's have the same names (https://github.com/ai-dynamo/aiperf, docs/tutorials/working-with-profile-exports.md).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

from gpu_sizer.engines.registry import engine_name, engine_names
from gpu_sizer.files import parse_json

#: A report's metrics by key of what is measured: of guidellm, and of GenAI-Perf with the statistic that is meant.
_GUIDELLM = {
    "output_tok_s": ("output_tokens_per_second", "mean"),
    "req_s": ("requests_per_second", "mean"),
    "ttft_ms_mean": ("time_to_first_token_ms", "mean"),
    "ttft_ms_median": ("time_to_first_token_ms", "median"),
    "tpot_ms_mean": ("inter_token_latency_ms", "mean"),
    "tpot_ms_median": ("inter_token_latency_ms", "median"),
}
_GENAI_PERF = {
    "output_tok_s": ("output_token_throughput", "avg"),
    "req_s": ("request_throughput", "avg"),
    "ttft_ms_mean": ("time_to_first_token", "avg"),
    "ttft_ms_median": ("time_to_first_token", "p50"),
    "tpot_ms_mean": ("inter_token_latency", "avg"),
    "tpot_ms_median": ("inter_token_latency", "p50"),
}
#: Milliseconds of a unit of time.
_MS = {"ns": 1e-6, "us": 1e-3, "ms": 1.0, "s": 1e3, "sec": 1e3}
#: Where reports of several versions tell the same, the newest first.
_GUIDELLM_MODEL = (("config", "backend", "model"), ("worker", "backend_model"), ("args", "model"))
_STRATEGY = (("config", "strategy"), ("args", "strategy"))
_MODELS = (("model_names",), ("model",), ("endpoint", "model_names"), ("models", "items"), ("endpoint", "model"))
_CONCURRENCY = (("perf_analyzer", "stimulus", "concurrency"), ("concurrency",), ("loadgen", "concurrency"))
_RATE = (("perf_analyzer", "stimulus", "request_rate"), ("request_rate",), ("loadgen", "request_rate"))
_BACKEND = (("backend",), ("endpoint", "backend"))
#: Words that stand in every such report.
_WORDS = (b'"output_tokens_per_second"', b'"output_token_throughput"')
#: Strategies of guidellm whose requests come one after another, or all at once.
_ONE, _ALL = ("synchronous",), ("throughput",)


def _at(values: Any, path: Sequence[str]) -> Any:
    """What stands at a path; null where there is none."""
    for key in path:
        values = values.get(key) if isinstance(values, dict) else None
    return values


def _first(values: Any, paths: Sequence[Sequence[str]]) -> Any:
    return next((value for path in paths if (value := _at(values, path)) is not None), None)


def _number(value: Any) -> float | None:
    fine = isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
    return float(value) if fine else None


def _kept(values: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in values.items() if v is not None}


def _of_guidellm(report: dict[str, Any]) -> tuple[dict[str, Any], int] | None:
    benchmarks = report.get("benchmarks")
    if not isinstance(benchmarks, list) or not benchmarks or not isinstance(benchmarks[-1], dict):
        return None
    last = benchmarks[-1]
    metrics, strategy = last.get("metrics"), _first(last, _STRATEGY)
    if not isinstance(metrics, dict) or not isinstance(strategy, dict):
        return None

    def mean(name: str, statistic: str = "mean") -> float | None:
        return _number(_at(metrics, (name, "successful", statistic)))

    kind, streams = strategy.get("type_"), _number(strategy.get("streams"))
    values: dict[str, Any] = {"load": "server"}
    if kind in _ONE or streams is not None:
        values = {"load": "closed", "concurrency": streams or 1.0}
    elif kind in _ALL:
        most = _number(strategy.get("max_concurrency"))
        values = {"load": "max"} if most is None else {"load": "closed", "concurrency": most}
    done = _number(_at(metrics, ("request_totals", "successful")))
    model = _first(last, _GUIDELLM_MODEL) or _at(report, ("args", "model"))
    values |= {
        "model": model if isinstance(model, str) and model else None,
        "isl": mean("prompt_token_count"),
        "osl": mean("output_token_count"),
        "num_prompts": done,
        "measured": _kept({key: mean(*where) for key, where in _GUIDELLM.items()}),
    }
    return _kept(values), len(benchmarks)


def _of_genai_perf(report: dict[str, Any]) -> tuple[dict[str, Any], int] | None:
    asked = report.get("input_config")
    if not isinstance(asked, dict) or not isinstance(report.get("output_token_throughput"), dict):
        return None

    def statistic(name: str, which: str) -> float | None:
        value, unit = _number(_at(report, (name, which))), _at(report, (name, "unit"))
        factor = _MS.get(unit, 1.0) if isinstance(unit, str) and ("time" in name or "latency" in name) else 1.0
        return None if value is None else value * factor

    models: Any = _first(asked, _MODELS)
    model = models[0] if isinstance(models, list) and models else models
    model = model.get("name") if isinstance(model, dict) else model
    at_once, backend = _number(_first(asked, _CONCURRENCY)), _first(asked, _BACKEND)
    engine = engine_name(backend) if isinstance(backend, str) else ""
    values = {
        "engine": engine if engine in engine_names() else None,
        "model": model if isinstance(model, str) and model else None,
        "load": "closed" if at_once else "server" if _number(_first(asked, _RATE)) else None,
        "concurrency": at_once,
        "isl": statistic("input_sequence_length", "avg"),
        "osl": statistic("output_sequence_length", "avg"),
        "num_prompts": statistic("request_count", "avg"),
        "measured": _kept({key: statistic(*where) for key, where in _GENAI_PERF.items()}),
    }
    return _kept(values), 1


def is_report(begun: bytes) -> bool:
    """Whether the first bytes of a file may be those of such a report: a JSON object that is no line of a log."""
    return begun.lstrip()[:1] == b"{" and any(word in begun for word in _WORDS)


def read_report(text: str | bytes) -> tuple[dict[str, Any], int] | None:
    """What a report tells, by key of a benchmark, and how many results it has, of which the last is read.

    Null where the text is none.
    """
    try:
        report = parse_json(text)
    except ValueError:
        return None
    if not isinstance(report, dict):
        return None
    return _of_guidellm(report) or _of_genai_perf(report)
