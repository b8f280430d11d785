"""What benchmarks of serving print: ``vllm bench serve``, ``sglang.bench_serving`` and ``llama-bench``.

Both of the first print a table of names and figures under the same title; llama-bench one in Markdown, a line a test.
"""

from __future__ import annotations

import re
from typing import Any

from gpu_sizer.records import dataclass

#: The title of a result, and the head of llama-bench's table.
TITLE = re.compile(r"=+ *Serving Benchmark Result *=+")
LLAMA_HEAD = re.compile(r"^\|\s*model\s*\|.*\|\s*test\s*\|\s*t/s\s*\|", re.MULTILINE)
#: What a line of the result is called, by key of what is measured.
_MEASURED = {
    "output token throughput (tok/s)": "output_tok_s",
    "total token throughput (tok/s)": "total_tok_s",
    "request throughput (req/s)": "req_s",
    "mean ttft (ms)": "ttft_ms_mean",
    "median ttft (ms)": "ttft_ms_median",
    "mean tpot (ms)": "tpot_ms_mean",
    "median tpot (ms)": "tpot_ms_median",
    "median itl (ms)": "itl_ms_median",
}
_LINE = re.compile(r"^\s*(?P<name>[A-Z][\w ./()-]*?):\s+(?P<value>\S.*?)\s*$", re.MULTILINE)
_MODEL = re.compile(r"(?:--model(?:-path)?[ =]|\bmodel=)['\"]?([\w./-]+)")
_TENSOR = re.compile(r"(?:--tensor-parallel-size|--tp(?:-size)?|-tp)[ =](\d+)")
_DEVICE = re.compile(r"^\s*Device \d+: (.+?), compute capability", re.MULTILINE)
_TEST = re.compile(
    r"^\|\s*(?P<model>[^|]+?)\s*\|(?P<more>.*)\|\s*tg(?P<answer>\d+)\s*\|\s*(?P<speed>[\d.]+)", re.MULTILINE
)
#: Names of a quantized type in llama-bench's first column.
_QUANTIZED = {"Q4_K - Medium": "q4_k_m", "F16": "fp16", "BF16": "bf16"}


@dataclass(frozen=True, slots=True)
class BenchFindings:
    """What a benchmark's output tells, by key of a benchmark; ``results`` is how many there were, the last one read."""

    values: dict[str, Any]
    results: int


def _number(text: str | None) -> float | None:
    try:
        return float((text or "").replace(",", ""))
    except ValueError:
        return None


def _served(text: str) -> BenchFindings:
    results = TITLE.split(text)
    before, last = results[0], results[-1]
    lines = {m["name"].strip().lower(): m["value"] for m in _LINE.finditer(last)}
    values: dict[str, Any] = {"engine": lines.get("backend", "vllm").partition("-")[0]}
    done = _number(lines.get("successful requests"))
    for name, key in (("total input tokens", "isl"), ("total generated tokens", "osl")):
        if (total := _number(lines.get(name))) is not None and done:
            values[key] = round(total / done, 1)
    at_once = _number(lines.get("maximum request concurrency") or lines.get("max request concurrency"))
    rate = lines.get("traffic request rate") or lines.get("request rate configured (rps)") or "inf"
    if at_once is not None:
        values |= {"load": "closed", "concurrency": int(at_once)}
    else:
        values["load"] = "max" if rate.startswith("inf") else "server"
    if done:
        values["num_prompts"] = int(done)
    values["measured"] = {
        key: number for name, key in _MEASURED.items() if (number := _number(lines.get(name))) is not None
    }
    if models := _MODEL.findall(before):
        values["model"] = models[-1]
    if sizes := _TENSOR.findall(before):
        values["tp"] = int(sizes[-1])
    return BenchFindings(values, len(results) - 1)


def _llama(text: str) -> BenchFindings:
    tests = list(_TEST.finditer(text))
    devices = _DEVICE.findall(text)
    values: dict[str, Any] = {"engine": "llama.cpp", "load": "single", "concurrency": 1, "tp": 1, "measured": {}}
    if devices:
        values |= {"gpu": devices[0], "gpu_count": len(devices)}
    if tests:
        last = tests[-1]
        values |= {"isl": 0.0, "osl": float(last["answer"]), "measured": {"output_tok_s": float(last["speed"])}}
        for name, fmt in _QUANTIZED.items():
            if last["model"].endswith(name):
                values |= {"weights_dtype": fmt, "model": last["model"].removesuffix(name).strip()}
    return BenchFindings(values, len(tests))


def read_bench(text: str) -> BenchFindings | None:
    """What a benchmark's output tells; null where there is none in the text."""
    if TITLE.search(text):
        return _served(text)
    return _llama(text) if LLAMA_HEAD.search(text) else None
