"""Options that take or save memory: adapters and offloaded weights (vLLM), layers off the GPUs (llama.cpp)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpu_sizer import RequestError, estimate, load_gpu, load_model, size
from gpu_sizer.engines.registry import engine
from gpu_sizer.load import AS_RELEASED, Load
from gpu_sizer.memory.layout import Layout
from gpu_sizer.records import replace
from gpu_sizer.units import GIB, MIB
from tests.evidence.test_check_log import findings


def held(model: str, gpu: str = "h100", **options: Any) -> Any:
    found = estimate(model, gpu=gpu, context=8192, **options)
    assert found.per_gpu is not None
    return found.per_gpu


@pytest.mark.parametrize("tp", [1, 4])
def test_adapters_are_two_thin_matrices_beside_every_linear_layer(tp: int) -> None:
    """By hand, for Llama 3.1 70B: what a rank's inputs and outputs are, the uncut matrix of the two whole."""
    hidden, inner, kv, layers, vocabulary = 8192, 28672, 1024, 80, 128256
    into = 3 * hidden + (hidden + 2 * kv) // tp  # q, k, v: three times the input, and their outputs
    out = hidden // tp + hidden
    feed = 2 * hidden + 2 * inner // tp + inner // tp + hidden
    ends = 2 * (vocabulary + hidden)
    widths = layers * (into + out + feed) + ends
    eager = {"enforce_eager": True, "tensor_parallel_size": tp, "gpu": "b300"}
    plain, slots = held("llama-3.1-70b", **eager), held("llama-3.1-70b", lora="4x16", **eager)
    assert slots.overhead_bytes - plain.overhead_bytes == 4 * 16 * 2 * widths
    assert slots.weights_bytes == plain.weights_bytes


def test_experts_have_slots_from_a_version_on_and_graphs_are_captured_twice() -> None:
    def more(version: str, **options: Any) -> int:
        own = {"engine": f"vllm@{version}", "tensor_parallel_size": 2, **options}
        return int(held("mixtral-8x7b", lora="1x16", **own).overhead_bytes - held("mixtral-8x7b", **own).overhead_bytes)

    experts = 32 * 8 * (2 * 4096 + 2 * 14336 // 2 + 14336 // 2 + 4096) * 16 * 2
    assert more("0.11.1", enforce_eager=True) - more("0.11.0", enforce_eager=True) == experts
    assert more("0.33") - more("0.33", enforce_eager=True) > 0.3 * GIB
    # Whole experts, spread: each rank half of them, none of their widths cut.
    spread = more("0.33", enforce_eager=True, expert_parallel=True) - more("0.11.0", enforce_eager=True)
    assert spread == 32 * 4 * 3 * (4096 + 14336) * 16 * 2


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ("16", "slots and rank"),
        ("4x", "slots and rank"),
        ("x16", "slots and rank"),
        ("0x16", "from 1 to 4,096"),
        ("99999x16", "from 1 to 4,096"),
        ("4x17", "has the ranks 1, 8"),
        ("4x99999", "has the ranks 1, 8"),
        ("٤x16", "slots and rank"),
    ],
)
def test_adapters_that_no_server_has_are_refused(asked: str, why: str) -> None:
    with pytest.raises(RequestError, match=why):
        held("llama-3-8b", lora=asked)


@pytest.mark.parametrize("options", [{"lora": "1x8"}, {"cpu_offload_gib": 4.0}])
def test_versions_that_were_not_read_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(RequestError, match=r"from\s+(vLLM )?0\.11 on"):
        held("llama-3-8b", engine="vllm@0.10", **options)


@given(st.sampled_from([(1, 1), (2, 1), (1, 2), (2, 2)]), st.floats(0.5, 200))
@settings(max_examples=25, deadline=None)
def test_offloaded_weights_are_on_the_machine_and_nowhere_else(sizes: tuple[int, int], offload: float) -> None:
    layout = {"tensor_parallel_size": sizes[0], "pipeline_parallel_size": sizes[1]}
    plain = estimate("llama-3.1-70b", gpu="b300", context=8192, **layout).memory
    found = estimate("llama-3.1-70b", gpu="b300", context=8192, cpu_offload_gib=offload, **layout).memory
    moved = [a.weights_bytes - b.weights_bytes for a, b in zip(plain.stages, found.stages, strict=True)]
    assert sum(moved) * sizes[0] == found.host_bytes
    # Embedding and head stay, whatever is asked.
    assert all(0 <= m <= int(offload * GIB) for m in moved)
    assert all(stage.weights_bytes > GIB // 4 for stage in found.stages)


def test_a_plan_with_offloaded_weights_needs_fewer_gpus_and_says_what_the_machine_holds() -> None:
    plain, found = (size("llama-3.1-70b", gpu="h100", context=8192, cpu_offload_gib=g) for g in (None, 80.0))
    assert (plain.gpu_count, found.gpu_count) == (2, 1)
    assert found.memory_floor == 1
    assert found.warnings[0].startswith("the machines hold 80.0 GiB in their own memory")
    assert found.model_dump()["assumptions"]["cpu_offload_gib"] == 80


def test_llama_cpp_puts_the_output_and_the_last_layers_on_gpus() -> None:
    model = engine("llama.cpp").model(load_model("qwen3-30b-a3b"), replace(AS_RELEASED, weights_dtype="q4_k_m"))
    # https://github.com/ggml-org/llama.cpp/issues/13729: "offloaded 30/49 layers", 10750.86 MiB on CUDA0, of a build
    # that counted the output apart.
    assert sum(model.layer_bytes[18:]) / MIB == pytest.approx(10750.86, abs=0.01)

    def weights(**options: Any) -> int:
        found = held("qwen3-30b-a3b", "rtx-4090", engine="llama.cpp", weights_dtype="q4_k_m", **options)
        return int(found.weights_bytes)

    assert weights(n_gpu_layers=0) == 0
    assert weights(n_gpu_layers=1) == model.head_bytes
    assert weights(n_gpu_layers=31) == sum(model.layer_bytes[18:]) + model.head_bytes
    assert weights(n_gpu_layers=48) == weights() - model.layer_bytes[0]
    assert weights(n_gpu_layers=49) == weights(n_gpu_layers=99) == weights()
    assert weights() - weights(n_cpu_moe=3) == sum(model.expert_bytes[:3])
    assert weights(n_cpu_moe=99) == weights() - sum(model.expert_bytes)


def test_what_stays_has_its_cache_with_it_and_is_copied_to_work_on() -> None:
    load: dict[str, Any] = {"gpu": "rtx-4090", "engine": "llama.cpp", "context": 32768}
    plain, found = estimate("gpt-oss-120b", **load), estimate("gpt-oss-120b", **load, n_cpu_moe=30)
    assert plain.verdict == "does_not_fit"
    assert found.verdict == "fits"
    model = engine("llama.cpp").model(load_model("gpt-oss-120b"))
    assert found.memory.host_bytes == sum(model.expert_bytes[:30])
    assert plain.per_gpu is not None
    assert found.per_gpu is not None
    assert found.per_gpu.activation_bytes - plain.per_gpu.activation_bytes == max(model.expert_bytes)
    fewer = estimate("gpt-oss-120b", **load, n_gpu_layers=10)
    assert fewer.per_gpu is not None
    assert fewer.per_gpu.kv_cache_bytes < found.per_gpu.kv_cache_bytes / 3
    # Two GPUs share what is on GPUs.
    both = estimate("gpt-oss-120b", **load, n_gpu_layers=20, pipeline_parallel_size=2).memory
    assert sum(both.layer_split) == 19
    rows = estimate("gpt-oss-120b", **load, n_gpu_layers=20, tensor_parallel_size=2)
    assert rows.reason is not None
    assert "by rows" in rows.reason


def test_engines_refuse_options_of_others() -> None:
    for option in ({"n_gpu_layers": 4}, {"n_cpu_moe": 4}):
        with pytest.raises(RequestError, match="not known here for vLLM"):
            held("llama-3-8b", **option)
    with pytest.raises(RequestError, match=r"not known here for llama\.cpp"):
        held("llama-3-8b", engine="llama.cpp", lora="1x8")
    with pytest.raises(RequestError, match=r"llama\.cpp has no cpu_offload_gib: --n-gpu-layers and --n-cpu-moe"):
        held("llama-3-8b", engine="llama.cpp", cpu_offload_gib=4.0)
    # What makes no difference to other engines is left aside, and said.
    assert engine("sglang").settings is not None
    found = estimate("llama-3-8b", gpu="h100", engine="tgi", context=8192, prefix_caching=True)
    assert any("prefix caching on" in w for w in found.warnings)


def test_logs_tell_adapters_offloads_and_layers() -> None:
    args = "non-default args: {'model': 'Qwen/Qwen3-8B', 'enable_lora': True, 'max_loras': 4, 'cpu_offload_gb': 8.0}"
    told = findings(f"INFO vLLM API server version 0.24.0\n{args}\nAvailable KV cache memory: 3.0 GiB").values
    assert (told["lora"], told["cpu_offload_gib"]) == ("4x16", 8.0)
    command = "vllm serve Qwen/Qwen3-8B --cpu-offload-gb 0 --max-num-seqs 4\nAvailable KV cache memory: 3.0 GiB"
    assert "cpu_offload_gib" not in findings(command).values
    # https://github.com/ggml-org/llama.cpp/issues/13729, and as later builds word it.
    log = (
        "load_tensors: offloading 30 repeating layers to GPU\nload_tensors: offloaded 30/49 layers to GPU\n"
        "load_tensors:        CUDA0 model buffer size = 10750.86 MiB\n"
    )
    assert findings(log).values["n_gpu_layers"] == 31
    later = log.replace("offloading 30", "offloading output layer to GPU\nload_tensors: offloading 29")
    assert findings(later).values["n_gpu_layers"] == 30
    assert "n_gpu_layers" not in findings(log.replace("30/49", "49/49")).values
    experts = "".join(
        f"tensor blk.{i}.ffn_up_exps.weight (134 MiB mxfp4) buffer type overridden to CPU\n" for i in range(3)
    )
    assert findings(experts + log).values["n_cpu_moe"] == 3


def test_a_load_reaches_the_model_whole() -> None:
    load = Load(context=8192, users=3, lora="2x8", speculative=None, cpu_offload_gib=2.0, max_num_seqs=7)
    assert load.of_model() == Load(context=1, lora="2x8", cpu_offload_gib=2.0)
    plan = engine("vllm").fitting(engine("vllm").model(load_model("llama-3-8b"), load), load_gpu("h100"), load)
    assert plan.evaluate(Layout()).host_bytes == 2 * GIB


def test_sglang_keeps_layers_in_the_machines_memory_and_the_ends_on_the_gpu() -> None:
    """https://github.com/TianyangChen357/LLM (sglang.log, record sglang-015): 48 GiB offloaded, "mem usage=1.50 GB"."""
    load: dict[str, Any] = {"gpu": "a100-80gb", "engine": "sglang", "context": 8192, "tensor_parallel_size": 2}
    plain = estimate("qwen3-14b", **load).memory
    found = estimate("qwen3-14b", **load, cpu_offload_gib=48.0).memory
    assert found.per_gpu.loaded_bytes / GIB == pytest.approx(1.5, abs=0.1)
    moved = plain.per_gpu.weights_bytes - found.per_gpu.weights_bytes
    assert found.host_bytes == 2 * moved
    some = estimate("qwen3-14b", **load, cpu_offload_gib=2.0).memory
    assert plain.per_gpu.weights_bytes - some.per_gpu.weights_bytes == 2 * GIB


def test_sglang_without_kept_prefixes_holds_one_state_a_request() -> None:
    load: dict[str, Any] = {"gpu": "h100", "engine": "sglang", "context": 512}
    kept, without = (estimate("qwen3.5-9b", **load, prefix_caching=p).memory for p in (None, False))
    told = estimate("qwen3.5-9b", **load, prefix_caching=False, max_num_seqs=16).memory
    assert kept.max_concurrent_requests < without.max_concurrent_requests
    # A state for each of 16 requests, and all else for tokens.
    assert told.kv_cache_tokens > 1.5 * without.kv_cache_tokens


def test_sglang_leaves_out_the_towers_that_it_can() -> None:
    load: dict[str, Any] = {"gpu": "h100", "engine": "sglang", "context": 8192, "language_model_only": True}
    with pytest.raises(RequestError, match="builds the tower"):
        estimate("qwen3-vl-8b", **load)
    with pytest.raises(RequestError, match=r"from 0\.5\.20 on"):
        estimate("qwen3-vl-8b", **{**load, "engine": "sglang@0.5.10"})


def test_sglang_names_the_share_under_which_a_load_would_fit() -> None:
    load: dict[str, Any] = {"gpu": "h100", "engine": "sglang", "context": 32768}
    short = estimate("qwen3-32b", **load, gpu_memory_utilization=0.8).memory
    assert short.verdict == "does_not_fit"
    told = short.reason.rpartition("--mem-fraction-static ")[2].split()[0]
    assert estimate("qwen3-32b", **load, gpu_memory_utilization=float(told)).memory.per_gpu.free_bytes >= 0
    # Where what stays free is taken, no share helps.
    hopeless = estimate("qwen3-32b", **load, users=40, gpu_memory_utilization=0.8).memory
    assert "--mem-fraction-static" not in hopeless.reason


@pytest.mark.parametrize(
    ("version", "tp", "share"),
    [
        # server_args.py of each: told; 10 and 11.5 GiB of 81,559 MiB free; 512 + 8192 * 1.5 + 512 + 128 MiB;
        # 512 + 8192 * 1.5 + 1024 + 512 MiB.
        ("0.4.6", 1, 0.88),
        ("0.4.6", 4, 0.85),
        ("0.4.10", 1, 0.874),
        ("0.5.2", 4, 0.856),
        ("0.5.5", 1, 0.835),
        ("0.5.8", 4, 0.824),
    ],
)
def test_sglangs_share_is_its_versions(version: str, tp: int, share: float) -> None:
    found = engine(f"sglang@{version}")
    model, load = found.model(load_model("qwen3-8b")), Load(context=8192)
    assert found.settings(model, load_gpu("h100"), load, Layout(tp)).gpu_memory_utilization == share
