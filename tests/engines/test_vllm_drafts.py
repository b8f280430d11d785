"""What drafts tokens ahead under vLLM, and states that are kept for prefixes: by the engine's source and by logs."""

from __future__ import annotations

from typing import Any

import pytest

from gpu_sizer import RequestError, estimate, load_gpu, load_model
from gpu_sizer.cards.catalogue import catalogue
from gpu_sizer.engines.speculation import NoDrafterError, Speculation, speculation
from gpu_sizer.engines.vllm.engine import VllmEngine
from gpu_sizer.engines.vllm.specs import EveryState
from gpu_sizer.load import AS_RELEASED, Load
from gpu_sizer.records import replace

#: Two RTX 3090 with Qwen3.6-27B-FP8 and a float8 cache: what https://github.com/noonghunna/club-3090/issues/594 ran.
TWO: dict[str, Any] = {
    "gpu": "rtx-3090",
    "tensor_parallel_size": 2,
    "context": 262144,
    "max_num_seqs": 2,
    "max_num_batched_tokens": 8192,
    "kv_cache_dtype": "fp8",
    "engine": "vllm@0.24",
}


#: The draft of three start-ups on two RTX 5090.
DFLASH2 = "draft:qwen3.8-27b-dflash2:7"


def request_blocks(model: str, gpu: str, tp: int, version: str, load: Load, dtype: str = "float8") -> tuple[int, int]:
    """Blocks that one request takes, and bytes of one block."""
    engine = VllmEngine(version)
    made = engine.model(load_model(model), load)
    plan = made.cache(tp, dtype, engine.page_rules(load_gpu(gpu), load))
    tokens = engine.version.tokens_in_flight(1, 8192)
    return int(plan.blocks_per_request(load.context, tokens)), plan.stage_block_bytes(1)[0]


@pytest.mark.parametrize(
    ("model", "gpu", "tp", "version", "prefixes", "drafts", "blocks", "block", "printed"),
    [
        # Logs print tokens, which are requests at once times the length: a whole number of blocks by blocks a request.
        # Qwen3.6-35B-A3B on an RTX 5090, 131,072 tokens: 567,978 printed, 299 blocks of which a request takes 69.
        ("qwen3.6-35b-a3b-nvfp4", "rtx-5090", 1, "0.24", True, None, 69, None, (567978, 131072, 299)),
        # Qwen3.6-27B on two RTX 3090 with three drafted ahead: 426 blocks by 179 a request of 262,144 in 11.05 GiB ...
        ("qwen3.6-27b", "rtx-3090", 2, "0.24", True, "mtp:3", 179, 1600 * 1024 * 17, (623873, 262144, 426)),
        # ... 205 in 5.33 GiB, and 425.
        ("qwen3.6-27b-fp8", "rtx-3090", 2, "0.24", True, "mtp:3", 179, 1600 * 1024 * 17, (300220, 262144, 205)),
        ("qwen3.6-27b", "rtx-3090", 2, "0.22", True, "mtp:3", 179, 1600 * 1024 * 17, (622408, 262144, 425)),
        # Qwen3.8-27B-FP8 there without drafts, 131,072 tokens: 208 blocks of 4.99 GiB.
        ("qwen3.8-27b-fp8", "rtx-3090", 2, "0.24", True, None, 90, 1568 * 1024 * 16, (302921, 131072, 208)),
        # Qwen3.6-27B on two H100 under 0.27.1, prefixes left aside as by default.
        ("qwen3.6-27b", "h100", 2, "0.27.1", None, None, 87, None, (1407894, 65536, 1869)),
        # A draft's heads are of another width: its five windowed layers are a group, and all groups are of five
        # (github.com/noonghunna/club-3090/issues/1085): 1,418 blocks of 11.15 GiB.
        ("qwen3.8-27b-fp8", "rtx-5090", 2, "0.27.1", True, DFLASH2, 463, 1648 * 1024 * 5, (451603, 147456, 1418)),
    ],
)
def test_blocks_are_those_of_logs(
    model: str,
    gpu: str,
    tp: int,
    version: str,
    prefixes: bool | None,
    drafts: str | None,
    blocks: int,
    block: int | None,
    printed: tuple[int, int, int],
) -> None:
    tokens, context, pool = printed
    load = Load(context=context, prefix_caching=prefixes, speculative=drafts)
    found, size = request_blocks(model, gpu, tp, version, load, "bfloat16" if gpu == "h100" else "float8")
    assert found == blocks
    assert block is None or size == block
    assert int(pool / blocks * context) == pytest.approx(tokens, abs=1)


@pytest.mark.parametrize(
    ("context", "blocks", "pool", "tokens"),
    # Issues 1084 (16.01 GiB) and 1086 (11.15 GiB) of the same repository, whose cache has 16 bits.
    [(204800, 1102, 2017, 374847), (65536, 430, 1405, 214135)],
)
def test_a_windowed_drafts_blocks_are_those_of_logs(context: int, blocks: int, pool: int, tokens: int) -> None:
    load = Load(context=context, prefix_caching=True, speculative=DFLASH2)
    found, size = request_blocks("qwen3.8-27b", "rtx-5090", 2, "0.27.1", load, "bfloat16")
    assert (found, size) == (blocks, 832 * 2048 * 5)
    assert int(pool / blocks * context) == pytest.approx(tokens, abs=1)


def test_a_scale_for_each_head_takes_four_bytes_beside_keys_and_values() -> None:
    """github.com/noonghunna/club-3090/issues/602: 200 blocks of 5.23 GiB, 289,661 tokens."""
    load = Load(context=262144, prefix_caching=True, speculative="mtp:3")
    blocks, size = request_blocks("qwen3.6-27b-fp8", "rtx-3090", 2, "0.24", load, "int8_per_token_head")
    assert (blocks, int(5.23 * 2**30 / size)) == (181, 200)
    assert int(200 / blocks * 262144) == 289661
    with pytest.raises(RequestError, match="no keys of heads"):
        estimate("deepseek-v3", gpu="h200", tensor_parallel_size=8, kv_cache_dtype="int8_per_token_head")
    with pytest.raises(RequestError, match="first known to scale"):
        estimate("qwen3-8b", gpu="rtx-3090", kv_cache_dtype="fp8_per_token_head", engine="vllm@0.11")


def test_prefix_caching_of_states_is_each_versions_own() -> None:
    def taken(version: str, asked: bool | None, model: str = "granite-4.0-h-small", drafts: str | None = None) -> int:
        load = Load(context=131072, prefix_caching=asked, speculative=drafts)
        return request_blocks(model, "h100", 1, version, load, "bfloat16")[0]

    # Off where not asked for, up to 0.27; up to 0.11.0 whatever is asked.
    for version in ("0.10", "0.11.0"):
        assert taken(version, True) == taken(version, False) == taken(version, None)
    assert taken("0.27", None) == taken("0.27", False) < taken("0.28", None) == taken("0.28", True)
    # Granite's class keeps a state at every boundary before 0.28, Qwen's two in each group of states.
    assert taken("0.24", True) > 3 * taken("0.24", False)
    assert taken("0.24", True, "qwen3-next-80b-a3b") == taken("0.24", False, "qwen3-next-80b-a3b") + 3
    assert taken("0.14", True, "qwen3-next-80b-a3b") == taken("0.14", False, "qwen3-next-80b-a3b")
    # Models without states do not change.
    assert taken("0.33", True, "llama-3-8b") == taken("0.33", False, "llama-3-8b")


def test_states_at_every_boundary_grow() -> None:
    spec = EveryState(2)
    assert spec.grows
    assert [spec.blocks(n, 0, 512, 1) for n in (1, 512, 513)] == [3, 3, 4]


def test_prediction_layers_are_weighed_once_and_share_embeddings() -> None:
    held = [estimate("qwen3.6-27b-fp8", **TWO, **more).per_gpu for more in ({}, {"speculative": "mtp:3"})]
    plain, drafting = held
    assert plain is not None
    assert drafting is not None
    # One layer of full attention in float8, its scales of blocks, and the joint projection in 16 bits, halved.
    attention, hidden = 2 * 24 * 256 + 2 * 4 * 256 + 24 * 256, 5120
    matrices = hidden * (attention + 3 * 17408)
    more = (matrices + matrices // 128**2 * 4) // 2 + hidden * 2 * hidden * 2 // 2
    assert drafting.weights_bytes - plain.weights_bytes == pytest.approx(more, rel=0.001)
    # The runner keeps states and embeddings of a batch for them.
    assert drafting.overhead_bytes - plain.overhead_bytes > 2 * 8192 * hidden * 2 - (394 << 20)
    # No release of four bits tells that its prediction layers are, too.
    small = [estimate("qwen3.6-27b-nvfp4", gpu="rtx-5090", context=8192, speculative=s) for s in (None, "mtp")]
    sizes = [e.per_gpu.weights_bytes for e in small if e.per_gpu is not None]
    assert sizes[1] - sizes[0] == pytest.approx(2 * (matrices + 2 * hidden * hidden), rel=0.001)


def test_a_draft_model_is_held_whole_beside_the_model() -> None:
    load: dict[str, Any] = {"gpu": "h100", "context": 32768, "tensor_parallel_size": 4}
    plain = estimate("llama-3.1-70b", **load).per_gpu
    drafting = estimate("llama-3.1-70b", **load, speculative="draft:llama-3.1-8b:5").per_gpu
    draft = estimate("llama-3.1-8b", **load).per_gpu
    assert plain is not None
    assert drafting is not None
    assert draft is not None
    assert drafting.weights_bytes == plain.weights_bytes + draft.weights_bytes
    assert drafting.kv_cache_bytes == plain.kv_cache_bytes + draft.kv_cache_bytes
    assert drafting.free_bytes < plain.free_bytes - draft.weights_bytes - draft.kv_cache_bytes


@pytest.mark.parametrize(
    ("model", "draft", "states", "joined"),
    [
        # EAGLE-3 reads three of the model's states; DFlash as many as its projection joins, and keeps keys' and values'
        # projections of its five layers once more (8 heads of 128, hidden size 4096).
        ("llama-3.1-8b", "llama-3.1-8b-eagle3", 3, 0),
        ("qwen3-8b", "qwen3-8b-dflash", 5, 5 * 2 * 8 * 128 * 4096 * 2),
    ],
)
def test_a_draft_that_reads_states(model: str, draft: str, states: int, joined: int) -> None:
    def held(version: str, **more: Any) -> Any:
        found = estimate(model, gpu="h100", context=8192, max_num_batched_tokens=65536, engine=version, **more).per_gpu
        assert found is not None
        return found

    tokens, hidden = 65536, 4096
    state = tokens * hidden * 2
    plain, drafting = (held("vllm@0.33", enforce_eager=True, speculative=s) for s in (None, f"draft:{draft}:5"))
    loaded = drafting.weights_bytes - plain.weights_bytes
    total = catalogue().drafter(draft).parameters.total
    assert total is not None
    assert loaded == pytest.approx(2 * total, rel=0.001)
    # One buffer of states for a batch; rotary tables and what is joined are loaded beside it.
    assert 0 <= drafting.overhead_bytes - plain.overhead_bytes - state - joined < 64 << 20
    # What it reads stays while the model runs, and is joined before it drafts.
    assert drafting.activation_bytes - plain.activation_bytes >= states * state
    assert drafting.activation_bytes - plain.activation_bytes < 3 * (states + 1) * state
    # The first runner keeps embeddings, too.
    before = [held("vllm@0.28", enforce_eager=True, speculative=s).overhead_bytes for s in (None, f"draft:{draft}:5")]
    assert before[1] - before[0] >= 2 * state + joined


def test_graphs_of_drafts_keep_the_states_that_they_verify() -> None:
    def overhead(**more: Any) -> int:
        found = estimate("qwen3-8b", gpu="h100", context=8192, speculative="draft:qwen3-8b-dflash:7", **more).per_gpu
        assert found is not None
        return found.overhead_bytes

    # 256 sequences of 8 tokens, five states of 4096 values of two bytes each.
    graphs = overhead(max_num_seqs=256) - overhead(max_num_seqs=256, enforce_eager=True)
    assert graphs > 256 * 8 * 5 * 4096 * 2
    with pytest.raises(RequestError, match=r"dspark drafts are known here from vLLM 0\.29 on"):
        estimate("qwen3.8-27b", gpu="h100", context=8192, engine="vllm@0.26", speculative="draft:qwen3.8-27b-dspark:5")
    refused = estimate(
        "qwen3-8b", gpu="h100", context=8192, pipeline_parallel_size=2, speculative="draft:qwen3-8b-dflash:7"
    )
    assert refused.verdict == "does_not_fit"
    assert "last stage of a pipeline" in str(refused.reason)


def test_the_drafter_stands_on_the_last_stage() -> None:
    engine = VllmEngine()
    card = load_model("glm-4.5-air")
    plain = engine.model(card)
    drafting = engine.model(card, replace(AS_RELEASED, speculative="mtp:1"))
    more = [b - a for a, b in zip(plain.stages(1, 1, 3), drafting.stages(1, 1, 3), strict=True)]
    assert more[:2] == [0, 0]
    assert more[2] > 1 << 30
    rules = engine.page_rules(load_gpu("h100"), AS_RELEASED)
    blocks = [m.cache(1, "bfloat16", rules).stage_block_bytes(3) for m in (plain, drafting)]
    assert blocks[0][:2] == blocks[1][:2]
    assert blocks[0][2] < blocks[1][2]


@pytest.mark.parametrize(
    ("model", "asked", "version", "why"),
    [
        ("llama-3-8b", "mtp:1", "0.33", "no prediction layers"),
        ("llama-3.1-70b", "draft:qwen3-8b:3", "0.33", "another vocabulary"),
        ("llama-3.1-70b", "draft:llama-3.1-8b:3", "0.11", "from vLLM 0\\.15 on"),
        ("deepseek-v3", "mtp:1", "0.9", "from vLLM 0\\.11 on"),
        ("deepseek-v3", "eagle:3", "0.33", "must be mtp:N"),
        ("deepseek-v3", "mtp:0", "0.33", "from 1 to 64"),
        ("deepseek-v3", "mtp:999", "0.33", "from 1 to 64"),
        ("deepseek-v3", "", "0.33", "must be mtp:N"),
    ],
)
def test_what_cannot_draft_is_refused(model: str, asked: str, version: str, why: str) -> None:
    with pytest.raises(NoDrafterError, match=why):
        estimate(model, gpu="h200", tensor_parallel_size=8, engine=f"vllm@{version}", context=2048, speculative=asked)


def test_other_engines_refuse_what_they_do_not_count() -> None:
    for name in ("transformers", "llama.cpp"):
        with pytest.raises(RequestError, match="speculative takes or saves is not known here"):
            estimate("llama-3-8b", gpu="h100", engine=name, context=2048, speculative="mtp:1")
    with pytest.raises(RequestError, match=r"from 0\.17 on"):
        estimate("qwen3-vl-8b", gpu="h100", engine="vllm@0.16", context=2048, language_model_only=True)


def test_speculation_is_read() -> None:
    assert speculation(None) is None
    assert speculation("mtp") == Speculation(None, None)
    assert speculation(" mtp:3 ") == Speculation(None, 3)
    assert speculation("draft:meta-llama/Llama-3.1-8B:5") == Speculation("meta-llama/Llama-3.1-8B", 5)


def test_a_pair_without_the_engines_own_all_reduce_has_no_buffers_of_it() -> None:
    plain, without = (
        estimate("llama-3-8b", gpu="l40s", tensor_parallel_size=2, context=8192, engine="vllm@0.16", **more).per_gpu
        for more in ({}, {"disable_custom_all_reduce": True})
    )
    assert plain is not None
    assert without is not None
    assert plain.overhead_bytes - without.overhead_bytes == pytest.approx(0.28 * 2**30, rel=0.01)


def test_flashinfer_takes_its_workspace_with_the_first_graph() -> None:
    def overhead(gpu: str, model: str = "llama-3-8b", **more: Any) -> int:
        held = estimate(model, gpu=gpu, context=8192, max_num_seqs=8, **more).per_gpu
        assert held is not None
        return held.overhead_bytes

    workspace = 394 << 20
    # Hopper's FlashAttention has a float8 cache, others' has none; data-center Blackwell takes FlashInfer anyway.
    assert overhead("rtx-4090", kv_cache_dtype="fp8") - overhead("rtx-4090") > workspace * 0.99
    assert overhead("h100", kv_cache_dtype="fp8") < overhead("h100") + workspace // 8
    assert overhead("b200") - overhead("h200") > workspace * 0.99
    # Without graphs there is no profile of them, and before 0.20 they were not in the budget.
    eager = {"enforce_eager": True}
    assert overhead("rtx-4090", kv_cache_dtype="fp8", **eager) <= overhead("rtx-4090", **eager)
    assert overhead("rtx-4090", kv_cache_dtype="fp8", engine="vllm@0.19") <= overhead("rtx-4090", engine="vllm@0.19")
