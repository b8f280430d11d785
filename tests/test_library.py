"""Answers as data, and as notebooks show them."""

from __future__ import annotations

import html5lib
import pytest

import gpu_sizer
from gpu_sizer import RequestError, UnknownModelError, estimate, size, sweep
from gpu_sizer.records import replace

HOSTILE = "<script>alert('x')</script> \"&\n{{ y }} $(z)"


def test_public_names_are_all_there() -> None:
    assert {*gpu_sizer.__all__} <= {*dir(gpu_sizer)}
    for name in gpu_sizer.__all__:
        assert getattr(gpu_sizer, name) is not None


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
    for line in plan.explain().splitlines():
        assert line.strip() in shown
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
