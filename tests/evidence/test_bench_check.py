"""What benchmarks print, read and put beside the estimate."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gpu_sizer.cards.catalogue import catalogue
from gpu_sizer.cli.app import put_together
from gpu_sizer.evidence.bench_check import check_bench
from gpu_sizer.evidence.logs.bench import read_bench
from gpu_sizer.evidence.records import EvidenceError

APP = put_together()
#: As ``vllm bench serve`` prints it (vllm/benchmarks/serve.py), behind the command that was typed.
VLLM = """
$ vllm bench serve --model meta-llama/Llama-3.1-8B-Instruct --random-input-len 1024 --max-concurrency 16
============ Serving Benchmark Result ============
Successful requests:                     160
Maximum request concurrency:             16
Benchmark duration (s):                  22.05
Total input tokens:                      163840
Total generated tokens:                  40960
Request throughput (req/s):              7.26
Output token throughput (tok/s):         1857.60
Total Token throughput (tok/s):          9281.04
---------------Time to First Token----------------
Mean TTFT (ms):                          190.10
Median TTFT (ms):                        171.32
P99 TTFT (ms):                           420.31
-----Time per Output Token (excl. 1st token)------
Mean TPOT (ms):                          7.85
Median TPOT (ms):                        7.80
==================================================
"""
#: As ``sglang.bench_serving`` prints it (python/sglang/bench_serving.py).
SGLANG = """
Namespace(backend='sglang', model='Qwen/Qwen3-8B', num_prompts=1000)
============ Serving Benchmark Result ============
Backend:                                 sglang
Traffic request rate:                    inf
Max request concurrency:                 not set
Successful requests:                     1000
Benchmark duration (s):                  40.00
Total input tokens:                      214500
Total generated tokens:                  199900
Request throughput (req/s):              25.00
Input token throughput (tok/s):          5362.50
Output token throughput (tok/s):         4997.50
Total token throughput (tok/s):          10360.00
----------------End-to-End Latency----------------
Mean E2E Latency (ms):                   21000.00
---------------Time to First Token----------------
Mean TTFT (ms):                          5000.00
==================================================
"""
#: As ``llama-bench`` prints it (tools/llama-bench/README.md).
LLAMA = """
ggml_cuda_init: found 1 CUDA devices:
  Device 0: NVIDIA GeForce RTX 4090, compute capability 8.9, VMM: yes
| model                          |       size |     params | backend    | ngl |          test |                  t/s |
| ------------------------------ | ---------: | ---------: | ---------- | --: | ------------: | -------------------: |
| llama 8B Q4_K - Medium         |   4.58 GiB |     8.03 B | CUDA       |  99 |         pp512 |     11521.33 ± 20.11 |
| llama 8B Q4_K - Medium         |   4.58 GiB |     8.03 B | CUDA       |  99 |         tg128 |        135.21 ± 0.20 |
"""


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            VLLM,
            {
                "engine": "vllm",
                "model": "meta-llama/Llama-3.1-8B-Instruct",
                "load": "closed",
                "concurrency": 16,
                "num_prompts": 160,
                "isl": 1024.0,
                "osl": 256.0,
            },
        ),
        (SGLANG, {"engine": "sglang", "model": "Qwen/Qwen3-8B", "load": "max", "isl": 214.5, "osl": 199.9}),
        (LLAMA, {"engine": "llama.cpp", "weights_dtype": "q4_k_m", "gpu": "NVIDIA GeForce RTX 4090", "osl": 128.0}),
    ],
    ids=["vllm", "sglang", "llama-bench"],
)
def test_outputs_are_read(text: str, found: dict[str, object]) -> None:
    read = read_bench(text)
    assert read is not None
    assert {key: read.values[key] for key in found} == found


def test_figures_are_read() -> None:
    read = read_bench(VLLM)
    assert read is not None
    assert read.values["measured"] == {
        "output_tok_s": 1857.6,
        "total_tok_s": 9281.04,
        "req_s": 7.26,
        "ttft_ms_mean": 190.1,
        "ttft_ms_median": 171.32,
        "tpot_ms_mean": 7.85,
        "tpot_ms_median": 7.8,
    }


def test_arrivals_at_a_rate_are_told_as_such() -> None:
    read = read_bench(SGLANG.replace("rate:                    inf", "rate:                    4.0"))
    assert read is not None
    assert read.values["load"] == "server"


def test_what_is_no_benchmark_is_left_to_the_reader_of_logs() -> None:
    assert read_bench("INFO 01-01 [gpu_worker.py] Available KV cache memory: 10 GiB") is None


@pytest.mark.parametrize(
    ("text", "more"), [(VLLM, {"gpu": "h100"}), (SGLANG, {"gpu": "h100"}), (LLAMA, {"model": "llama-3.1-8b"})]
)
def test_a_benchmark_is_compared(text: str, more: dict[str, str]) -> None:
    read = read_bench(text)
    assert read is not None
    done = check_bench(read, catalogue(), **more)  # type: ignore[arg-type]
    assert done.replayed.status == "ok"
    assert set(done.errors) >= {"output_tok_s"}
    assert json.loads(json.dumps(done.record()))["measured"] == read.values["measured"]


def test_what_is_not_told_is_asked_for() -> None:
    read = read_bench(VLLM)
    assert read is not None
    with pytest.raises(EvidenceError, match="not the GPU: pass it with --gpu"):
        check_bench(read, catalogue())


def test_no_record_is_made_of_what_cannot_be() -> None:
    read = read_bench(VLLM.replace("7.85", "0.50").replace("7.80", "0.50"))
    assert read is not None
    done = check_bench(read, catalogue(), gpu="h100")
    assert done.sentences[0].startswith("This cannot be: tpot_ms 0.5 is less than the 4.")
    with pytest.raises(EvidenceError, match="this is no record: tpot_ms"):
        done.record()


def test_the_command_reads_a_file_and_stdin(tmp_path: Path) -> None:
    file = tmp_path / "bench.txt"
    file.write_text(VLLM, encoding="utf-8")
    plain = CliRunner().invoke(APP, ["check-log", str(file), "--gpu", "h100"])
    told = CliRunner().invoke(APP, ["check-log", "-", "--gpu", "h100", "--json"], input=VLLM)
    assert plain.exit_code == 0
    assert "output tokens a second" in plain.output
    assert "The output does not tell the number of GPUs: one was assumed" in plain.output
    assert set(json.loads(told.output)) >= {"found", "predicted", "errors", "verdict"}
    line = CliRunner().invoke(APP, ["check-log", str(file), "--gpu", "h100", "--record"]).output
    again = tmp_path / "again.jsonl"
    again.write_text(line, encoding="utf-8")
    assert CliRunner().invoke(APP, ["replay", str(again)]).exit_code == 0
