"""The inverse answers are exact: one token, one user or one GPU more or less changes the verdict."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gpu_sizer
from gpu_sizer.api import request
from gpu_sizer.cards.catalogue import catalogue
from gpu_sizer.engines.registry import engine
from gpu_sizer.planning import choices, prepared, runnable
from gpu_sizer.planning.breakpoints import context_steps, user_steps
from gpu_sizer.planning.choices import cheapest, which_gpu
from gpu_sizer.planning.farthest import largest
from gpu_sizer.planning.inverse import best_within, longest_context, most_users
from gpu_sizer.planning.levers import levers, levers_to_fit
from gpu_sizer.planning.needs import token_bytes
from gpu_sizer.planning.planned import plan
from gpu_sizer.planning.search import Search
from gpu_sizer.reports.explanation import explain_model
from gpu_sizer.words.breakpoints import describe
from gpu_sizer.words.inverse import on_count_told
from gpu_sizer.words.plain import lines
from gpu_sizer.words.plan import change

#: Trials that a guessed end takes at most; bisection alone takes some thirty.
FEW = 14


@dataclass(frozen=True)
class Case:
    model: str
    gpu: str
    count: int


CASES = [
    Case("qwen2.5-72b", "h100-80gb", 3),
    Case("llama-3.1-8b", "l4", 1),
    Case("llama-3.1-70b", "a100-80gb", 3),
    Case("deepseek-v3", "h200", 7),
    Case("gemma-3-27b", "rtx-a6000", 2),
    Case("gpt-oss-20b", "rtx-4060-ti-16gb", 1),
    Case("mixtral-8x7b", "rtx-3090", 5),
]
cases = pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c.model} on {c.count} {c.gpu}")


@cases
def test_one_token_more_does_not_fit(case: Case) -> None:
    asked = request(case.model, case.gpu)
    found = longest_context(asked, case.count)
    if found.context < found.limit:
        assert best_within(Search(asked.under(context=found.context + 1)), case.count) is None
    if found.context:
        best = best_within(Search(asked.under(context=found.context)), case.count)
        assert best is not None
        assert found.plan.settings.context == found.context
        assert found.plan.fits
        # The planner itself agrees: that context needs no more than these GPUs.
        fewest = plan(asked.under(context=found.context), details=False).gpu_count
        assert fewest is not None
        assert fewest <= case.count
    assert 0 <= found.safe_context <= found.context


@cases
def test_one_user_more_does_not_fit(case: Case) -> None:
    asked = request(case.model, case.gpu, context=2048)
    found = most_users(asked, case.count)
    assert best_within(Search(asked.under(users=found.users + 1)), case.count) is None
    if found.users:
        assert best_within(Search(asked.under(users=found.users)), case.count) is not None
        assert found.plan.request.users == found.users
    assert 0 <= found.safe_users <= found.users


def test_the_safe_ends_fit_with_room() -> None:
    asked = request("qwen2.5-72b", "h100-80gb", users=4)
    found = longest_context(asked, 3)
    for context, verdict in ((found.safe_context, "fits"), (found.safe_context + 1, "tight")):
        best = best_within(Search(asked.under(context=context)), 3)
        assert best is not None
        assert best.verdict == verdict


@pytest.mark.parametrize("most", [1, 2, 7, 100, 1 << 20])
@pytest.mark.parametrize("end", [0, 1, 2, 5, 99, 100, 65537, 1 << 20])
def test_bisection_ends_where_it_must(end: int, most: int) -> None:
    assert largest(lambda n: n <= end, 1, most) == min(end, most)


def test_users_are_limited_by_the_sequences_asked_for() -> None:
    assert most_users(request("llama-3-8b", "h100", context=512, max_num_seqs=8), 1).users == 8


def test_breakpoints_are_where_the_count_changes() -> None:
    asked = request("qwen2.5-72b", "h100-80gb")
    steps = context_steps(asked)
    assert [s.gpu_count for s in steps] == sorted({s.gpu_count for s in steps})
    for step, after in pairwise(steps):
        assert plan(asked.under(context=step.upto), details=False).gpu_count == step.gpu_count
        assert plan(asked.under(context=step.upto + 1), details=False).gpu_count == after.gpu_count
    assert steps[-1].upto == 131_072
    assert describe(steps, "tokens").startswith(f"{steps[0].gpu_count} GPUs up to ")
    users = user_steps(request("llama-3-8b", "l4"))
    assert users[0].gpu_count == 1
    assert all(a.upto < b.upto for a, b in pairwise(users))


def test_levers_have_the_effect_they_claim() -> None:
    for model, gpu in (("kimi-k2", "mi300x"), ("qwen2.5-72b", "h100-80gb"), ("llama-3.1-70b", "rtx-a6000")):
        found = plan(request(model, gpu), details=False)
        for lever in levers(found):
            again = plan(found.request.under(**lever.settings), details=False)
            assert again.gpu_count == lever.gpu_count
            assert again.verdict == lever.verdict
            assert found.gpu_count is not None
            assert (lever.gpu_count, lever.verdict) < (found.gpu_count, found.verdict)


def test_no_levers_where_one_gpu_fits_with_room() -> None:
    assert levers(plan(request("llama-3-8b", "h100"), details=False)) == ()


def test_what_fits_is_what_size_says() -> None:
    found = gpu_sizer.what_fits("rtx-4090", gpu_count=2, everything=True)
    assert found.left_out == 0
    for row in found.models[::5]:
        sized = gpu_sizer.size(row.model, gpu="rtx-4090", max_gpus=2, details=False)
        assert row.fits == sized.fits
    # As released before quantized, the newest year first, and of a year the largest.
    order = [
        (m.model.quantized, -(m.model.released.year if m.model.released else 0), -m.total_parameters)
        for m in found.models
        if m.fits
    ]
    assert order == sorted(order)
    assert {m.model.quantized for m in found.models if m.fits} == {False, True}


def test_models_shared_among_processes_are_the_same() -> None:
    alone = gpu_sizer.what_fits("rtx-4090", everything=True)
    assert gpu_sizer.what_fits("rtx-4090", everything=True, workers=2).model_dump() == alone.model_dump()


def test_what_fits_makes_each_inventory_once_and_no_cache_for_what_is_too_large(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from gpu_sizer.engines.vllm import model
    from gpu_sizer.engines.vllm.model import VllmModel

    made: list[str] = []
    planned: set[str] = set()
    inventory_of, cache = model.build_inventory, VllmModel.cache

    def build_inventory(card: Any, dtype: str | None = None) -> Any:
        made.append(card.id)
        return inventory_of(card, dtype)

    def planning(self: VllmModel, *rest: Any) -> Any:
        planned.add(self.card.id)
        return cache(self, *rest)

    monkeypatch.setattr(model, "build_inventory", build_inventory)
    monkeypatch.setattr(VllmModel, "cache", planning)
    # Of other requests some models may be prepared already.
    prepared._known.cache_clear()
    shelf, gpu = catalogue().models, catalogue().gpus.get("l4")
    cards = shelf.all()
    found = runnable.what_fits(cards, gpu, 1, everything=True, counts=shelf.counts)
    # Whose layers alone are more than the GPU has is told by their sum.
    assert len(made) == len(set(made)) < len(cards)
    assert all(shelf.counts(shelf.get(name)).layer_bytes <= gpu.visible_bytes for name in made)
    assert found.models == runnable.what_fits(cards, gpu, 1, everything=True).models
    small = {m.model.id for m in found.models if m.layout or m.total_parameters * 2 < 22 << 30}
    # More than half of the catalogue would be too large for one such GPU, were it not for what is quantized.
    assert len(planned) < len(cards) * 2 // 3
    assert planned <= small | {m.model.id for m in found.models if m.model.weights.rules}


@pytest.mark.parametrize("slope", [1, 3.7, 1000])
@pytest.mark.parametrize("end", [1, 2, 99, 16384, 65537, 131071, (1 << 20) - 1])
def test_an_end_is_guessed_by_the_room(end: int, slope: float) -> None:
    asked: list[int] = []

    def holds(n: int) -> bool:
        asked.append(n)
        return n <= end

    # Blocks of sixteen tokens are what the room is used up by.
    assert largest(holds, 1, 1 << 20, lambda n: int(slope * 16 * (end // 16 - (n + 15) // 16))) == end
    assert len(asked) <= FEW


@given(st.integers(0, 5000), st.integers(1, 5000), st.functions(like=lambda n: None, returns=st.integers() | st.none()))
@settings(max_examples=60, deadline=None)
def test_no_room_misleads_the_search(end: int, most: int, room: Callable[[int], int | None]) -> None:
    assert largest(lambda n: n <= end, 1, most, lambda n: room(n)) == min(end, most)


def test_choices_are_what_size_says_and_the_cheapest_comes_first() -> None:
    found = gpu_sizer.which_gpu("mixtral-8x7b", everything=True)
    for choice in found.options[::9]:
        gpu = choice.plan.request.gpu
        assert choice.plan.gpu_count == gpu_sizer.size("mixtral-8x7b", gpu=gpu, details=False).gpu_count
    in_one = [c for c in found.options if c.plan.fits and c.rental is not None and c.rental.machines == 1]
    for comparable in (True, False):
        alike = [c for c in in_one if (c.rental and c.rental.doubt is None) == comparable and c.price_per_hour]
        # What suits its machine goes before what does not.
        order = [(c.rental is not None and c.rental.unsuited is not None, c.price_per_hour) for c in alike]
        assert order == sorted(order) != []
    assert in_one[0] == found.options[0]
    assert in_one[0].rental is not None
    assert in_one[0].rental.doubt is None


def test_a_comparison_keeps_the_order_asked() -> None:
    found = gpu_sizer.compare("qwen3-32b", ["l40s", "t4", "rtx-a6000"])
    assert [c.plan.request.gpu.id for c in found.options] == ["l40s", "t4", "rtx-a6000"]


def test_gpus_that_no_layout_uses_are_told() -> None:
    found = gpu_sizer.fits_on("llama-3-8b", gpu="l40s", gpu_count=5, layouts="tensor")
    assert found.fits
    assert found.model_dump()["gpu_count"] == 5
    assert "1 stays unused" in found.model_dump()["warnings"][-1]


@pytest.mark.parametrize("engine", ["vllm", "sglang", "llama.cpp"])
@pytest.mark.parametrize("model", ["llama-3-8b", "llama-3.1-405b", "gpt-oss-120b"])
def test_the_cheapest_are_the_first_of_all_choices(model: str, engine: str) -> None:
    gpus = catalogue().gpus.all()
    asked = request(model, "h100", engine=engine)
    assert cheapest(asked, gpus).options == which_gpu(asked.model, gpus, engine=engine).options


def test_the_memory_of_every_model_that_an_engine_counts_has_its_bytes_a_token() -> None:
    """Law 7: DeepSeek-V4, whose states are kept in the engine's own format, was a fault of ours."""
    for card in catalogue().models.all():
        each = token_bytes(card, card.weights.cache_dtype, engine())
        assert each >= 0
        assert each > 0 or not card.id.startswith("deepseek-v4"), card.id


def test_compressed_states_are_told_as_explain_tells_them() -> None:
    need = gpu_sizer.memory_need("deepseek-v4-pro")
    said = "\n".join(explain_model(catalogue().model("deepseek-v4-pro")))
    told = [int(number.replace(",", "")) for number in re.findall(r"([\d,]+) bytes a token", said)]
    assert len(told) > 1
    # Each kind of layer is rounded there.
    assert need.token_bytes == pytest.approx(sum(told), abs=len(told))


def test_the_cheapest_are_found_without_planning_for_every_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    gpus, planned = catalogue().gpus.all(), []
    monkeypatch.setattr(choices, "plan", lambda asked, **how: planned.append(asked) or plan(asked, **how))
    assert gpu_sizer.memory_need("llama-3-8b").choices.options
    assert len(planned) < len(gpus) / 4


#: What people ask of GPUs that they have, and by what kinds of change it would fit there.
TO_FIT = (
    ("llama-3.3-70b", "a100-80gb", 2, {"shorter context", "fewer bits"}),
    ("llama-3.3-70b", "rtx-3090", 2, {"fewer bits"}),
    ("mixtral-8x7b", "rtx-a6000", 2, {"fewer bits"}),
    ("gemma-3-12b", "rtx-4070", 1, {"another engine"}),
    ("llama-3.1-405b", "rtx-3060-12gb", 1, set()),
    ("mixtral-8x7b", "rtx-a6000", 3, set()),
)


@pytest.mark.parametrize(("model", "gpu", "count", "kinds"), TO_FIT, ids=[f"{t[0]} on {t[2]}x{t[1]}" for t in TO_FIT])
def test_what_would_make_it_fit_does(model: str, gpu: str, count: int, kinds: set[str]) -> None:
    asked = gpu_sizer.fits_on(model, gpu=gpu, gpu_count=count)
    made = levers_to_fit(asked.fit, count)
    assert {lever.kind for lever in made} == kinds
    for lever in made:
        under = gpu_sizer.fits_on(model, gpu=gpu, gpu_count=count, **lever.settings)
        assert under.fits
        assert under.fit.verdict == lever.verdict
    said = "\n".join(lines(on_count_told(asked)))
    assert ("What would make it fit" in said) is bool(made)
    assert all(change(lever) in said for lever in made)
