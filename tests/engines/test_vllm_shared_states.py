"""DeepSeek V4.1 in vLLM: a cache that few layers make, tables in the machine's memory, and logs of start-ups."""

from __future__ import annotations

import pytest

from gpu_sizer import size
from gpu_sizer.cards.catalogue import catalogue
from gpu_sizer.engines.vllm.cache import CachePlan
from gpu_sizer.engines.vllm.engine import VllmEngine
from gpu_sizer.engines.vllm.loading import Kernels
from gpu_sizer.engines.vllm.model import VllmModel
from gpu_sizer.engines.vllm.pages import PageRules
from gpu_sizer.engines.vllm.sparse import workspace_bytes
from gpu_sizer.engines.vllm.support import host_note, split_refusal
from gpu_sizer.errors import RequestError
from gpu_sizer.load import Load
from gpu_sizer.memory.layout import Layout
from gpu_sizer.reports.explanation import explain_model
from gpu_sizer.units import GIB

NAME = "deepseek-v4.1-flash"
BATCHES = 2


@pytest.fixture(scope="module")
def model() -> VllmModel:
    return VllmEngine().model(catalogue().models.get(NAME))


def plan(model: VllmModel, generation: int | None, *, narrow: bool = True) -> CachePlan:
    return model.cache(8, "bfloat16", PageRules(generation=generation, narrow_states=narrow))


def test_groups_and_tokens_are_those_that_a_start_up_printed(model: VllmModel) -> None:
    """Eight H100, 262,144 tokens, batches of 8,192, vLLM 0.31.1rc1: seven groups of blocks of 32 tokens, then 64 and 8.

    https://github.com/tant2tls/Deepseek-serving at 97e09861, docs/models.md and reproduce/v41.md: "Available KV cache
    memory: 29.14 GiB", "GPU KV cache size: 9,092,347 tokens".
    """
    made = plan(model, 9)
    kinds = sorted((group.kinds[0].kind, group.block_size) for group in made.groups)
    assert kinds == [("full", 64), ("ring", 8), *[("sliding", 32)] * 7]
    # Whole 576 bytes of 584 a state and 132 an index key, of three layers of two tokens a state and one of one.
    assert made.stage_block_bytes(1) == (3 * (19_008 + 4_608) + 37_440 + 8_640,)
    blocks = 29.14 * GIB / made.stage_block_bytes(1)[0]
    request = made.blocks_per_request(262_144, BATCHES * 8192)
    # As near as the two decimals of the memory tell.
    assert blocks / request * 262_144 == pytest.approx(9_092_347, rel=0.005 / 29.14)


def test_weights_are_those_that_start_ups_printed(model: VllmModel) -> None:
    def loaded(generation: int, tp: int, ranks: int, version: str = "0.33") -> float:
        kernels = Kernels("cuda", generation, version, True, False)
        extra = model.loading_extra(tp, ranks, kernels).stages(1, 0)[0]
        return (model.stages(tp, ranks, 1, model.rules(generation, version))[0] + extra) / GIB

    # The log above, experts whole on each GPU and without the tower.
    assert loaded(9, 8, 8) == pytest.approx(36.32, abs=0.3)
    # Four GB10, experts cut: Marlin's kernels widen a share of 576 to 640. Without the tower, tables on a disk:
    # "Model loading took 78.79 GiB", https://github.com/FujitsuPolycom/sparkring at 29efcee5,
    # profiles/deepseek-v41-flash-cycle/README.md.
    assert loaded(12, 4, 1) == pytest.approx(78.79, abs=0.4)
    # Hopper's kernels from 0.32 on widen to multiples of 64, those before to multiples of 128.
    assert loaded(9, 8, 1) - loaded(9, 8, 1, "0.28") == pytest.approx(-(384 - 320) / 2304 * 268.9, abs=0.1)


def test_data_center_blackwell_keeps_states_in_four_bits(model: VllmModel) -> None:
    made = plan(model, 10)
    assert [len(group.pages) for group in made.groups if group.kinds[0].kind == "sliding"] == [8] * 5
    # Whole 512 bytes of 288 a state and 132 an index key; blocks are whole records of 528 and 288 bytes.
    bare = 3 * (18_432 + 8_704) + 36_864 + 16_896
    assert made.stage_block_bytes(1) == (-(-bare // 3168) * 3168,)
    # Versions without the fused attention keep the window's record.
    assert plan(model, 10, narrow=False).stage_block_bytes(1) == (212_256,)


def test_workstation_blackwell_has_v4_s_records(model: VllmModel) -> None:
    made = plan(model, 12)
    assert made.stage_block_bytes(1) == (3 * (37_440 + 8_640) + 74_880 + 17_280,)
    assert [len(group.pages) for group in made.groups] == [10, 10, 10, 10, 8, 3]


def test_a_ring_is_one_block_whatever_the_length(model: VllmModel) -> None:
    ring = next(group for group in plan(model, 9).groups if group.kinds[0].kind == "ring")
    assert len(ring.pages) == 3
    assert ring.blocks(1_048_576, 16_384) == ring.blocks(1, 1) == ring.table_entries(1_048_576) == 1
    assert ring.kinds[0].page_bytes == 8 * 1024 * 4


def test_a_stage_begins_where_states_are_made(model: VllmModel) -> None:
    engine = VllmEngine()
    assert engine.refusal(model, Layout(tensor_parallel_size=4, pipeline_parallel_size=2)) is None
    reason = split_refusal(model.card, Layout(pipeline_parallel_size=4), engine.version)
    assert reason == "layer 10 would begin a pipeline stage and read compressed states of an earlier one"
    v4 = catalogue().models.get("deepseek-v4-flash")
    assert split_refusal(v4, Layout(pipeline_parallel_size=4), engine.version) is None


def test_tables_are_told_and_on_no_gpu_but_one_that_shares_its_memory(model: VllmModel) -> None:
    note = host_note(model.card)
    assert note is not None
    assert note.startswith("188.8 GiB of n-gram tables")
    assert host_note(catalogue().models.get("deepseek-v4-flash")) is None
    layout = Layout(tensor_parallel_size=8)
    engine, gpus = VllmEngine(), catalogue().gpus
    overheads = []
    for gpu in (gpus.get("rtx-pro-6000"), gpus.get("dgx-spark")):
        settings = engine.settings(model, gpu, Load(context=8192, max_num_seqs=8), layout)
        overheads.append(model.reserve(gpu, layout, settings, engine.version).overhead_bytes)
    assert overheads[1] - overheads[0] > 188.8 * GIB / 8


def test_long_contexts_gather_fewer_lengths_from_032_on(model: VllmModel) -> None:
    a = model.card.architecture
    assert workspace_bytes(a, 12, 1_048_576, 8192) == 40 * 1_048_576 * 132
    assert workspace_bytes(a, 12, 1_048_576, 8192, fewer_lengths=True) == 16 * 1_048_576 * 132
    assert workspace_bytes(a, 12, 262_144, 8192, fewer_lengths=True) == 40 * 262_144 * 132


def test_an_explanation_says_which_layers_keep_states(model: VllmModel) -> None:
    text = "\n".join(explain_model(model.card))
    assert "1 x window: a window of 128: 76,032 bytes a sequence in windows" in text
    assert "2 x compress-2-maker: a window of 128 and states of 2 tokens each, which later layers read" in text
    assert "4 x compress-1-picker: a window of 128 and states of 1 token each, which an earlier layer keeps" in text


@pytest.mark.parametrize("name", ["sglang", "tensorrt-llm", "llama.cpp", "transformers"])
def test_other_engines_say_that_its_cache_is_not_known(name: str) -> None:
    with pytest.raises(RequestError, match=r"is not known here|does not load"):
        size(NAME, gpu="h200", engine=name, context=8192)
