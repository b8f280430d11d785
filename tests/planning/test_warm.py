"""What a call does again and again: held by counting its work, since a clock would measure the machine."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from gpu_sizer import api
from gpu_sizer.api import load_gpu, load_model, memory_need, size
from gpu_sizer.cards import other_kinds, trusted
from gpu_sizer.cards.catalogue import Catalogue, catalogue
from gpu_sizer.engines.sglang.engine import SglangEngine
from gpu_sizer.engines.support import Supported
from gpu_sizer.engines.vllm import model
from gpu_sizer.engines.vllm.engine import VllmEngine
from gpu_sizer.engines.vllm.fitting import VllmFitting
from gpu_sizer.errors import RequestError, UnknownModelError
from gpu_sizer.load import Load
from gpu_sizer.memory import weights
from gpu_sizer.model.inventory import build_inventory
from gpu_sizer.planning import choices, prepared, rental, runnable, search
from gpu_sizer.planning.machines import is_joined
from gpu_sizer.planning.rate import Rates
from gpu_sizer.planning.rental import machines_for, order, rented_for
from gpu_sizer.planning.request import make_request
from gpu_sizer.timing import judged

#: What is counted: some work by the module or class that it is looked up in.
WORK: tuple[tuple[Any, str], ...] = (
    (VllmEngine, "notes"),
    (Supported, "_needs_unmet"),
    (weights, "tensor_bytes"),
    (VllmFitting, "_evaluated"),
    (runnable, "longest"),
    (model, "build_inventory"),
    (model, "WeightPlacement"),
    (rental, "_rented_for"),
    (search.Search, "smallest"),
    (choices, "planned"),
    (choices, "rented_for"),
    (other_kinds.yaml, "load"),
    (trusted, "_unpacked"),
    (search.Search, "_rejected"),
    (prepared._Known, "accepted"),
    (Rates, "meets_for"),
    (judged, "binds"),
)


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

    for owner, name in WORK:
        counting(owner, name)
    return found


def test_what_holds_for_every_load_of_a_model_is_asked_once(done: Counter[str]) -> None:
    prepared._known.cache_clear()
    card, gpu = load_model("llama-3-8b"), load_gpu("h100")
    plans = [size(card, gpu=gpu, context=context) for context in range(1024, 1034)]
    # What is to be warned of is looked for when it is read.
    assert done["notes"] == 0
    assert all(plan.warnings == plans[0].warnings for plan in plans)
    assert done["notes"] == 1
    # Once for all GPUs of its compute capability, and perhaps before this test.
    assert done["_needs_unmet"] <= 1


def test_a_load_that_comes_again_is_not_evaluated_again(done: Counter[str]) -> None:
    prepared._known.cache_clear()
    first = size("mixtral-8x7b", gpu="a6000").model_dump()
    assert (evaluated := done["_evaluated"]) > 0
    assert size("mixtral-8x7b", gpu="a6000").model_dump() == first
    assert done["_evaluated"] == evaluated


@pytest.mark.parametrize("model", ["mixtral-8x7b", "llama-3-8b", "gpt-oss-120b"])
def test_a_need_for_memory_plans_for_the_gpus_that_it_names(model: str, done: Counter[str]) -> None:
    prepared._known.cache_clear()
    need = memory_need(model)
    assert done["planned"] == len(need.choices.options) == choices.SHOWN
    assert done["rented_for"] <= choices.SHOWN + 4


def test_a_list_looks_for_no_longest_context_that_it_does_not_show(done: Counter[str]) -> None:
    cards, gpu = catalogue().models.all()[::8], load_gpu("l4")
    found = runnable.what_fits(cards, gpu, 1, counts=catalogue().models.counts)
    shorter = [m for m in found.models if not m.fits]
    assert shorter
    assert done["longest"] == 0
    assert shorter[0].max_context == shorter[0].max_context >= min(runnable.USEFUL_CONTEXT, shorter[0].context)
    assert done["longest"] == 1


def test_a_list_builds_of_cards_what_it_shows(done: Counter[str]) -> None:
    card = next(c for c in Catalogue().models.all() if c.releases)
    # The releases that were just asked for, and of cards before it, which have none, nothing.
    assert done["_unpacked"] == 1
    assert card.architecture is card.architecture
    assert done["_unpacked"] == 2


@pytest.mark.parametrize(("gpu", "count"), [("rtx-a6000", 2), ("rtx-5090", 1), ("l4", 4)])
def test_a_list_places_the_weights_of_what_fits_once(gpu: str, count: int, done: Counter[str]) -> None:
    prepared._known.cache_clear()
    cards, counts = catalogue().models.all()[::6], catalogue().models.counts
    found = runnable.what_fits(cards, load_gpu(gpu), count, counts=counts)
    fitting, others = sum(m.fits for m in found.models), sum(not m.fits for m in found.models) + found.left_out
    too_large = sum(counts(c).layer_bytes > count * load_gpu(gpu).visible_bytes for c in cards)
    assert fitting
    # Of what one GPU surely holds no tensor is made.
    assert done["build_inventory"] <= fitting * 3 / 4 + others - too_large
    assert done["_evaluated"] <= fitting * 3 / 4 + others - too_large
    placed = done["WeightPlacement"]
    # Which layout it is in, where that is not tensor parallelism over all: those before it were looked at.
    behind = sum(m.fits and m.layout is not None and m.layout.tensor_parallel_size < count for m in found.models)
    # Of what does not fit each size of tensor parallelism, and the whole; of what fits its own, rarely a second.
    assert placed <= fitting + behind + 4 * (others - too_large)


def test_a_row_of_what_surely_fits_is_what_the_planner_places(done: Counter[str]) -> None:
    prepared._known.cache_clear()
    card, gpu = load_model("llama-3-8b"), load_gpu("rtx-a6000")
    (row,) = runnable.what_fits([card], gpu, 2, counts=catalogue().models.counts).models
    assert row.fits
    assert done["_evaluated"] == done["WeightPlacement"] == 0
    planned = api.estimate(card, gpu=gpu, tensor_parallel_size=2)
    assert planned.per_gpu is not None
    assert (row.verdict, row.layout) == (planned.verdict, planned.layout)
    assert (row.free_bytes, row.max_context) == (planned.per_gpu.free_bytes, card.context.native)
    assert row.weights_format == planned.weights_format


def test_layers_that_models_have_in_common_are_built_once() -> None:
    shelf = Catalogue().models
    blocks = [block for card in shelf.all() for block in card.architecture.blocks.values()]
    assert len({id(block) for block in blocks}) <= len({repr(block) for block in blocks}) < 0.6 * len(blocks)
    one, other = shelf.get("llama-3-8b"), shelf.get("llama-3.1-8b")
    assert one is not other
    (alike,), (too,) = build_inventory(one).blocks.values(), build_inventory(other).blocks.values()
    assert alike is too


def test_a_list_builds_no_layers_of_what_is_too_large() -> None:
    fresh = Catalogue()
    card = next(c for c in fresh.models.all() if c.id == "llama-3.1-405b")
    found = runnable.what_fits([card], load_gpu("rtx-5090"), 1, counts=fresh.models.counts)
    assert found.left_out == 1
    with pytest.raises(AttributeError):
        object.__getattribute__(card, "architecture")


def test_the_kinds_of_mixers_that_a_card_tells_are_those_of_its_layers() -> None:
    for card in Catalogue().models.all():
        assert card.mixer_kinds == card.told_kinds == card.architecture.mixer_kinds, card.id
        latents = any(m.latent for block in card.architecture.blocks.values() for m in block.mixers)
        assert card.has_latents == latents, card.id
    assert card.with_vocabulary(1000).mixer_kinds == card.mixer_kinds


@pytest.mark.parametrize("name", ["llama-3-8b", "mixtral-8x7b", "kimi-k3", "deepseek-v4-flash"])
def test_a_need_for_memory_that_comes_again_searches_nothing(name: str, done: Counter[str]) -> None:
    first = memory_need(name).model_dump()
    searched = done["smallest"], done["_rented_for"], done["planned"]
    assert memory_need(name).model_dump() == first
    assert (done["smallest"], done["_rented_for"], done["planned"]) == searched
    # Under another load other GPUs are the cheapest.
    other = memory_need(name, context=2048, users=300)
    assert other.model_dump() != first
    assert done["planned"] > searched[2]
    assert first["memory"]["kv_cache_bytes_per_token"] > 0


def test_the_words_of_other_kinds_are_read_once(done: Counter[str]) -> None:
    for name in ("mixtrall-9x7b", "mixtrall-9x8b"):
        with pytest.raises(UnknownModelError):
            load_model(name)
    assert done["load"] <= 1


def test_each_tensor_is_weighed_once_for_placement_and_loading(done: Counter[str]) -> None:
    prepared._known.cache_clear()
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


def test_reasons_are_looked_for_when_they_are_read(done: Counter[str]) -> None:
    plan = size("llama-3-8b", gpu="h100", users=100, tokens_per_second=60)
    assert plan.gpu_count
    assert done["_rejected"] == 0
    assert plan.rejections
    assert done["_rejected"] == len(plan.rejections)
    assert plan.speed is not None
    assert done["binds"] == 0
    assert plan.speed.binds
    assert done["binds"] == 1


@pytest.mark.parametrize("engine", ["vllm", "sglang"])
@pytest.mark.parametrize("model", ["llama-3.1-405b", "llama-3-8b", "mixtral-8x7b", "deepseek-v3"])
def test_counts_that_cannot_be_fast_enough_are_passed_over_at_once(model: str, engine: str, done: Counter[str]) -> None:
    plan = size(model, gpu="a6000", engine=engine, users=1000, tokens_per_second=400)
    assert not plan.fits
    # Neither are their layouts made.
    assert done["accepted"] == done["meets_for"] == 0


@pytest.mark.parametrize(("model", "gpu", "rate"), [("llama-13b", "a6000", 5), ("deepseek-ocr", "rtx-4090", 40)])
def test_replicas_are_looked_at_once_for_any_users_and_rates(
    model: str, gpu: str, rate: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: Counter[tuple[Any, ...]] = Counter()
    evaluated = VllmFitting._evaluated

    def counted(self: VllmFitting, layout: Any) -> Any:
        looked[layout, self._load.users, self._load.context] += 1
        return evaluated(self, layout)

    monkeypatch.setattr(VllmFitting, "_evaluated", counted)
    prepared._known.cache_clear()
    for users in (900, 800, 700):
        plan = size(model, gpu=gpu, users=users, tokens_per_second=rate, prompt=1000, answer=200)
        assert plan.gpu_count is not None
        assert plan.gpu_count > 8
    assert max(looked.values()) == 1
    # Of whole loads, little more than each answer.
    assert sum(users > 1 for _, users, _ in looked) <= 2 * 3


@pytest.mark.parametrize(
    ("model", "gpu", "lengths", "most"),
    [("llava-1.5-7b", "rtx-4090", (128, 512), 35), ("exaone-4.5-33b", "h100", (4000, 400), 24)],
)
def test_stages_that_cannot_hold_all_requests_are_not_evaluated(
    model: str, gpu: str, lengths: tuple[int, int], most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 32 layers over 17 to 31 stages one has two: it is known without a look that it holds no more than of 16."""
    looked: Counter[Any] = Counter()
    evaluate = SglangEngine.evaluate

    def counted(self: Any, model: Any, gpu: Any, layout: Any, load: Any) -> Any:
        looked[layout] += 1
        return evaluate(self, model, gpu, layout, load)

    monkeypatch.setattr(SglangEngine, "evaluate", counted)
    prepared._known.cache_clear()
    prompt, answer = lengths
    load = {"users": 1000, "tokens_per_second": 5, "prompt": prompt, "answer": answer}
    plan = size(model, gpu=gpu, engine="sglang", **load)  # type: ignore[arg-type]
    assert plan.gpu_count is not None
    assert plan.gpu_count > 20
    # 49 and 31 where the average of the stages alone rules them out.
    assert looked.total() <= most


def test_a_speed_that_is_not_known_is_refused_by_the_call(done: Counter[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(self: Any, request: Any, held: Any, *, sure: bool) -> None:
        raise RequestError("nothing is known")

    monkeypatch.setattr(Rates, "__init__", unknown)
    with pytest.raises(RequestError, match="nothing is known"):
        size("llama-3-8b", gpu="h100", tokens_per_second=5)
    # Where nothing is held lower settings may be, which is found by the call, too.
    assert not size("llama-3-70b", gpu="rtx-4090", max_gpus=2, tokens_per_second=5).fits
    assert done["_rejected"] > 0
