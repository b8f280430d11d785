"""Real start-up logs read and compared; no bytes make it fall over."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpu_sizer import load_model
from gpu_sizer.cards.catalogue import catalogue
from gpu_sizer.cli.entry import run
from gpu_sizer.engines.registry import engine
from gpu_sizer.evidence.check import LogCheck, check
from gpu_sizer.evidence.identify import identify_model
from gpu_sizer.evidence.logs import reader
from gpu_sizer.evidence.logs.startup import TRIGGERS, LogFindings, read_log
from gpu_sizer.evidence.records import EvidenceError, record_from

LOGS = Path(__file__).parent / "logs"
NAMES = sorted(f.name for f in LOGS.glob("*.log"))


def findings(log: str | bytes) -> LogFindings:
    return read_log(io.BytesIO(log.encode() if isinstance(log, str) else log))


def told(name: str) -> dict[str, Any]:
    return findings((LOGS / name).read_bytes()).values


def checked(name: str, **given: Any) -> LogCheck:
    return check(findings((LOGS / name).read_bytes()), catalogue(), **given)


#: What each log tells, read by eye.
TOLD: dict[str, dict[str, Any]] = {
    "vllm-v1-wrapped-by-a-terminal.log": {
        "engine": "vllm",
        "engine_version": "0.10.1.1",
        "engine_generation": "V1",
        "model": "Qwen2-7B-Instruct",
        "dtype": "bfloat16",
        "tp": 1,
        "pp": 1,
        "max_model_len": 16384,
        "max_num_batched_tokens": 2048,
        "gpu_memory_utilization": 0.25,
        "enforce_eager": False,
        "weights_gib_per_gpu": 14.2488,
        "available_kv_gib": 5.01,
        "kv_cache_tokens": 93872,
        "max_concurrency": 5.73,
        "graph_gib": 0.5,
        "outcome": "served",
    },
    "vllm-v1-ray-with-lost-escapes.log": {
        "engine_version": "0.10.1.1",
        "model": "gpt-oss-120b",
        "quantization": "mxfp4",
        "tp": 4,
        "gpu_count": 4,
        "gpu_memory_utilization": 0.8,
        "weights_gib_per_gpu": 17.2217,
        "available_kv_gib": 45.32,
        "kv_cache_tokens": 2640144,
        "max_concurrency": 284.25,
        "gpu_blocks": 330018,
        "graph_gib": 1.88,
    },
    "vllm-v1-two-workers.log": {"tp": 2, "weights_gib_per_gpu": 7.1217, "kv_cache_tokens": 450192, "gpu_blocks": 28137},
    "vllm-v0-table-of-memory.log": {
        "engine_generation": "V0",
        "model": "meta-llama/Meta-Llama-3-8B",
        "gpu_total_gib": 79.22,
        "weights_gib_per_gpu": 14.96,
        "non_torch_gib": 1.79,
        "activation_peak_gib": 1.26,
        "available_kv_gib": 53.29,
    },
    "vllm-v0-cache-too-small.log": {
        "engine_generation": "V0",
        "gpu_total_gib": 22.07,
        "gpu_memory_utilization": 0.9,
        "weights_gib_per_gpu": 14.9888,
        "non_torch_gib": 0.05,
        "activation_peak_gib": 0.22,
        "available_kv_gib": 4.6,
        "gpu_blocks": 2356,
        "kv_cache_tokens": 37696,
        "max_concurrency": 0.29,
        "max_model_len": 131072,
        "outcome": "oom_kv",
    },
    "vllm-v0-out-of-memory.log": {
        "engine_version": "0.5.0.post1",
        "engine_generation": "V0",
        "model": "Mistral-7B-v0.1",
        "max_model_len": 32768,
        "weights_gib_per_gpu": 13.4966,
    },
    "vllm-v0-ray-repeated.log": {
        "gpu_total_gib": 44.53,
        "gpu_memory_utilization": 0.98,
        "weights_gib_per_gpu": 20.64,
        "available_kv_gib": 21.2,
        "outcome": "error_other",
    },
    "vllm-v0-cache-folder-name.log": {"engine_generation": "V0", "tp": 2, "max_model_len": 8192},
    "vllm-v1-no-memory-for-blocks.log": {
        "engine_generation": "V1",
        "weights_gib_per_gpu": 65.9651,
        "available_kv_gib": -2.14,
        "outcome": "oom_kv",
    },
    "vllm-v1-cache-too-small-nvidia-smi.log": {
        "gpu": "NVIDIA H100 80GB HBM3",
        "model": "openai/gpt-oss-120b",
        "gpu_memory_utilization": 0.95,
        "max_num_batched_tokens": 1024,
        "max_model_len": 131072,
        "needed_kv_gib": 4.54,
        "available_kv_gib": 1.71,
        "outcome": "oom_kv",
    },
    "vllm-v1-caret-colours.log": {"model": "openai/gpt-oss-120b", "weights_gib_per_gpu": 64.38},
    "vllm-v1-state-blocks.log": {"max_num_seqs": 1024, "gpu_blocks": 969, "outcome": "oom_kv"},
    "vllm-v1-draft-model-two-lists.log": {
        "quantization": "auto_round",
        "kv_cache_dtype": "fp8_e5m2",
        "dtype": "float16",
        "tp": 2,
        "max_num_seqs": 2,
        "max_num_batched_tokens": 8192,
        "kv_cache_tokens": 620944,
    },
    "vllm-v1-boxed-by-a-terminal.log": {"weights_gib_per_gpu": 14.9888},
    "vllm-v1-free-memory.log": {
        "gpu_total_gib": 31.4,
        "gpu_memory_utilization": 0.92,
        "activation_peak_gib": 1.59,
        "graph_gib": 0.09,
    },
    "sglang-one-gpu.log": {
        "engine": "sglang",
        "dtype": "bfloat16",
        "weights_gib_per_gpu": 27.57,
        "available_kv_gib": 14.0,
        "kv_cache_tokens": 91749,
        "outcome": "served",
    },
    "sglang-two-ranks.log": {
        "engine": "sglang",
        "tp": 2,
        "weights_gib_per_gpu": 3.76,
        "available_kv_gib": 8.3,
        "kv_cache_tokens": 580364,
        "max_num_seqs": 1,
        "max_num_batched_tokens": 2048,
        "max_model_len": 8192,
    },
    "sglang-no-memory-for-cache.log": {
        "engine": "sglang",
        "tp": 8,
        "quantization": "fp8",
        "weights_gib_per_gpu": 125.65,
        "outcome": "oom_kv",
    },
    "llama-cpp-two-gpus.log": {
        "engine": "llama.cpp",
        "gpu": "NVIDIA GeForce RTX 4070 Ti",
        "gpu_count": 2,
        "max_model_len": 4096,
        "weights_gib_per_gpu": 13.6617,
        "available_kv_gib": 3.5,
        "activation_peak_gib": 0.6563,
    },
    "llama-cpp-two-caches.log": {
        "engine": "llama.cpp",
        "max_model_len": 262144,
        "max_num_seqs": 2,
        "available_kv_gib": 9.0879,
        "kv_cache_tokens": 262144,
    },
    "tensorrt-llm-engine.log": {
        "engine": "tensorrt_llm",
        "gpu_count": 1,
        "max_num_seqs": 32,
        "weights_gib_per_gpu": 15323 / 1024,
        "available_kv_gib": 4.6875,
        "kv_cache_tokens": 38400,
    },
    "tensorrt-llm-bytes.log": {"engine": "tensorrt_llm", "available_kv_gib": 64.75, "kv_cache_tokens": 132608},
    "tgi-one-gpu.log": {
        "engine": "tgi",
        "model": "tokyotech-llm/Swallow-7b-hf",
        "tp": 1,
        "gpu_memory_utilization": 1.0,
        "max_model_len": 4096,
        "max_num_batched_tokens": 4145,
        "kv_cache_tokens": 15232,
        "outcome": "served",
    },
    "tgi-compose.log": {
        "engine": "tgi",
        "tp": 1,
        "gpu_blocks": 1069251,
        "block_size": 1,
        "kv_cache_tokens": 1069251,
        "outcome": "served",
    },
    "tgi-server-and-nvidia-smi.log": {
        "engine": "tgi",
        "engine_version": "2.2.0",
        "gpu": "NVIDIA A10G",
        "kv_cache_tokens": 19056,
        "outcome": "served",
    },
    "tgi-two-shards-rocm.log": {"engine": "tgi", "tp": 2, "gpu_count": 2, "kv_cache_tokens": 801568},
    "tgi-arguments-on-one-line.log": {
        "engine": "tgi",
        "model": "meta-llama/Llama-2-13b-chat-hf",
        "tp": 4,
        "gpu_count": 4,
        "max_model_len": 8192,
        "max_num_batched_tokens": 4096,
    },
    "tgi-boxed-by-a-terminal.log": {"engine": "tgi", "model": "meta-llama/Llama-2-7b-hf", "tp": 1},
    "tgi-warm-up-too-large.log": {
        "engine": "tgi",
        "engine_version": "2.2.0",
        "model": "meta-llama/Meta-Llama-3.1-70B-Instruct",
        "tp": 4,
        "max_model_len": 139264,
        "max_num_batched_tokens": 131122,
        "outcome": "oom_kv",
    },
    "tgi-shard-out-of-memory.log": {"engine": "tgi", "gpu_total_gib": 15.77, "outcome": "oom_load"},
    "tgi-arguments-escaped.log": {
        "engine": "tgi",
        "model": "/repository",
        "max_model_len": 65536,
        "max_num_batched_tokens": 65536,
        "enforce_eager": True,
    },
}


def test_every_log_is_read_by_eye_too() -> None:
    assert set(TOLD) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_log_tells(name: str) -> None:
    found = told(name)
    for key, value in TOLD[name].items():
        assert found.get(key) == value, key


@pytest.mark.parametrize("name", NAMES)
def test_every_log_names_its_source(name: str) -> None:
    assert "https://github.com/" in (LOGS / name).read_text(encoding="utf-8").splitlines()[0]


#: Statements as further versions print them: engine, version (or source), the line, and what it tells.
WORDINGS = [
    ("Loading model weights took 14.9595 GB", {"weights_gib_per_gpu": 14.9595}),
    ("Model loading took 14.99 GiB memory and 3.652170 seconds", {"weights_gib_per_gpu": 14.99}),
    ("# GPU blocks: 27378, # CPU blocks: 2048", {"gpu_blocks": 27378, "engine_generation": "V0"}),
    ("# cuda blocks: 13618, # CPU blocks: 2048", {"gpu_blocks": 13618}),
    ("# rocm blocks: 1361, # CPU blocks: 2048", {"gpu_blocks": 1361}),
    (
        "GPU KV cache size: 178,880 tokens, Maximum concurrency for 8,192 tokens per request: 21.84x",
        {"kv_cache_tokens": 178880, "max_concurrency": 21.84, "max_model_len": 8192},
    ),
    (
        "Model loading took 1 GiB\n  Device 0: AMD Instinct MI300X, gfx942:sramecc+:xnack- (0x942), VMM: no",
        {"gpu": "AMD Instinct MI300X"},
    ),
    ("Graph capturing finished in 20 secs, took 0.42 GiB", {"graph_gib": 0.42}),
    (
        "Memory profiling takes 5.29 seconds. Total non KV cache memory: 17.55GiB; torch peak memory increase: 1.26GiB;"
        " "
        "non-torch forward increase memory: 0.16GiB; weights memory: 14.99GiB.",
        {"activation_peak_gib": 1.26, "weights_gib_per_gpu": 14.99},
    ),
    (
        "Free memory on device cuda:0 (78.4/79.18 GiB) on startup. Desired GPU memory utilization is (0.9, 71.26 GiB). "
        "Actual usage is 14.99 GiB for weight, 1.23 GiB for peak activation, 0.45 GiB for non-torch memory, and "
        "2.1 GiB for CUDAGraph memory.",
        {
            "gpu_total_gib": 79.18,
            "gpu_memory_utilization": 0.9,
            "weights_gib_per_gpu": 14.99,
            "activation_peak_gib": 1.23,
            "non_torch_gib": 0.45,
            "graph_gib": 2.1,
        },
    ),
    (
        "ValueError: Free memory on device (10.27/31.4 GiB) on startup is less than desired GPU memory utilization "
        "(0.92, 28.88 GiB). Decrease GPU memory utilization or reduce GPU memory used by other processes.",
        {"gpu_total_gib": 31.4, "gpu_memory_utilization": 0.92, "outcome": "error_other"},
    ),
    ("Auto-fit max_model_len: reduced from 262144 to 131072 to fit in available", {"max_model_len": 131072}),
    # Attention's replicas lie within SGLang's ranks: eight GPUs, each with a replica of attention and its experts.
    (
        "[2025-10-30 15:30:00] server_args=ServerArgs(model_path='deepseek-ai/DeepSeek-V3', tp_size=8, dp_size=4, "
        "enable_dp_attention=True, mem_fraction_static=0.85)",
        {"tp": 2, "dp": 4, "ep": True, "gpu_count": 8},
    ),
    (
        "[2025-10-30 15:30:00] server_args=ServerArgs(model_path='Qwen/Qwen3-8B', tp_size=2, dp_size=4, "
        "enable_dp_attention=False)",
        {"tp": 2, "dp": 4, "gpu_count": 8},
    ),
    ("llama_context: flash_attn    = 0", {"flash_attention": False}),
    ("llama_context: Flash Attention was auto, set to enabled", {"flash_attention": True}),
    (
        "args: Namespace(host=None, model='meta-llama/Meta-Llama-3-70B', dtype='auto', max_model_len=None, "
        "pipeline_parallel_size=1, tensor_parallel_size=4, block_size=16, gpu_memory_utilization=0.9, "
        "max_num_batched_tokens=None, max_num_seqs=256, enforce_eager=False)",
        {
            "model": "meta-llama/Meta-Llama-3-70B",
            "tp": 4,
            "gpu_memory_utilization": 0.9,
            "max_num_seqs": 256,
            "block_size": 16,
            "enforce_eager": False,
        },
    ),
    (
        "vllm serve Qwen/Qwen3-32B -tp 2 --max-model-len 32000 --gpu-memory-utilization=0.95 --enforce-eager\n"
        "Model loading took 30.59 GiB",
        {
            "model": "Qwen/Qwen3-32B",
            "tp": 2,
            "max_model_len": 32000,
            "gpu_memory_utilization": 0.95,
            "enforce_eager": True,
        },
    ),
    (
        "Initial free memory 31.16 GiB, reserved 4.25 GiB memory for KV Cache as specified by kv_cache_memory_bytes "
        "config and skipped memory profiling.",
        {"available_kv_gib": 4.25},
    ),
    ("[gpu=0] KV Cache is allocated. #tokens: 524288, KV size: 17.16 GB", {"available_kv_gib": 17.16}),
    (
        "Using configuration from E=8,N=14336,device_name=NVIDIA_H100_80GB_HBM3.json for MoE layer.\n"
        "Model loading took 1.5 GiB",
        {"gpu": "NVIDIA H100 80GB HBM3"},
    ),
    (
        "Model loading took 33.38 GiB memory and 21.582860 seconds\n"
        "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 1.03 GiB. "
        "GPU 0 has a total capacity of 44.40 GiB of which 858.31 MiB is free.",
        {"gpu_total_gib": 44.4, "outcome": "oom_load"},
    ),
    (
        "[MemUsageChange] Allocated 62.99 GiB for max tokens in paged KV cache (294848).",
        {"engine": "tensorrt_llm", "available_kv_gib": 62.99, "kv_cache_tokens": 294848},
    ),
]


@pytest.mark.parametrize(("line", "tells"), WORDINGS, ids=lambda x: x[:40] if isinstance(x, str) else "")
def test_wordings_of_further_versions(line: str, tells: dict[str, Any]) -> None:
    for prefix in (
        "",
        "\x1b[1;36m(EngineCore_DP0 pid=123)\x1b[0;0m INFO 01-27 00:31:59 [x.py:1] ",
        "2025-09-04T01:02Z F ",
    ):
        found = findings(prefix + line).values
        assert {k: found.get(k) for k in tells} == tells


@pytest.mark.parametrize(
    ("speakers", "layout"),
    [
        # Attention's replicas are numbered within the ranks; the model's have ranks of their own.
        (("DP0 TP0 EP0", "DP0 TP1 EP1", "DP1 TP2 EP2", "DP1 TP3 EP3"), {"tp": 2, "dp": 2, "ep": True, "gpu_count": 4}),
        (("DP0 TP0", "DP0 TP1", "DP1 TP0", "DP1 TP1"), {"tp": 2, "dp": 2, "gpu_count": 4}),
        (("TP0", "TP1"), {"tp": 2, "gpu_count": 2}),
    ],
)
def test_the_layout_of_sglang_by_who_speaks(speakers: tuple[str, ...], layout: dict[str, Any]) -> None:
    line = "[2025-10-30 15:30:00 {}] KV Cache is allocated. #tokens: 91749, K size: 7.00 GB, V size: 7.00 GB"
    found = findings("\n".join(line.format(s) for s in speakers)).values
    assert {key: found.get(key) for key in layout} == layout
    assert found.get("ep") == layout.get("ep")


#: What TGI says, by the file and line that say it: launcher/src/main.rs, router/src and backends/v3/src at the tags.
TGI = [
    # With --json-output: https://cloud.google.com/kubernetes-engine/docs/tutorials/serve-multiple-gpu
    (
        '{"timestamp":"2024-03-09T05:08:19Z","level":"INFO","message":"Setting max batch total tokens to 133696",'
        '"target":"text_generation_router","filename":"router/src/main.rs","line_number":328}',
        {"kv_cache_tokens": 133696, "outcome": "served"},
        "1.4.5",
    ),
    (
        "2023-08-22T18:35:50Z  INFO text_generation_router: router/src/main.rs:213: Warming up model\n"
        "2023-08-22T18:35:51Z  WARN text_generation_router: router/src/main.rs:235: Inferred max batch total tokens: "
        "406560",
        {"kv_cache_tokens": 406560},
        "1.3.4",
    ),
    # A model without paged attention: its number is a setting (router/src/main.rs: warmup).
    (
        "2024-03-04T16:38:11Z  WARN text_generation_router: router/src/main.rs:224: Model does not support automatic "
        "max batch total tokens\n"
        "2024-03-04T16:38:11Z  INFO text_generation_router: router/src/main.rs:246: Setting max batch total tokens to "
        "16000",
        {"kv_cache_tokens": None, "outcome": "served"},
        "1.3.4",
    ),
    (
        "2025-04-16T17:58:46Z  INFO text_generation_launcher: Default `max_batch_prefill_tokens` to 10049\n"
        "2025-04-16T17:58:46Z  INFO text_generation_launcher: Sharding model on 2 processes\n"
        "2025-04-16T17:58:51Z  INFO shard-manager: text_generation_launcher: Starting shard rank=1\n"
        "2025-04-16T17:59:09Z  INFO text_generation_router: backends/v3/src/main.rs:171: Maximum total tokens "
        "defaulted to 32768",
        {"max_num_batched_tokens": 10049, "tp": 2, "max_model_len": 32768},
        None,
    ),
    (
        "2024-09-03T00:45:16Z ERROR warmup{max_input_length=4095 max_prefill_tokens=4145 max_total_tokens=4096 "
        "max_batch_size=None}:warmup: text_generation_client: router/client/src/lib.rs:46: Server error: CANCELLED\n"
        "2024-09-03T00:45:16Z ERROR text_generation_launcher: Webserver Crashed",
        {"max_num_batched_tokens": 4145, "max_model_len": 4096, "outcome": "error_other"},
        None,
    ),
    # What runs out of memory in a warm-up, with the message of PyTorch before that of TGI.
    (
        "2023-10-18T09:00:00Z  INFO text_generation_router: router/src/main.rs:213: Warming up model\n"
        "torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB\n"
        "RuntimeError: Not enough memory to handle 4096 prefill tokens. You need to decrease "
        "`--max-batch-prefill-tokens`",
        {"max_num_batched_tokens": 4096, "outcome": "oom_kv"},
        "1.3.4",
    ),
    (
        "2024-11-13T09:00:00Z  INFO text_generation_router_v3: backends/v3/src/lib.rs:98: Warming up model\n"
        'Error: Backend(NotEnoughMemory: "Not enough memory to handle `max_total_tokens=131072`")',
        {"max_model_len": 131072, "outcome": "oom_kv"},
        "2.4.0",
    ),
    # The same words are the router's of what was measured, and the launcher's of what was asked for.
    (
        "2023-08-22T18:35:50Z  INFO text_generation_router: router/src/main.rs:213: Warming up model\n"
        'Error: ArgumentValidation("`max_total_tokens` must be <= `max_batch_total_tokens`. Given: 8192 and 6144")',
        {"max_model_len": 8192, "kv_cache_tokens": 6144, "outcome": "oom_kv"},
        "1.3.4",
    ),
    (
        "2023-08-22T18:35:50Z  INFO text_generation_launcher: Sharding model on 2 processes\n"
        'Error: ArgumentValidation("`max_total_tokens` must be <= `max_batch_total_tokens`. Given: 8192 and 6144")',
        {"max_model_len": None, "kv_cache_tokens": None, "outcome": "error_other"},
        None,
    ),
    # https://github.com/huggingface/text-generation-inference/issues/563
    (
        "2023-07-07T17:55:40Z  INFO text_generation_router: router/src/main.rs:210: Warming up model\n"
        "thread 'main' panicked at 'Unable to warmup model: Generation(\"Allocation on device 0 would exceed allowed "
        "memory. (out of memory)\nCurrently allocated     : 16.08 GiB\nDevice limit            : 22.20 GiB",
        {"gpu_total_gib": 22.2, "outcome": "oom_kv"},
        "1.0.2",
    ),
    (
        '2024-01-01T00:00:00Z  INFO text_generation_launcher: Args { model_id: "TheBloke/Llama-2-70B-chat-AWQ", '
        "num_shard: Some(2), quantize: Some(BitsandbytesNF4), speculate: Some(2), dtype: Some(BFloat16), "
        "max_waiting_tokens: 20, env: false }",
        {"quantization": "bitsandbytes-nf4", "dtype": "bfloat16", "tp": 2},
        None,
    ),
]


@pytest.mark.parametrize(("line", "tells", "release"), TGI, ids=lambda x: x[:50] if isinstance(x, str) else "")
def test_what_tgi_says(line: str, tells: dict[str, Any], release: str | None) -> None:
    for log in (line, line.replace("\n", "\r\n"), "\n".join(f"tgi-1  | {part}" for part in line.split("\n"))):
        read = findings(log)
        assert read.values["engine"] == "tgi"
        assert ({k: read.values.get(k) for k in tells}, read.release) == (tells, release)


def test_arguments_that_are_printed_on_many_lines_are_read_whatever_stands_before_them() -> None:
    text = (LOGS / "tgi-one-gpu.log").read_text(encoding="utf-8")
    plain = findings(text).values
    assert plain["max_model_len"] == 4096
    for before in ("tgi-1  | ", "pod/llm-0 | "):
        assert findings("".join(before + line for line in text.splitlines(keepends=True))).values == plain
    coloured = re.sub(r"(?m)^(\S+Z)  (INFO|WARN)", r"#033[2m\1#033[0m #033[32m \2#033[0m", text)
    assert findings(coloured).values == plain


def test_arguments_that_are_missing_tell_the_newest_version() -> None:
    """launcher/src/main.rs: Args of each tag."""
    text = (LOGS / "tgi-one-gpu.log").read_text(encoding="utf-8")
    later = text.replace("env: false,", "env: false,\n    lora_adapters: None,")
    assert (findings(text).newest, findings(later).newest) == ("2.0", "2.2")
    # Of a list that was cut off nothing is missing.
    assert findings(text.replace("    env: false,\n", "")).newest is None


@pytest.mark.parametrize(
    ("name", "given", "within"),
    [
        # Swallow is a Llama 2 7B with 11,176 tokens more in its vocabulary: 0.17 GiB of weights.
        ("tgi-one-gpu.log", {"model": "llama-2-7b", "gpu": "a10"}, 0.04),
    ],
)
def test_the_pool_of_tgi_agrees_with_its_version(name: str, given: dict[str, Any], within: float) -> None:
    done = checked(name, **given)
    assert abs(done.errors["kv_cache_tokens"]) < within
    assert done.verdict_agrees is True
    assert "TGI 2.0.4: the newest whose source prints this" in done.replayed.assumed[0]


def test_a_warm_up_of_tgi_that_failed_is_expected_to_fail() -> None:
    done = checked("tgi-warm-up-too-large.log", gpu="h100")
    assert (done.verdict_agrees, done.replayed.predicted["verdict"]) == (True, "does_not_fit")
    assert any("no memory for a prefill of 131,122 tokens" in s for s in done.sentences)


def test_a_log_of_a_version_older_than_the_rules_is_not_compared_with_others() -> None:
    text = (LOGS / "tgi-boxed-by-a-terminal.log").read_text(encoding="utf-8")
    text += "Setting max batch total tokens to 16224\nghcr.io/huggingface/text-generation-inference:0.9.3\n"
    done = check(findings(text), catalogue(), gpu="a10g")
    assert done.replayed.predicted == {}
    assert done.sentences[0] == "TGI version '0.9.3' is not known; known from 1.0 on, as in tgi@1.0."
    # By the rules of 1.0, to which options may point: 16,224 as logged.
    done = check(findings(text), catalogue(), gpu="a10g", engine="tgi@1.0")
    assert abs(done.errors["kv_cache_tokens"]) < 0.03


def test_lines_without_prefixes_are_statements_of_their_own() -> None:
    found = findings(
        "Initializing a V1 LLM engine (v0.11.0) with config: model='Qwen/Qwen3-8B', tensor_parallel_size=1\n"
        "Model loading took 15.27 GiB\nAvailable KV cache memory: 9.5 GiB\n"
    ).values
    assert (found["tp"], found["weights_gib_per_gpu"], found["available_kv_gib"]) == (1, 15.27, 9.5)


def test_figures_are_those_of_the_fullest_gpu() -> None:
    found = findings(
        "(Worker_TP0 pid=1) Model loading took 18.9152 GiB\n(Worker_TP1 pid=2) Model loading took 21.4118 GiB\n"
        "(Worker_TP0 pid=1) Available KV cache memory: 9.05 GiB\n(Worker_TP1 pid=2) Available KV cache memory: 7 GiB\n"
    ).values
    assert (found["weights_gib_per_gpu"], found["available_kv_gib"], found["tp"]) == (21.4118, 7.0, 2)


def test_of_several_start_ups_the_last_is_told() -> None:
    first = (LOGS / "vllm-v1-ray-with-lost-escapes.log").read_text(encoding="utf-8")
    second = (LOGS / "vllm-v1-two-workers.log").read_text(encoding="utf-8")
    found = findings(first + second)
    assert (found.startups, found.values["model"], found.values["kv_cache_tokens"]) == (2, "Qwen2-7B-Instruct", 450192)


def test_other_programs_before_the_engine_are_no_start_up() -> None:
    log = "INFO:     Application startup complete.\n" + (LOGS / "vllm-v1-two-workers.log").read_text(encoding="utf-8")
    assert findings(log).startups == 1


def test_what_happens_after_the_start_does_not_count() -> None:
    log = (LOGS / "vllm-v1-two-workers.log").read_text(encoding="utf-8")
    log += "INFO:     Application startup complete.\ntorch.OutOfMemoryError: CUDA out of memory.\n"
    assert findings(log).values["outcome"] == "served"


def test_other_encodings_and_wrappings() -> None:
    text = (LOGS / "vllm-v1-two-workers.log").read_text(encoding="utf-8")
    plain = findings(text).values
    assert findings(text.encode("utf-16")).values == plain
    assert findings(text.replace("\n", "\r\n")).values == plain
    docker = "\n".join(json.dumps({"log": line + "\n", "stream": "stderr"}) for line in text.splitlines())
    assert {**findings(docker).values, "model": None} == {**plain, "model": None}


def test_model_names_from_folders() -> None:
    assert findings((LOGS / "vllm-v0-cache-folder-name.log").read_bytes()).names[0] == (
        "meta-llama/Meta-Llama-3.1-8B-Instruct"
    )
    assert "qwen3.6-27b-autoround-int4" in findings((LOGS / "vllm-v1-draft-model-two-lists.log").read_bytes()).names


def test_a_start_up_is_found_behind_hours_of_requests() -> None:
    """Once it serves, fewer words are looked for; a further start-up begins with one of them."""
    request = b"INFO 09-01 12:00:00 [loggers.py:123] Avg prompt throughput: 1.0 tokens/s, Running: 1 reqs\n"
    first = (LOGS / "vllm-v1-ray-with-lost-escapes.log").read_bytes()
    second = (LOGS / "vllm-v1-two-workers.log").read_bytes()
    hours = request * (24 * reader.BLOCK // len(request))
    alone = findings(second)
    for end in (b"INFO:     Application startup complete.\n", b""):
        found = findings(first + end + hours + second + hours)
        assert (found.values, found.names) == (alone.values, alone.names)


#: Logs of models that have no card.
CARDLESS = ("tgi-one-gpu.log", "tgi-arguments-escaped.log")
#: What a log may tell of whoever ran it.
PERSONAL = ("alice", "node-17", "10.1.2.3", "/home", "sk-secret")


@pytest.mark.parametrize("name", NAMES)
def test_nothing_personal_stands_in_a_record(name: str) -> None:
    text = (LOGS / name).read_text(encoding="utf-8", errors="replace")
    text = re.sub(r"(model(?:_tag|_path)?=')([^']+)'", r"\1/home/alice/models/\2'", text)
    text = re.sub(r"^", "alice@node-17 10.1.2.3 /home/alice/run.sh api_key='sk-secret' ", text, flags=re.M)
    found = findings(text)
    done = check(found, catalogue(), model="llama-3-8b" if not found.names or name in CARDLESS else None)
    told = json.dumps(done.record.model_dump())
    assert found.values.keys() & TOLD[name].keys() - {"engine"}
    assert [part for part in PERSONAL if part in told] == []


def test_memory_stays_bounded_on_endless_lines() -> None:
    class Endless:
        """64 MiB of one line, then a statement."""

        left = 64

        def read(self, size: int, /) -> bytes:
            self.left -= 1
            return b"x" * size if self.left > 0 else b"\nModel loading took 14.99 GiB\n" if self.left == 0 else b""

    longest = 0
    for line in reader.raw_lines(Endless(), lambda block: True):
        longest = max(longest, len(line))
    assert longest <= reader.LONGEST
    assert read_log(Endless()).values["weights_gib_per_gpu"] == 14.99


def test_a_statement_deep_in_a_long_line_is_read() -> None:
    for before in (reader.LONGEST - 15, reader.LONGEST, 3 * reader.LONGEST + 7):
        line = "word " * (before // 5) + "Model loading took 14.99 GiB memory " + "word " * 50_000
        assert findings(line).values["weights_gib_per_gpu"] == 14.99


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("vllm-v1-wrapped-by-a-terminal.log", {"gpu": "a100-80gb"}),
        ("vllm-v1-two-workers.log", {"gpu": "a100-80gb"}),
        ("vllm-v0-cache-too-small.log", {"model": "llama-3.1-8b"}),
        ("vllm-v0-out-of-memory.log", {}),
        ("vllm-v0-table-of-memory.log", {}),
        ("sglang-one-gpu.log", {"model": "qwen3-14b"}),
        ("tensorrt-llm-engine.log", {"model": "llama-3-8b"}),
    ],
)
def test_weights_agree_with_the_estimate(name: str, given: dict[str, Any]) -> None:
    assert abs(checked(name, **given).errors["weights_gib_per_gpu"]) < 0.005


def test_a_start_that_served_agrees() -> None:
    done = checked("vllm-v1-two-workers.log", gpu="a100-80gb")
    assert done.verdict_agrees is True
    assert done.sentences[0] == "Your server started, and the estimate says that it fits."
    assert set(done.errors) >= {"weights_gib_per_gpu", "available_kv_gib", "kv_cache_tokens"}
    assert done.model_dump()["found"]["tp"] == 2


def test_a_start_that_failed_agrees() -> None:
    done = checked("vllm-v0-cache-too-small.log", model="llama-3.1-8b")
    assert done.verdict_agrees is True
    assert done.sentences[0].startswith("Your server found too little memory for its KV cache, and the estimate says")


def test_a_large_activation_peak_is_named_with_its_cause() -> None:
    log = (
        "Initializing a V1 LLM engine (v0.11.0) with config: model='Qwen/Qwen3-0.6B', tensor_parallel_size=1\n"
        "non-default args: {'model': 'Qwen/Qwen3-0.6B', 'max_num_seqs': 1024, 'max_model_len': 16000}\n"
        "Model loading took 1.12 GiB memory\nFree memory on device (78.6/79.18 GiB) on startup. Desired GPU memory "
        "utilization is (0.9, 71.26 GiB). Actual usage is 1.12 GiB for weight, 20.00 GiB for peak activation, "
        "0.13 GiB for non-torch memory, and 0.10 GiB for CUDAGraph memory.\nAvailable KV cache memory: 50.0 GiB\n"
    )
    done = check(findings(log), catalogue(), gpu="h100-80gb")
    text = " ".join(done.sentences)
    assert "GiB less KV cache a GPU than expected" in text
    assert "its activation peak is 20.0 GiB because max_num_seqs is 1024" in text
    assert "With --max-num-seqs 256, not 1024, the estimated activation peak is" in text


def test_engines_of_other_kinds_are_compared_by_their_own_rules() -> None:
    done = checked("llama-cpp-two-caches.log", model="gpt-oss-20b")
    assert done.replayed.status == "ok"
    assert done.replayed.predicted["activation_peak_gib"] > 0
    assert any("as large as the context asked for" in line for line in done.sentences)
    done = checked("sglang-one-gpu.log", model="qwen3-14b")
    assert done.replayed.status == "ok"
    assert abs(done.errors["weights_gib_per_gpu"]) < 0.01


def test_quantization_that_is_not_modelled_is_told_not_guessed() -> None:
    done = check(findings(VERSIONLESS.replace("auto_round", "aqlm")), catalogue(), gpu="rtx-3090")
    assert "not modelled" in done.sentences[0]
    assert done.replayed.predicted == {}


def test_packed_weights_are_compared_and_never_called_safe_by_a_name_alone() -> None:
    done = checked("vllm-v1-draft-model-two-lists.log", gpu="rtx-3090")
    # What drafts, and prefixes whose states are kept: 179 blocks a request, 17 layers of which each holds a page.
    assert (done.found["speculative"], done.found["prefix_caching"]) == ("mtp:3", True)
    assert not any("knows nothing" in s for s in done.sentences)
    assert done.errors["kv_cache_tokens"] == pytest.approx(0, abs=0.05)
    assert done.errors["max_concurrency"] * done.found["max_concurrency"] == pytest.approx(
        (done.replayed.predicted["gpu_blocks"] - 424) / 179, abs=0.01
    )
    assert done.replayed.predicted["verdict"] == "tight"
    assert any("int4-group128" in a for a in done.replayed.assumed)
    # A release that keeps more in 16 bits disproves the guess; one as heavy as the guess bears it out.
    ours = check(findings(VERSIONLESS), catalogue(), gpu="rtx-3090").replayed.predicted["weights_gib_per_gpu"]
    for told, verdict in ((ours, "fits"), (ours * 1.2, "tight")):
        heavier = VERSIONLESS.replace("'auto_round'", "'auto_round', 'kv_cache_dtype': 'fp8'")
        heavier += f"INFO [gpu_model_runner.py:1] Model loading took {told:.4f} GiB memory and 9.0 seconds\n"
        assert check(findings(heavier), catalogue(), gpu="rtx-3090").replayed.predicted["verdict"] == verdict


#: https://github.com/noonghunna/club-3090/issues/642 (without the host's paths).
VERSIONLESS = """\
(Worker_TP0 pid=101) INFO 07-08 15:38:03 [gpu_worker.py:508] Available KV cache memory: 11.05 GiB
(EngineCore pid=92) INFO 07-08 15:38:03 [kv_cache_utils.py:2146] GPU KV cache size: 623,873 tokens
(APIServer pid=1) INFO 07-07 19:59:04 [api_utils.py:273] non-default args: {'model': 'qwen3.6-27b-autoround-int4', \
'dtype': 'float16', 'max_model_len': 262144, 'quantization': 'auto_round'
"""


def test_no_version_is_the_newest_that_words_so() -> None:
    done = check(findings(VERSIONLESS), catalogue(), gpu="rtx-3090")
    assert "engine_version" not in done.found
    # Lines of source tell the release; a build of somebody's own has them elsewhere.
    why = "the newest whose source prints this from the lines that the log names"
    assert done.replayed.assumed[0] == f"vLLM 0.24.0: {why}, for the log tells no version"
    newest = engine("vllm").release
    for moved in (VERSIONLESS.replace(":508", ":1"), VERSIONLESS.replace(":508", ":480")):
        alone = moved.replace(":2146", ":2").replace(":273", ":3")
        told = check(findings(alone), catalogue(), gpu="rtx-3090").replayed.assumed[0]
        of_moved = "0.23.0: the newest whose source" if ":480" in moved else f"{newest}: the newest that is known"
        assert told.startswith(f"vLLM {of_moved}")
    # Lines that no one release has say nothing.
    mixed = VERSIONLESS.replace(":508", ":480")
    done = check(findings(mixed), catalogue(), gpu="rtx-3090")
    assert done.replayed.assumed[0] == f"vLLM {newest}: the newest that is known, for the log tells no version"
    # The words of 0.11 and before: https://github.com/vllm-project/vllm/issues/24577
    old = VERSIONLESS.replace("qwen3.6-27b-autoround-int4", "qwen3-0.6b").replace("'quantization': 'auto_round'", "")
    old += "INFO [gpu_model_runner.py:2235] Model loading took 1.1201 GiB and 0.596228 seconds\n"
    done = check(findings(old), catalogue(), gpu="a100-80gb")
    assert done.replayed.assumed[0] == "vLLM 0.11: the newest that words so, for the log tells no version"


def test_a_worker_that_names_its_rank_is_one_of_several() -> None:
    assert findings(VERSIONLESS).values["tp"] == 2
    assert findings("(EngineCore_DP0 pid=1) Available KV cache memory: 11.05 GiB").values.get("tp") is None


@pytest.mark.parametrize(
    ("line", "told"),
    [
        # vllm/entrypoints/utils.py: the banner, colours kept.
        (
            "(APIServer pid=1) INFO [utils.py:299]  \u2584\u2584 \u2584\u2588\x1b[0m  version \x1b[35m0.18.0\x1b[0m\n"
            "\x1b[34m\u2588\x1b[0m  model   \x1b[35mQwen/Qwen3-8B\x1b[0m",
            {"engine_version": "0.18.0", "model": "Qwen/Qwen3-8B"},
        ),
        (
            "CUDA graph memory profiling is enabled (default since v0.21.0). The current "
            "--gpu-memory-utilization=0.9764 is equivalent to --gpu-memory-utilization=0.9518 without it.",
            {"gpu_memory_utilization": 0.9764},
        ),
        (
            "Model loading took 14.5 GiB memory and 3.1 seconds\nActual usage is 15.25 GiB for consumed memory "
            "(weights + non-torch), 1.5 GiB for peak activation, and 0.5 GiB for CUDAGraph memory. "
            "Current kv cache memory in use is 5723106304 bytes",
            {"weights_gib_per_gpu": 14.5, "non_torch_gib": 0.75, "activation_peak_gib": 1.5, "available_kv_gib": 5.33},
        ),
        (
            "non-default args: {'model': 'x', 'kv_cache_dtype': 'fp8_ds_mla', 'pipeline_parallel_size': 2}",
            {"kv_cache_dtype": "fp8_ds_mla", "pp": 2},
        ),
        ("vLLM 0.29.1rc1.dev17+gd2\nAvailable KV cache memory: 22.5 GiB", {"engine_version": "0.29.1rc1.dev17+gd2"}),
        (
            "23.25 GiB KV cache is needed, which is larger than the available KV cache memory (22.5 GiB).",
            {"needed_kv_gib": 23.25, "available_kv_gib": 22.5, "outcome": "oom_kv"},
        ),
        ("Available KV cache memory: 2 GiB\nEngine core initialization failed.", {"outcome": "error_other"}),
    ],
)  # fmt: skip
def test_what_vllm_says_today(line: str, told: dict[str, Any]) -> None:
    values = findings(line).values
    assert {k: values.get(k) for k in told} == told


def test_types_of_eight_bits_are_one_size() -> None:
    for name in ("fp8_ds_mla", "fp8_e5m2", "float8_e4m3fn"):
        assert record_from({"id": "a", "model": "b", "kv_cache_dtype": name}, "here").load()["kv_cache_dtype"] == "fp8"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            "'speculative_algorithm': 'EAGLE', 'speculative_draft_model_path': None, 'speculative_num_steps': 3, "
            "'speculative_eagle_topk': 1, 'speculative_num_draft_tokens': 4, 'enable_lora': None, 'lora_paths': None, "
            "'max_loras_per_batch': 8, 'max_lora_rank': None",
            {"speculative": "mtp:3"},
        ),
        (
            "'enable_lora': True, 'max_lora_rank': 16, 'lora_target_modules': {'all'}, 'max_loras_per_batch': 4, "
            "'speculative_algorithm': None",
            {"lora": "4x16"},
        ),
        ("'speculative_algorithm': 'EAGLE3', 'speculative_draft_model_path': 'a/b'", {}),
    ],
)
def test_what_sglangs_arguments_say_of_drafts_and_adapters(arguments: str, told: dict[str, str]) -> None:
    read = findings(
        f"[2026-09-12 00:22:48] server_args={{'model_path': 'Qwen/Qwen3.5-35B-A3B', {arguments}, 'tp_size': 2}}"
    )
    assert {k: v for k, v in read.values.items() if k in ("speculative", "lora")} == told
    assert bool(read.notes) is not bool(told)


def test_a_draft_model_of_sglang_has_a_cache_of_its_own() -> None:
    log = "\n".join(
        f"[2026-09-12 00:22:48 {rank}] {said}"
        for rank in ("TP0 EP0", "TP1 EP1")
        for said in (
            "KV Cache is allocated. dtype: torch.float8_e4m3fn, #tokens: 454112, K size: 3.46 GB, V size: 3.46 GB",
            "Memory pool end. avail mem=8.40 GB",
            "KV Cache is allocated. dtype: torch.float8_e4m3fn, #tokens: 454112, K size: 1.08 GB, V size: 1.08 GB",
            "Memory pool end. avail mem=6.23 GB",
        )
    )
    done = check(findings(log), catalogue(), model="qwen3.6-27b", gpu="rtx-5090")
    told = {"available_kv_gib": 6.92, "draft_kv_gib": 2.16, "kv_cache_tokens": 454112, "tp": 2, "ep": True}
    assert {k: done.found.get(k) for k in told} == told
    assert done.found["kv_cache_dtype"] == "float8_e4m3fn"


#: https://github.com/ggml-org/llama.cpp/issues/23679
TWO_CARDS = """\
common_memory_breakdown_print: |   - CUDA0 (RTX 4090) | 24080 = 23608 + (22450 =  9934 +   10100 +    2416) + -21978 |
common_memory_breakdown_print: |   - CUDA1 (RTX 4090) | 24080 = 23608 + (21275 =  9109 +    9927 +    2237) + -20802 |
common_memory_breakdown_print: |   - Host               |                   4465 =   515 +       0 +    3950 |
common_params_fit_impl:   - CUDA1 (NVIDIA GeForce RTX 4090):  24080 total,  21275 used,   2332 free vs. target of   1024
common_params_fit_impl: projected to use 49726 MiB of device memory vs. 47216 MiB of free device memory
llama_model_loader: loaded meta data with 55 key-value pairs and 753 tensors from /m/Qwen3.6-35B-A3B-UD-IQ4_NL.gguf
"""


def test_what_llama_cpp_says_today() -> None:
    read = findings(TWO_CARDS)
    told = {
        "engine": "llama.cpp",
        "gpu": "RTX 4090",
        "gpu_count": 2,
        "gpu_total_gib": 23.5156,
        "weights_gib_per_gpu": 9.7012,
        "available_kv_gib": 9.8633,
        "activation_peak_gib": 2.3594,
    }
    assert {k: read.values.get(k) for k in told} == told
    assert any("48.56 GiB in all, of 46.11 GiB free: more than there is" in note for note in read.notes)
    assert check(read, catalogue()).record.model == "Qwen3.6-35B-A3B-UD-IQ4_NL.gguf"


def test_what_ollamas_own_runner_says() -> None:
    log = """\
time=2026-01-02T10:00:00Z level=INFO msg=load request="{Operation:commit Parallel:2 KvSize:16384 KvCacheType: }"
time=2026-01-02T10:00:00Z level=INFO source=device.go:240 msg="model weights" device=CUDA0 size="11.8 GiB"
time=2026-01-02T10:00:00Z level=INFO source=device.go:251 msg="kv cache" device=CUDA0 size="512.0 MiB"
time=2026-01-02T10:00:00Z level=INFO source=device.go:262 msg="compute graph" device=CUDA0 size="128.0 MiB"
"""
    told = {"weights_gib_per_gpu": 11.8, "available_kv_gib": 0.5, "activation_peak_gib": 0.125, "max_model_len": 16384}
    assert {k: findings(log).values.get(k) for k in told} == told


def test_options_override_what_a_log_tells(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text(VERSIONLESS, encoding="utf-8")
    options = ["--gpu", "rtx-3090", "--engine", "vllm@0.24", "--tp", "1", "--pp", "2", "--json"]
    assert run(["check-log", str(log), *options]) == 0
    found = json.loads(capsys.readouterr().out)["found"]
    assert {k: found[k] for k in ("engine_version", "tp", "pp", "gpu_count")} == {
        "engine_version": "0.24", "tp": 1, "pp": 2, "gpu_count": 2
    }  # fmt: skip
    assert run(["check-log", str(log), "--engine", "vlm@0.24"]) == 2
    assert "unknown engine" in capsys.readouterr().err


def test_the_record_to_contribute_is_a_record(capsys: pytest.CaptureFixture[str]) -> None:
    log = str(LOGS / "vllm-v1-two-workers.log")
    assert run(["check-log", log, "--gpu", "a100-80gb", "--record"]) == 0
    line = capsys.readouterr().out
    assert line.count("\n") == 1
    record = record_from(json.loads(line), "line")
    assert record.quote is not None
    assert "Model loading took 7.1217 GiB" in record.quote
    assert "/home" not in line
    assert run(["check-log", log, "--gpu", "a100-80gb", "--record"]) == 0
    assert capsys.readouterr().out == line


def test_json_has_the_keys_of_the_contract(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check-log", str(LOGS / "vllm-v1-two-workers.log"), "--gpu", "a100", "--json"]) == 0
    out = json.loads(capsys.readouterr().out)
    assert set(out) >= {"found", "predicted", "errors", "verdict_agrees"}
    assert out["found"]["kv_cache_tokens"] == 450192


def test_stdin(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    class Stdin:
        buffer = io.BytesIO((LOGS / "vllm-v1-two-workers.log").read_bytes())

    monkeypatch.setattr("sys.stdin", Stdin)
    assert run(["check-log", "-", "--gpu", "a100"]) == 0
    assert "KV cache tokens" in capsys.readouterr().out


BAD = [
    (b"", (), "no start-up of vLLM"),
    (b"hello\n" * 100, (), "no start-up of vLLM"),
    (b"Run it: vllm serve meta-llama/Meta-Llama-3-8B -tp 2", (), "no start-up of vLLM"),
    (b"|   0  NVIDIA H100 80GB HBM3          On  | 0 |", (), "no start-up of vLLM"),
    (b"Model loading took 14.99 GiB", (), "weights of 14.99 GiB a GPU, but not the model: pass it with --model"),
    (b"Model loading took 14.99 GiB", ("--model", "nosuch-model"), "unknown model 'nosuch-model'"),
    (b"Model loading took 14.99 GiB", ("--model", "llama-3-8b", "--gpu", "zx81"), "unknown GPU 'zx81'"),
    (b"vllm serve some/unheard-of-77b\nModel loading took 9 GiB", (), "of a model without a card: unknown model"),
]


@pytest.mark.parametrize(("log", "options", "message"), BAD, ids=[b[2][:30] for b in BAD])
def test_what_cannot_be_answered_gets_one_clear_line(
    log: bytes, options: tuple[str, ...], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "server.log"
    file.write_bytes(log)
    assert run(["check-log", str(file), *options]) == 2
    _, err = capsys.readouterr()
    assert message in err
    assert err.count("\n") == 1


def test_files_that_cannot_be_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in (str(tmp_path), str(tmp_path / "none.log"), "a\x00b"):
        assert run(["check-log", path]) == 2
        assert capsys.readouterr().err.count("\n") == 1


def survives(log: bytes) -> None:
    """Either an answer or one clear error."""
    try:
        done = check(findings(log), catalogue(), gpu="h100-80gb")
    except EvidenceError as error:
        assert str(error)
    else:
        json.dumps(done.model_dump(), allow_nan=False)
        record_from(done.record.model_dump(), "log")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(st.binary(max_size=60), st.sampled_from(TRIGGERS)), max_size=12))
def test_no_bytes_make_it_fall_over(parts: list[bytes]) -> None:
    survives(b" ".join(parts))


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(NAMES), st.data())
def test_no_mutilated_log_makes_it_fall_over(name: str, data: st.DataObject) -> None:
    log = bytearray((LOGS / name).read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        start = data.draw(st.integers(0, len(log)))
        stop = data.draw(st.integers(start, min(len(log), start + 40)))
        log[start:stop] = data.draw(
            st.one_of(st.binary(max_size=8), st.sampled_from([b"9" * 12, b"0", b"-", b"\n", b"."]))
        )
    survives(bytes(log))


@settings(max_examples=40, deadline=None)
@given(st.sampled_from([line for line, _ in WORDINGS]), st.text("0123456789.,-", max_size=18), st.data())
def test_no_figure_makes_it_fall_over(line: str, figure: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(line)))
    survives(("vllm serve llama-3-8b\n" + line[:at] + figure + line[at:]).encode())


def test_a_size_that_lost_its_first_digits_is_no_figure() -> None:
    """A copy of a log cuts lines anywhere: what is left of a size is not a size."""
    lines = "\n".join(
        (
            "llama_kv_cache:      CUDA0 KV buffer size = . 9216.00 MiB",
            "load_tensors:        CUDA0 model buffer size = -.. MiB",
            "llama_context:      CUDA0 compute buffer size =   796.00 MiB",
        )
    )
    assert findings(lines).values == {"engine": "llama.cpp", "activation_peak_gib": 0.7773}


def test_a_server_without_its_towers_is_compared_without_them() -> None:
    log = (
        "INFO vLLM API server version 0.27.1\n"
        "INFO non-default args: {'model_tag': 'Qwen/Qwen3.6-27B', 'language_model_only': True, 'max_model_len': 4096}\n"
        "INFO Model loading took 50.25 GiB memory and 6.4 seconds\n"
    )
    without = check(findings(log), catalogue(), gpu="h100")
    assert without.found["language_model_only"] is True
    assert abs(without.errors["weights_gib_per_gpu"]) < 0.001
    whole = check(findings(log.replace("True", "False")), catalogue(), gpu="h100")
    assert whole.errors["weights_gib_per_gpu"] == pytest.approx(0.017, abs=0.002)
    assert whole.replayed.predicted["available_kv_gib"] < without.replayed.predicted["available_kv_gib"] - 0.5


@pytest.mark.parametrize(
    "said", ["vLLM API server version {}", "Initializing a V1 LLM engine (v{}) with config: model='m'"]
)
def test_a_build_without_tags_tells_no_release(said: str) -> None:
    untagged = said.format("0.1.dev19754+g3a0914114")
    assert "engine_version" not in findings(untagged).values
    assert findings(said.format("0.24.0")).values["engine_version"] == "0.24.0"


@pytest.mark.parametrize(
    ("name", "method"),
    [
        ("Lorbus/Qwen3.6-27B-int4-AutoRound", "auto_round"),
        ("cyankiwi/gemma-4-26B-A4B-it-qat-AWQ-INT4", "compressed-tensors"),
    ],
)
def test_releases_of_the_tables_are_known_in_logs(name: str, method: str) -> None:
    record = record_from({"id": "x", "model": name, "quantization": method, "gpu": "RTX 3090", "tp": 2}, "here")
    identified = identify_model(record, catalogue())
    assert identified.card.weights == load_model(name).weights
    # What a release keeps in 16 bits is in no table.
    assert identified.guessed
