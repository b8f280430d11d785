"""What a call does again and again: held by counting its work, since a clock would measure the machine."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from gpu_sizer.api import load_gpu, load_model, size
from gpu_sizer.engines.support import Supported
from gpu_sizer.engines.vllm.engine import VllmEngine
from gpu_sizer.load import Load
from gpu_sizer.memory import weights
from gpu_sizer.model.inventory import build_inventory
from gpu_sizer.planning import rental, search
from gpu_sizer.planning.machines import is_joined
from gpu_sizer.planning.rental import machines_for, order, rented_for
from gpu_sizer.planning.request import make_request


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often some work is done."""
    found: Counter[str] = Counter()

    def counting(owner: Any, name: str) -> None:
        work = getattr(owner, name)

        def counted(*given: Any, **named: Any) -> Any:
            found[name] += 1
            return work(*given, **named)

        monkeypatch.setattr(owner, name, counted)

    counting(VllmEngine, "notes")
    counting(Supported, "_needs_unmet")
    counting(weights, "tensor_bytes")
    return found


def test_what_holds_for_every_load_of_a_model_is_asked_once(done: Counter[str]) -> None:
    search._known.cache_clear()
    card, gpu = load_model("llama-3-8b"), load_gpu("h100")
    for context in range(1024, 1034):
        size(card, gpu=gpu, context=context)
    assert done["notes"] == 1
    # Once for all GPUs of its compute capability, and perhaps before this test.
    assert done["_needs_unmet"] <= 1


def test_each_tensor_is_weighed_once_for_placement_and_loading(done: Counter[str]) -> None:
    search._known.cache_clear()
    card = load_model("mixtral-8x7b")
    plan = size(card, gpu="b300", details=False)
    assert plan.gpu_count == 1
    inventory = build_inventory(card)
    parts = (*inventory.blocks.values(), inventory.embedding, inventory.head, inventory.final, inventory.towers)
    assert done["tensor_bytes"] == sum(len(part) for part in parts)


def test_a_load_as_released_is_one_object() -> None:
    first, second = Load(context=1024, users=3), Load(context=2048)
    assert first.of_model() is second.of_model()
    assert [s.name for s in first.changed()] == ["context", "users"]


@pytest.mark.parametrize(("model", "gpu"), [("mixtral-8x7b", "l4"), ("llama-3-70b", "h100"), ("qwen2.5-72b", "a100")])
def test_the_cheapest_machines_are_found_without_planning_for_dearer_ones(
    model: str, gpu: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = make_request(load_model(model), load_gpu(gpu), context=8192)
    least = size(model, gpu=gpu, context=8192, details=False).gpu_count
    assert least is not None
    tried: list[tuple[int, bool]] = []
    holding = rental._holding

    def counting(asked: Any, told: Any, each: int, fewest: int, *, joined: bool) -> Any:
        tried.append((each, joined))
        return holding(asked, told, each, fewest, joined=joined)

    monkeypatch.setattr(rental, "_holding", counting)
    found = rented_for(request, least, None)
    machines = [p for _, p in machines_for(request, least)]
    sizes = {(p.offer.machine.gpu_count, is_joined(p.offer.machine, request.gpu)) for p in machines}
    assert found is not None
    assert len(tried) == len(set(tried)) < len(sizes)
    # As if all that the first were taken from were planned for.
    enough = [p for p in machines if p.offer.machine.gpu_count >= least]
    every = [
        rental.Rental(p.offer, request.gpu, *held, p.price, p.doubt)
        for p in enough
        if (
            held := holding(
                request, None, p.offer.machine.gpu_count, least, joined=is_joined(p.offer.machine, request.gpu)
            )
        )
    ]
    assert order(found) <= min(map(order, every))
