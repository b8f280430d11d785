"""Answers as data, and as notebooks show them."""

from __future__ import annotations

import copy
import html
from collections.abc import Callable
from typing import Any

import html5lib
import pytest

import gpu_sizer
from gpu_sizer import RequestError, UnknownModelError, ask, estimate, size, sweep
from gpu_sizer.records import replace

HOSTILE = "<script>alert('x')</script> \"&\n{{ y }} $(z)"


def test_public_names_are_all_there() -> None:
    assert {*gpu_sizer.__all__} <= {*dir(gpu_sizer)}
    for name in gpu_sizer.__all__:
        assert getattr(gpu_sizer, name) is not None


SAID: dict[str, Callable[[], Any]] = {
    "size": lambda: size("mixtral-8x7b", gpu="a6000"),
    "estimate": lambda: estimate("mixtral-8x7b", gpu="a6000", tensor_parallel_size=4),
    "fits_on": lambda: gpu_sizer.fits_on("mixtral-8x7b", gpu="a6000", gpu_count=2),
    "longest_context": lambda: gpu_sizer.longest_context("llama-3-8b", gpu="l4"),
    "most_users": lambda: gpu_sizer.most_users("llama-3-8b", gpu="l4"),
    "memory_need": lambda: gpu_sizer.memory_need("llama-3-8b"),
    "compare": lambda: gpu_sizer.compare("llama-3-8b", ["l4", "a6000"]),
    "speed": lambda: gpu_sizer.speed("llama-3-8b", gpu="h100"),
    "rent": lambda: gpu_sizer.rent("llama-3-8b", provider="lambda"),
    "ask": lambda: ask("does llama 3 70b fit on 4 a6000s").result,
}


@pytest.mark.parametrize("call", SAID.values(), ids=SAID)
def test_results_say_themselves(call: Callable[[], Any]) -> None:
    found = call()
    first, *_ = str(found).splitlines()
    assert str(found) == found.explain()
    assert repr(found) == f"<{type(found).__name__}: {first}>"
    brief, usual, why = (
        {" ".join(line.split()) for line in text.splitlines()}
        for text in (found.explain(brief=True), found.explain(), found.explain(why=True))
    )
    assert {line for line in brief if "more" not in line} <= usual <= why
    assert html.escape(first) in found._repr_html_()
    assert copy.copy(found) == found


def test_a_sweep_is_one_line() -> None:
    found = sweep(["mixtral-8x7b", "llama-3-8b"], "a6000", contexts="4k,8k")
    assert repr(found) == "<Sweep: 4 cells: 2 models, 1 GPU, 2 contexts, 1 number of users>"
    titles = str(found).splitlines()[0].split()
    assert titles == ["model", "GPU", "context", "users", "count", "verdict", "layout", "free", "a", "GPU"]


def test_answers_are_dictionaries() -> None:
    plan = size("mixtral-8x7b", gpu="a6000")
    assert plan.to_dict() == plan.model_dump()
    fit = estimate("mixtral-8x7b", gpu="a6000", tensor_parallel_size=4)
    assert fit.to_dict() == fit.model_dump()


def test_a_sweep_is_flat_records_and_each_is_what_size_gives() -> None:
    found = sweep(["mixtral-8x7b", "llama-3-8b"], ["a6000", "h100"], contexts="4k,8k", users=[1, 4])
    records = found.to_records()
    assert len(records) == 16
    assert all(isinstance(v, str | int | float | bool | None) for r in records for v in r.values())
    for r in records[::5]:
        plan = size(r["model"], gpu=r["gpu"], context=r["context"], users=r["users"], details=False)
        assert (r["gpu_count"], r["verdict"]) == (plan.gpu_count, plan.verdict)
    one = sweep("mixtral-8x7b", "a6000", contexts=[8192])
    assert [r["gpu_count"] for r in one.to_records()] == [3]
    cached = sweep("llama-3-8b", "l4", contexts=[8192], kv_cache_dtypes=(None, "fp8"))
    assert [r["kv_cache_dtype"] for r in cached.to_records()] == [None, "fp8"]
    with pytest.raises(RequestError):
        sweep("llama-3-8b", "l4", contexts=[])
    with pytest.raises(UnknownModelError):
        sweep("no-such-model-9b", "l4", contexts=[1])


def well_formed(fragment: str) -> str:
    """The text of a fragment that a strict parser takes."""
    parser = html5lib.HTMLParser(strict=True)
    tree = parser.parseFragment(fragment)
    assert not [e for e in tree.iter() if str(e.tag).endswith("script")]
    return "".join(tree.itertext())


def test_notebooks_show_the_answer() -> None:
    plan = size("mixtral-8x7b", gpu="a6000")
    shown = well_formed(plan._repr_html_())
    for word in plan.explain().replace("█", "").split():
        assert word in shown
    assert "fits" in well_formed(estimate("mixtral-8x7b", gpu="a6000", tensor_parallel_size=4)._repr_html_())
    assert "do not divide" in well_formed(estimate("mixtral-8x7b", gpu="a6000", tensor_parallel_size=3)._repr_html_())
    table = well_formed(sweep("mixtral-8x7b", "a6000", contexts="1k:32k:lin30")._repr_html_())
    assert "20 of 30 cells" in table


def test_a_hostile_name_is_text_in_a_notebook() -> None:
    plan = size("mixtral-8x7b", gpu="a6000")
    card = replace(plan.request.model, id=HOSTILE, name=HOSTILE)
    hostile = replace(plan, request=replace(plan.request, model=card))
    assert HOSTILE in well_formed(hostile._repr_html_())
    fit = estimate("mixtral-8x7b", gpu="a6000", tensor_parallel_size=4)
    assert HOSTILE in well_formed(replace(fit, request=replace(fit.request, model=card))._repr_html_())
    assert HOSTILE in well_formed(sweep(card, "a6000", contexts=[8192])._repr_html_())
