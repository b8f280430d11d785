"""Bytes per rank, against what the engine's own code allocates; and the law that shards add up."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pytest

from gpu_sizer.cards.catalogue import catalogue
from gpu_sizer.cards.model_card import ModelCard
from gpu_sizer.engines.vllm.placement import weight_rules
from gpu_sizer.memory.layout import Layout, stage_bounds
from gpu_sizer.memory.weights import WeightPlacement, WeightRules, refusal, tensor_bytes
from gpu_sizer.model.inventory import build_inventory
from tests.oracle import imported, lines

#: Room for buffers (rotary tables) that are no weights, as a share of the bytes.
TOLERANCE = 2e-4


def cases() -> dict[tuple[str, int, int, bool], list[dict[str, Any]]]:
    grouped: dict[tuple[str, int, int, bool], list[dict[str, Any]]] = defaultdict(list)
    for line in lines("vllm.jsonl"):
        if imported(line["hf_id"]) is not None:
            grouped[line["hf_id"], line["tp"], line["pp"], line["ep"]].append(line)
    return grouped


CASES = cases()


def name(key: tuple[str, int, int, bool]) -> str:
    return f"{key[0]} tp{key[1]} pp{key[2]}{' ep' if key[3] else ''}"


@pytest.mark.parametrize("key", CASES, ids=name)
def test_bytes_per_rank_equal_the_engines(key: tuple[str, int, int, bool]) -> None:
    hf_id, tp, pp, ep = key
    card = imported(hf_id)
    assert card is not None
    inventory, rules, layout = build_inventory(card), weight_rules(card), Layout(tp, pp, 1, ep)
    refused = refusal(inventory, layout, rules)
    if any("refused" in line for line in CASES[key]):
        assert refused, "the engine refuses this layout"
        return
    assert refused is None
    stages = WeightPlacement(inventory, tp, layout.expert_ranks, rules).totals(pp)
    for line in CASES[key]:
        assert stages[line["stage"]] == pytest.approx(line["weight_bytes"], rel=TOLERANCE)


@pytest.mark.parametrize("tp", [2, 4, 8])
@pytest.mark.parametrize("hf_id", sorted({k[0] for k in CASES}))
def test_shards_add_up_to_the_whole(hf_id: str, tp: int) -> None:
    """Law 1: cut tensors' shares sum to the tensor; whole tensors are whole on each rank."""
    card = imported(hf_id)
    assert card is not None
    inventory = build_inventory(card)
    if refusal(inventory, Layout(tp), weight_rules(card)):
        pytest.skip("refused")
    rules = WeightRules()
    for tensor, _ in inventory.everything():
        whole, share = tensor_bytes(tensor, 1, 1, rules), tensor_bytes(tensor, tp, 1, rules)
        if tensor.split is None:
            assert share == whole
        elif not tensor.split.units_on_rank(tp):
            # A tower whose heads do not divide is held whole by every rank (``WeightPlacement``).
            assert tensor.part == "tower"
        elif tensor.fmt in ("bfloat16", "float16", "float32"):
            # Replicated units (key/value heads) may make the shares sum to more, never to less.
            copies = max(1, tp // tensor.split.units) if tensor.split.replicate else 1
            assert share * tp == whole * copies


@pytest.mark.parametrize(
    ("layers", "stages", "sizes"),
    [
        (32, 3, [11, 11, 10]),
        (80, 3, [27, 27, 26]),
        (61, 4, [15, 15, 16, 15]),
        (36, 5, [7, 7, 7, 8, 7]),
        (4, 4, [1, 1, 1, 1]),
    ],
)
def test_layers_are_spread_as_the_engine_spreads_them(layers: int, stages: int, sizes: list[int]) -> None:
    assert [stop - start for start, stop in stage_bounds(layers, stages)] == sizes


def mixtral() -> ModelCard:
    card = imported("mistralai/Mixtral-8x7B-v0.1")
    assert card is not None
    return card


@pytest.mark.parametrize(
    ("layout", "rule"),
    [
        (Layout(3), "32 attention heads do not divide by 3"),
        (Layout(1, 33), "32 layers do not fill 33 pipeline stages"),
        (Layout(64), "32 attention heads do not divide by 64"),
    ],
)
def test_refusals_name_their_rule(layout: Layout, rule: str) -> None:
    assert refusal(build_inventory(mixtral()), layout, weight_rules(mixtral())) == rule


def test_expert_parallelism_needs_experts() -> None:
    card = imported("Qwen/Qwen3-8B")
    assert card is not None
    reason = refusal(build_inventory(card), Layout(2, 1, 1, True), weight_rules(card))
    assert reason == "expert parallelism needs a mixture of experts"


def test_an_embedding_may_be_whole_on_every_rank() -> None:
    """vLLM ``models/inkling/nvidia/model.py``: InklingReplicatedEmbedding on every rank and stage, the head cut."""
    card = catalogue().models.get("inkling-small")
    rules, table = weight_rules(card), 201_024 * 4096 * 2
    stages = WeightPlacement(build_inventory(card), 8, 1, rules).stages_of(stage_bounds(42, 2))
    for stage in stages:
        assert stage.by_part["embedding"] == table
        assert stage.by_part["lm_head"] == table // 8
