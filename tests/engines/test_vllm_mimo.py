"""MiMo V2.6 Flash in vLLM against a start-up's log: eight H100, experts whole on each, the language model alone.

https://github.com/tant2tls/Deepseek-serving/blob/84d043150d919667db318fcd9726981953f14f95/reports/
blog-architecture-h100-v1/data/mimo-v26/_server/serve-off-20261007-205722.log: vLLM 0.31.1rc1, 262,144 tokens, 64
sequences, batches of 8,192.
"""

from __future__ import annotations

import pytest

from gpu_sizer.cards.catalogue import catalogue
from gpu_sizer.engines.vllm.engine import VllmEngine
from gpu_sizer.engines.vllm.loading import Kernels
from gpu_sizer.engines.vllm.model import VllmModel
from gpu_sizer.engines.vllm.pages import PageRules
from gpu_sizer.records import replace
from gpu_sizer.units import GIB

TP, LENGTH, BATCHES = 8, 262_144, 2


@pytest.fixture(scope="module")
def model() -> VllmModel:
    card = catalogue().models.get("mimo-v2.6-flash")
    return VllmEngine().model(replace(card, architecture=replace(card.architecture, towers=())))


def test_weights_are_those_that_the_start_up_printed(model: VllmModel) -> None:
    """ "Model loading took 20.1 GiB": the extra is counted a little too high."""
    extra = model.loading_extra(TP, TP, Kernels("cuda", 9, "0.31", True, False)).stages(1, 0)[0]
    assert (model.stages(TP, TP, 1)[0] + extra) / GIB == pytest.approx(20.1, rel=0.01)


def test_groups_and_tokens_are_those_that_the_start_up_printed(model: VllmModel) -> None:
    """ "Available KV cache memory: 49.18 GiB", "GPU KV cache size: 6,969,972 tokens", "Add 6 padding layers"."""
    plan = model.cache(TP, "bfloat16", PageRules(generation=9))
    assert [group.block_size for group in plan.groups] == [16] * 6
    most = max(len(group.pages) for group in plan.groups)
    assert sum(most - len(group.pages) for group in plan.groups) == 6
    blocks = 49.18 * GIB / plan.stage_block_bytes(1)[0]
    # As near as the two decimals of the memory tell.
    assert blocks / plan.blocks_per_request(LENGTH, BATCHES * 8192) * LENGTH == pytest.approx(6_969_972, rel=2e-4)
