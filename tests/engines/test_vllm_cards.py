"""Cards whose configurations are not at hand, against what vLLM's own classes and planner make of them."""

from __future__ import annotations

from typing import Any

import pytest

from gpu_sizer import load_gpu, load_model
from gpu_sizer.engines.registry import engine
from gpu_sizer.engines.vllm.placement import weight_rules
from gpu_sizer.load import Load
from gpu_sizer.memory.layout import Layout
from gpu_sizer.memory.weights import WeightPlacement
from gpu_sizer.model.inventory import build_inventory
from gpu_sizer.units import GIB
from tests.engines.test_vllm_cache import BATCHES
from tests.oracle import lines

LINES = lines("vllm_cards.jsonl")


@pytest.mark.parametrize("line", LINES, ids=lambda x: f"{x['card']} tp{x['tp']}")
def test_a_rank_holds_the_engines_bytes(line: dict[str, Any]) -> None:
    card, tp = load_model(line["card"]), line["tp"]
    placement = WeightPlacement(build_inventory(card), tp, Layout(tp).expert_ranks, weight_rules(card))
    assert placement.totals(1)[0] == pytest.approx(line["weight_bytes"], rel=1e-6)


@pytest.mark.parametrize("line", LINES, ids=lambda x: f"{x['card']} tp{x['tp']}")
def test_requests_and_pools_take_the_engines_blocks(line: dict[str, Any]) -> None:
    vllm, card = engine("vllm@0.33"), load_model(line["card"])
    rules = vllm.page_rules(load_gpu("h100"), Load(context=8192))
    plan = vllm.model(card).cache(line["tp"], line["cache_dtype"], rules)
    block, in_flight = plan.stage_block_bytes(1)[0], BATCHES * line["max_num_batched_tokens"]
    assert block == line["block_bytes"]
    sizes = {context: plan.blocks_per_request(int(context), in_flight) * block for context in line["kv_bytes_for"]}
    assert sizes == line["kv_bytes_for"]
    assert 64 * GIB // block == line["at_64gib"]["num_blocks"]
