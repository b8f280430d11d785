"""The cache of one request, block by block, against the engine's own planner."""

from __future__ import annotations

from typing import Any

import pytest

from gpu_sizer import load_model
from gpu_sizer.cards.catalogue import catalogue
from gpu_sizer.cards.model_card import ModelCard
from gpu_sizer.engines.vllm.cache import CachePlan, cache_plan
from gpu_sizer.engines.vllm.pages import Page, PageRules, layer_pages
from gpu_sizer.engines.vllm.specs import FULL, Sliding
from gpu_sizer.errors import RequestError
from gpu_sizer.memory.layout import Layout
from gpu_sizer.memory.weights import WeightRules, refusal
from gpu_sizer.model.caches import CacheTypes
from gpu_sizer.model.inventory import build_inventory
from gpu_sizer.model.mixers.compressed_attention import CompressedAttention
from gpu_sizer.units import GIB
from tests.oracle import imported, lines

KIB = 1024
#: Batches in flight with asynchronous scheduling.
BATCHES = 2


def plan_of(card: ModelCard, tp: int) -> CachePlan:
    a = card.architecture
    types = CacheTypes(card.weights.kv_cache_dtype or card.weights.dtype, card.weights.dtype)
    packed = any(isinstance(b.mixer, CompressedAttention) for b in a.blocks.values())
    return cache_plan(layer_pages(a.blocks, tp, types, PageRules()), a.layer_names, packed=packed)


SINGLE = [
    x for x in lines("vllm.jsonl") if x.get("kv_bytes_for") and x["pp"] == 1 and not x["ep"] and imported(x["hf_id"])
]
PIPELINES = [x for x in lines("vllm_pipeline.jsonl") if imported(x["hf_id"])]


@pytest.mark.parametrize("line", SINGLE, ids=lambda x: f"{x['hf_id']} tp{x['tp']}")
def test_one_request_takes_the_engines_bytes(line: dict[str, Any]) -> None:
    card = imported(line["hf_id"])
    assert card is not None
    plan = plan_of(card, line["tp"])
    block = plan.stage_block_bytes(1)[0]
    in_flight = BATCHES * line["max_num_batched_tokens"]
    assert block == line["block_bytes"]
    for context, size in line["kv_bytes_for"].items():
        assert plan.blocks_per_request(int(context), in_flight) * block == size


@pytest.mark.parametrize("line", SINGLE, ids=lambda x: f"{x['hf_id']} tp{x['tp']}")
def test_a_pool_of_64_gib_holds_the_engines_blocks_and_tokens(line: dict[str, Any]) -> None:
    card = imported(line["hf_id"])
    assert card is not None
    plan, known = plan_of(card, line["tp"]), line["at_64gib"]
    blocks = 64 * GIB // plan.stage_block_bytes(1)[0]
    request = plan.blocks_per_request(known["max_model_len"], BATCHES * line["max_num_batched_tokens"])
    assert blocks == known["num_blocks"]
    assert blocks / request == pytest.approx(known["max_concurrency"], abs=1e-4)
    assert int(blocks / request * known["max_model_len"]) == known["tokens"]


@pytest.mark.parametrize("line", PIPELINES, ids=lambda x: f"{x['hf_id']} pp{x['pp']}")
def test_pipelines_take_the_engines_bytes(line: dict[str, Any]) -> None:
    card = imported(line["hf_id"])
    assert card is not None
    plan = plan_of(card, line["tp"])
    blocks = plan.stage_block_bytes(line["pp"])
    for stage, block in zip(line["stages"], blocks, strict=True):
        assert block == stage["block_bytes"]
        for context, size in stage["kv_bytes_for"].items():
            assert plan.blocks_per_request(int(context), line["tokens_in_flight"]) * block == size


def test_latent_cache_is_whole_on_every_rank() -> None:
    card = imported("deepseek-ai/DeepSeek-V3")
    assert card is not None
    sizes = {tp: plan_of(card, tp).stage_block_bytes(1)[0] for tp in (1, 2, 4, 8)}
    assert set(sizes.values()) == {61 * 576 * 2 * 16}


def test_pages_that_no_number_makes_equal_have_memory_of_their_own() -> None:
    latent, windowed = Page(FULL, 16, 16 * 576 * 2, latent=True), Page(Sliding(129), 16, 16 * 2 * 320 * 2)
    names = ["windowed" if i % 4 else "latent" for i in range(53)]
    pages = {"latent": [latent], "windowed": [windowed]}
    with pytest.raises(RequestError, match="one page size"):
        cache_plan(pages, names)
    plan = cache_plan(pages, names, apart=True)
    # Motif's build: the 14 full layers are one group, the 39 windowed ones thirteen groups of three.
    assert [len(group.pages) for group in plan.groups] == [14] + [3] * 13
    assert plan.stage_block_bytes(1) == (16 * 2 * (14 * 576 + 3 * 640),)
    assert plan.blocks_per_request(1600, 128) == 100 + 13 * (16 + 1)


def test_windows_keep_their_window_only_where_the_engine_can() -> None:
    card = imported("openai/gpt-oss-20b")
    assert card is not None
    a, types = card.architecture, CacheTypes("bfloat16", "bfloat16")
    with_windows = cache_plan(layer_pages(a.blocks, 1, types, PageRules()), a.layer_names)
    without = cache_plan(layer_pages(a.blocks, 1, types, PageRules(windows=False)), a.layer_names)

    def size(plan: CachePlan) -> int:
        return plan.blocks_per_request(131_072, 16_384) * plan.stage_block_bytes(1)[0]

    assert size(without) == 24 * 2 * 8 * 64 * 2 * 131_072
    assert size(with_windows) < 0.6 * size(without)


@pytest.mark.parametrize("tp", [1, 2, 4, 8])
@pytest.mark.parametrize(
    ("name", "layers", "window_block"),
    # Keys and values of windowed layers are as many as those of short convolutions in the larger model.
    [("inkling", 11, 16), ("inkling-small", 7, 32)],
)
def test_short_convolutions_are_windows_of_four_tokens(name: str, layers: int, window_block: int, tp: int) -> None:
    """vLLM ``models/inkling/nvidia/sconv_swa_attn.py``: heads of 1,024 or 2,048 values, in a cache of their own."""
    plan = plan_of(catalogue().models.get(name), tp)
    kinds = [(len(group.pages), kind.kind, kind.block_size) for group in plan.groups for kind in group.kinds]
    assert sorted(set(kinds)) == [(layers, "full", 32), (layers, "sliding", 4), (layers, "sliding", window_block)]
    assert [kind[2] for kind in kinds].count(4) == 6
    # 8 heads of 2,048 values or 16 of 1,024, four tokens, two bytes each.
    assert plan.stage_block_bytes(1)[0] == layers * 131_072 // tp
    context, in_flight = 1_048_576, 16_384
    full, convolutions = context // 32, 6 * (-(-(3 + in_flight) // 4) + 1)
    windows = 5 * (-(-(511 + in_flight) // window_block) + 1)
    assert plan.blocks_per_request(context, in_flight) == full + windows + convolutions


@pytest.mark.parametrize(
    ("context", "batch", "bfloat16", "float8"),
    [
        (8_192, 16_384, 317_012, 335_644),
        (131_072, 16_384, 1_200_271, 1_303_934),
        (131_072, 8_192, 2_239_900, 2_509_704),
        (131_072, 2_048, 6_392_807, 8_189_269),
        (524_288, 16_384, 3_967_258, 4_681_299),
        (1_048_576, 16_384, 6_442_622, 8_237_213),
        (1_048_576, 8_192, 9_356_357, 13_272_591),
        (1_048_576, 2_048, 14_159_015, 24_509_531),
    ],
)
def test_inkling_s_pools_are_those_that_the_engine_s_own_planner_gives(
    context: int, batch: int, bfloat16: int, float8: int
) -> None:
    """Inkling-Small on four GPUs, 535,384 blocks: https://github.com/vllm-project/vllm/pull/54705, issues/54703."""
    a = catalogue().models.get("inkling-small").architecture
    for dtype, tokens in (("bfloat16", bfloat16), ("float8", float8)):
        plan = cache_plan(layer_pages(a.blocks, 4, CacheTypes(dtype, "bfloat16"), PageRules()), a.layer_names)
        assert plan.stage_block_bytes(1)[0] == 7 * 32 * KIB
        assert int(535_384 / plan.blocks_per_request(context, BATCHES * batch) * context) == tokens


def test_a_short_convolution_keeps_its_head() -> None:
    inventory = build_inventory(catalogue().models.get("inkling-small"))
    assert refusal(inventory, Layout(tensor_parallel_size=8), WeightRules()) is None
    assert (
        refusal(inventory, Layout(tensor_parallel_size=16), WeightRules())
        == "8 key/value heads of short convolutions do not divide by 16"
    )


def test_windows_turned_off_keep_every_token_of_short_convolutions() -> None:
    a, types = catalogue().models.get("inkling-small").architecture, CacheTypes("bfloat16", "bfloat16")
    pages = layer_pages(a.blocks, 1, types, PageRules(windows=False))
    assert {page.kind for made in pages.values() for page in made} == {"full"}


@pytest.mark.parametrize(
    ("tp", "state", "page"), [(1, 2 * 2048 * 2, 16 * 2 * 8 * 64 * 2), (2, 2048 * 2, 16 * 8 * 64 * 2)]
)
def test_a_short_convolution_keeps_the_tokens_before(tp: int, state: int, page: int) -> None:
    # Two tokens of 2,048 channels (mamba_utils.py: short_conv_state_shape), in a page as large as attention's.
    a = load_model("lfm2.5-1.2b").architecture
    types = CacheTypes("bfloat16", "bfloat16")
    (kept,) = a.blocks["conv"].caches(tp, types)
    assert (kept.kind, kept.state_bytes, kept.token_bytes) == ("state", state, 0)
    pages = layer_pages(a.blocks, tp, types, PageRules())
    assert pages["conv"][0].page_bytes == pages["attention"][0].page_bytes == page
    # Six layers of attention, and ten convolutions in two groups: two blocks of each with prefix caching.
    assert cache_plan(pages, a.layer_names).blocks_per_request(128_000, 0) == 8000 + 2 * 2


def test_a_log_of_short_convolutions_prints_as_many_tokens() -> None:
    # Without prefix caching a start-up of LFM2.5-1.2B pads the states by 300 % (8 KiB to a page of 32) and prints
    # 217,264 tokens and 313.37 requests of 2,048.
    a = load_model("lfm2.5-1.2b").architecture
    plan = cache_plan(
        layer_pages(a.blocks, 1, CacheTypes("float16", "float16"), PageRules(prefix_caching=False)), a.layer_names
    )
    blocks = 40_738
    assert plan.printed_tokens(blocks) == 217_264
    assert blocks / plan.blocks_per_request(2048, 0) == pytest.approx(313.37, abs=0.005)


@pytest.mark.parametrize(("blocks", "stored"), [(541, 59_763_793_920), (173, 19_111_157_760)])
def test_a_float8_cache_of_sparse_attention_is_what_an_offload_stored(blocks: int, stored: int) -> None:
    """GLM-5.3-FP8 on eight H200 under 0.28, blocks of 256 tokens: https://github.com/vllm-project/recipes/pull/893."""
    a = load_model("glm-5.3-fp8").architecture
    pages = layer_pages(a.blocks, 8, CacheTypes("float8", "bfloat16"), PageRules(generation=9))
    plan = cache_plan(pages, a.layer_names)
    tokens = blocks * 256
    assert 8 * plan.stage_block_bytes(1)[0] * tokens // 64 == stored
