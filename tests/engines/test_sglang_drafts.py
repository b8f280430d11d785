"""What drafts tokens ahead under SGLang, and slots of adapters: what its source sets aside for them."""

from __future__ import annotations

from typing import Any

import pytest

from gpu_sizer import RequestError, estimate, load_gpu, load_model
from gpu_sizer.engines.registry import engine
from gpu_sizer.engines.sglang.pools import held, state_slots
from gpu_sizer.engines.speculation import NoDrafterError
from gpu_sizer.errors import UncountableError
from gpu_sizer.load import AS_RELEASED, Load
from gpu_sizer.memory.layout import Layout
from gpu_sizer.model.caches import CacheTypes
from gpu_sizer.records import replace
from gpu_sizer.units import MIB

BF16 = CacheTypes("bfloat16", "bfloat16")


def model_of(name: str, asked: str | None) -> Any:
    return engine("sglang").model(load_model(name), replace(AS_RELEASED, speculative=asked))


def added(name: str, asked: str, tp: int = 1) -> tuple[int, int, int]:
    """Bytes more of weights and of a token's cell than without drafts, and those its pool has beyond that."""
    plain, drafting = model_of(name, None), model_of(name, asked)
    weights = [m.stage_weights(Layout(tp))[0] for m in (plain, drafting)]
    cell = plain.cells(tp, BF16, ((0, plain.layers),), windows=True)[0]
    more, beyond = drafting.drafter.set_aside(cell, plain.full_layers, tp, BF16)
    return weights[1] - weights[0], more.full - cell.full, beyond


def test_prediction_layers_have_the_models_embedding_and_head_and_a_layer_of_its_pool() -> None:
    # DeepSeek-V3's layer 61 by its matrices, a byte a value: experts and heads cut, the rest whole ...
    hidden, tp = 7168, 8
    experts = 257 * 3 * hidden * 2048 // tp
    latent = hidden * (1536 + 576) + (1536 * 24576 + 512 * 32768 + 16384 * hidden) // tp
    # ... and what joins embedding and states in 16 bits, with the router.
    joined = 2 * (2 * hidden * hidden + 256 * hidden)
    weights, cell, beyond = added("deepseek-v3", "mtp:1", tp)
    assert weights == pytest.approx(experts + latent + joined, rel=4e-4)
    # 512 + 64 values in latent attention, the same in every layer.
    assert (cell, beyond) == (576 * 2, 0)


def test_a_draft_models_layers_are_counted_as_the_models_own() -> None:
    # Llama 3.1 8B: 32 layers of 4,096 bytes a token; Llama 3.2 1B has 16 of 2,048 with weights of 1.24 billion, tied.
    weights, cell, beyond = added("llama-3.1-8b", "draft:llama-3.2-1b:3")
    assert weights == pytest.approx(2 * 1235814400, rel=1e-3)
    assert (cell, beyond) == (16 * 4096, 0)
    # Qwen3 0.6B's layers are as wide as those of Qwen3 8B; those of gpt-oss's head are wider than the model's.
    assert added("qwen3-8b", "draft:qwen3-0.6b:3")[1:] == (28 * 4096, 0)
    assert added("gpt-oss-120b", "draft:gpt-oss-120b-eagle3:3")[2] == 0


def test_drafts_in_blocks_are_counted_by_their_own_layers() -> None:
    draft = model_of("qwen3-8b", "draft:qwen3-8b-dflash:15").drafter
    kept = sum(cell.full for cell in draft.cells(1, BF16, ((0, draft.layers),), windows=False))
    assert added("qwen3-8b", "draft:qwen3-8b-dflash:15")[1:] == (kept, 0)
    assert draft.verified == 16


def test_eagle_3_has_its_own_head_and_the_models_embedding() -> None:
    draft = model_of("gpt-oss-120b", "draft:gpt-oss-120b-eagle3:3").drafter
    assert not draft.inventory.embedding
    assert draft.inventory.head
    assert draft.drafts.states == 3


def test_states_are_kept_of_every_token_that_is_verified() -> None:
    """(``_handle_max_mamba_cache``): of each request that runs, and of a padding one."""
    plain, three = state_slots(True, 48), state_slots(True, 48, 3)
    assert (plain.verifying(96), three.verifying(96)) == (0, (96 // three.a_request + 1) * 3)
    assert three.verifying(10**6) == 49 * 3
    made = model_of("qwen3.5-35b-a3b", None)
    cell = made.cells(1, BF16, ((0, made.layers),), windows=True)[0]
    room = 40 << 30
    tokens, requests = held(cell, room, plain)
    fewer, verified = held(cell, room, three)
    assert requests is not None
    assert verified is not None
    assert verified < requests
    assert fewer <= tokens + requests * cell.states // cell.full


@pytest.mark.parametrize("model", ["llama-3.1-8b", "qwen3.5-9b", "gpt-oss-20b"])
def test_drafts_take_memory(model: str) -> None:
    asked = {
        "llama-3.1-8b": "draft:llama-3.2-1b:3",
        "qwen3.5-9b": "mtp:2",
        "gpt-oss-20b": "draft:gpt-oss-120b-eagle3:3",
    }
    more = {"gpu": "h100", "context": 8192, "engine": "sglang", "gpu_memory_utilization": 0.8}
    if model == "gpt-oss-20b":
        with pytest.raises(NoDrafterError, match=r"drafts for gpt-oss-120b, not for"):
            estimate(model, speculative=asked[model], **more)
        return
    plain, drafting = (estimate(model, speculative=s, **more) for s in (None, asked[model]))
    assert plain.per_gpu is not None
    assert drafting.per_gpu is not None
    assert drafting.per_gpu.available_kv_bytes < plain.per_gpu.available_kv_bytes
    assert drafting.per_gpu.kv_cache_bytes > plain.per_gpu.kv_cache_bytes


@pytest.mark.parametrize(
    ("model", "asked", "more", "why"),
    [
        ("deepseek-v3", "mtp:1", {"engine": "sglang@0.5.5"}, r"known here from SGLang 0\.5\.16 on"),
        ("llama-3.1-8b", "mtp:1", {}, "no prediction layers"),
        ("motif-3", "mtp:1", {}, "SGLang has no prediction layers of MotifForCausalLM"),
        ("llama-3.1-8b", "draft:llama-3.1-8b-eagle3:3", {}, "SGLang does not load Eagle3Speculator"),
        ("gemma-3-27b", "draft:gemma-3-1b:3", {}, "another vocabulary"),
    ],
)
def test_what_cannot_draft_is_refused(model: str, asked: str, more: dict[str, str], why: str) -> None:
    with pytest.raises(NoDrafterError, match=why):
        estimate(
            model, gpu="h200", tensor_parallel_size=8, context=2048, speculative=asked, **{"engine": "sglang"} | more
        )


def test_layouts_that_draft_nothing_are_refused() -> None:
    sglang, model = engine("sglang"), model_of("deepseek-v3", "mtp:1")
    assert "pipeline" in (sglang.refusal(model, Layout(8, 2)) or "")
    shared = Layout(1, data_parallel_size=8, expert_parallel=True)
    assert "replicas that share experts" in (sglang.refusal(model, shared) or "")
    assert sglang.refusal(model, Layout(8)) is None


@pytest.mark.parametrize(
    ("model", "asked", "version", "why"),
    [
        ("qwen3-8b", "draft:qwen3-8b-dflash:15", "0.5.17", "known here from SGLang 0.5.18 on"),
        ("qwen3-8b", "draft:qwen3-8b-dflash:15", "0.5.18", None),
        ("qwen3.8-27b", "draft:qwen3.8-27b-dflash2:15", "0.5.18", "DFlash2DraftModel, the class of"),
        ("qwen3-8b", "draft:qwen3-0.6b:3", "0.5.16", None),
    ],
)
def test_versions_that_do_not_have_a_draft_are_refused(model: str, asked: str, version: str, why: str | None) -> None:
    reason = engine(f"sglang@{version}").refusal(model_of(model, asked), Layout(1))
    assert (reason is None) if why is None else why in (reason or "")


def test_so_many_requests_run_where_none_are_told() -> None:
    load = Load(context=2048, users=64, speculative="draft:llama-3.2-1b:3")
    sglang, model = engine("sglang"), model_of("llama-3.1-8b", load.speculative)
    with pytest.raises(RequestError, match="max_running_requests 48 is below the 64 users"):
        sglang.settings(model, load_gpu("h100"), load, Layout())
    told = replace(load, max_num_seqs=64)
    assert sglang.settings(model, load_gpu("h100"), told, Layout()).max_num_seqs == 64


@pytest.mark.parametrize("tp", [1, 4])
def test_adapters_have_slots_beside_every_linear_layer(tp: int) -> None:
    """By hand, for Llama 3.1 70B (``lora/mem_pool.py``): inputs of the one matrix, outputs of the other."""
    hidden, inner, kv, layers, vocabulary = 8192, 28672, 1024, 80, 128256
    into = 3 * hidden + (hidden + 2 * kv) // tp
    out = hidden // tp + hidden
    feed = 2 * hidden + 2 * inner // tp + inner // tp + hidden
    widths = layers * (into + out + feed) + 2 * (vocabulary + hidden)
    more = {"gpu": "b300", "context": 8192, "engine": "sglang", "tensor_parallel_size": tp}
    plain, slots = (estimate("llama-3.1-70b", lora=s, **more).per_gpu for s in (None, "4x16"))
    assert plain is not None
    assert slots is not None
    assert slots.overhead_bytes - plain.overhead_bytes == 4 * 16 * 2 * widths
    assert slots.available_kv_bytes < plain.available_kv_bytes - 100 * MIB


@pytest.mark.parametrize(("tp", "spread"), [(1, False), (4, False), (4, True)])
def test_adapters_have_slots_beside_every_expert(tp: int, spread: bool) -> None:
    """By hand, for Mixtral 8x7B (``lora/mem_pool.py: get_lora_A_shape`` of gate_up_proj_moe and down_proj_moe).

    Spread experts have their whole width, as many as a rank has.
    """
    hidden, inner, kv, layers, vocabulary, experts = 4096, 14336, 1024, 32, 32000, 8
    into = 3 * hidden + (hidden + 2 * kv) // tp
    out = hidden // tp + hidden
    cut, each = (1, experts // tp) if spread else (tp, experts)
    feed = each * (2 * hidden + 2 * inner // cut + inner // cut + hidden)
    widths = layers * (into + out + feed) + 2 * (vocabulary + hidden)
    more = {"gpu": "b300", "context": 8192, "engine": "sglang", "tensor_parallel_size": tp, "expert_parallel": spread}
    plain, slots = (estimate("mixtral-8x7b", lora=s, **more).per_gpu for s in (None, "4x16"))
    assert plain is not None
    assert slots is not None
    assert slots.overhead_bytes - plain.overhead_bytes == 4 * 16 * 2 * widths


def test_layers_that_differ_by_their_windows_alone_have_the_same_slots() -> None:
    assert engine("sglang").model(load_model("gemma-3-27b"), replace(AS_RELEASED, lora="4x16")).adapters is not None


def test_adapters_that_are_not_counted_are_refused() -> None:
    for model in ("qwen3-30b-a3b-fp8", "deepseek-v3", "qwen3.5-9b", "gpt-oss-20b"):
        with pytest.raises(UncountableError, match="its layers differ, or have shared or quantized experts"):
            engine("sglang").model(load_model(model), replace(AS_RELEASED, lora="4x16"))
    with pytest.raises(RequestError, match=r"known here from SGLang 0\.5\.23 on"):
        estimate("llama-3.1-8b", gpu="h100", context=2048, engine="sglang@0.5.20", lora="4x16")
