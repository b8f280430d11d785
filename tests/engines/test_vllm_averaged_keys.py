"""Qwen3.8 Flash Next in vLLM: states, averaged index keys and rings in one pool, and logs of a start-up."""

from __future__ import annotations

import pytest

from gpu_sizer import size
from gpu_sizer.cards.catalogue import catalogue
from gpu_sizer.engines.vllm.engine import VllmEngine
from gpu_sizer.engines.vllm.loading import Kernels
from gpu_sizer.engines.vllm.model import VllmModel
from gpu_sizer.engines.vllm.pages import PageRules
from gpu_sizer.engines.vllm.placement import weight_rules
from gpu_sizer.engines.vllm.sparse import chosen_bytes, stream_bytes
from gpu_sizer.engines.vllm.support import host_note
from gpu_sizer.errors import RequestError
from gpu_sizer.load import Load
from gpu_sizer.memory.layout import Layout
from gpu_sizer.memory.weights import tensor_bytes
from gpu_sizer.units import GIB

NAME = "qwen3.8-flash-next"


@pytest.fixture(scope="module")
def model() -> VllmModel:
    return VllmEngine().model(catalogue().models.get(NAME))


def test_groups_and_tokens_are_those_that_a_start_up_printed(model: VllmModel) -> None:
    """Eight H100, 262,144 tokens, no prefix caching: "kv cache group sizes [262144, 262144, 262144, 262144, 4, 400]".

    https://github.com/tant2tls/Deepseek-serving at 97e09861, reproduce/qwen-38-bf16.md: "Setting attention block size
    to 400 tokens", "Available KV cache memory: 37.37 GiB", "GPU KV cache size: 3,046,184 tokens". A state group of 12
    layers of the delta rule is one block a request, as is that of the convolution before layer 1.
    """
    made = model.cache(8, "bfloat16", PageRules(prefix_caching=False))
    kinds = [(group.kinds[0].kind, len(group.pages)) for group in made.groups]
    assert kinds == [("state", 12), ("state", 12), ("state", 12), ("state", 1), ("full", 24), ("ring", 12)]
    assert [group.block_size for group in made.groups] == [400] * 5 + [4]
    # 400 tokens of one key/value head of 256, and 100 index keys of 128.
    assert made.stage_block_bytes(1) == (12 * (400 * 1024 + 100 * 256),)
    request = made.blocks_per_request(262_144, 2 * 8192)
    assert request == 656 + 5
    # 7,681 blocks are what the line says, of 37.358 GiB: the GPU that has least decides, another one printed.
    assert 7681 * 262_144 // request == 3_046_184
    blocks = 37.37 * GIB / made.stage_block_bytes(1)[0]
    assert blocks / request * 262_144 == pytest.approx(3_046_184, rel=5e-4)


def test_prefix_caching_keeps_more_states_in_larger_blocks(model: VllmModel) -> None:
    made = model.cache(8, "bfloat16", PageRules())
    assert {group.block_size for group in made.groups} == {448, 4}
    assert made.blocks_per_request(262_144, 2 * 8192) == 586 + 1 + 4 * 3


def test_weights_are_those_that_a_start_up_printed(model: VllmModel) -> None:
    """ "Model loading took 31.42 GiB", without the tower and for plain positions."""
    extra = model.loading_extra(8, 8, Kernels("cuda", 9, "0.31")).stages(1, 8192)[0]
    tower = sum(tensor_bytes(t, 8, 1, weight_rules(model.card)) for t in model.inventory.towers)
    rotary = 3 * 64 * 262_144 * 2
    assert (model.stages(8, 8, 1)[0] + extra - tower - rotary) / GIB == pytest.approx(31.42, abs=0.1)


def test_what_is_left_for_the_cache_is_near_what_a_start_up_printed(model: VllmModel) -> None:
    """Of 0.9 of 79.18 GiB, 31.42 are weights and 37.37 cache: 2.47 GiB are left, of which the estimate may not miss."""
    engine, gpu, layout = VllmEngine(), catalogue().gpus.get("h100-80gb"), Layout(8, expert_parallel=True)
    load = Load(context=262_144, max_num_seqs=64, max_num_batched_tokens=8192)
    settings = engine.settings(model, gpu, load, layout)
    reserve = model.reserve(gpu, layout, settings, engine.version)
    a = model.card.architecture
    assert stream_bytes(a, 8192) == 8192 * (4 * 4 + 2) * 2560 * 2
    assert chosen_bytes(a) == 12 * 2052 * 4
    held = reserve.overhead_bytes + 2 * stream_bytes(a, 8192) + model.graph_bytes(gpu, 1, 1, settings, engine.version)
    assert held / GIB == pytest.approx(2.47, abs=reserve.band_bytes / GIB)


def test_the_table_is_told_and_on_no_gpu(model: VllmModel) -> None:
    note = host_note(model.card)
    assert note is not None
    assert note.startswith("95.4 GiB of n-gram tables")


def test_layouts_that_the_class_does_not_know_are_refused(model: VllmModel) -> None:
    engine = VllmEngine()
    pipeline = engine.refusal(model, Layout(tensor_parallel_size=4, pipeline_parallel_size=2))
    assert pipeline == "vLLM's Qwen4ExpForConditionalGeneration does not support pipeline parallelism"
    context = engine.refusal(model, Layout(tensor_parallel_size=8, decode_context_parallel_size=2))
    assert context == "vLLM's Qwen4ExpForConditionalGeneration does not support decode context parallelism"
    assert engine.refusal(model, Layout(tensor_parallel_size=8)) is None


@pytest.mark.parametrize("name", ["sglang", "tensorrt-llm", "llama.cpp", "transformers"])
def test_other_engines_say_that_its_cache_is_not_known(name: str) -> None:
    with pytest.raises(RequestError, match="is not known here"):
        size(NAME, gpu="h200", engine=name, context=8192)
