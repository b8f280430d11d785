"""How fast a model is, where a question asks for it or tells a rate: the planner's estimate in a sentence."""

from __future__ import annotations

from gpu_sizer.errors import GpuSizerError
from gpu_sizer.load import USUAL_ANSWER, USUAL_PROMPT
from gpu_sizer.planning.choices import Choices
from gpu_sizer.planning.how_fast import HowFast, how_fast, how_fast_on, most_on
from gpu_sizer.planning.planned import plan
from gpu_sizer.queries.requests import lengths
from gpu_sizer.records import replace
from gpu_sizer.words.how_fast import cost_lines, first_token, headline

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from gpu_sizer.cards.gpu_spec import GpuSpec
    from gpu_sizer.memory.layout import Layout
    from gpu_sizer.planning.cost import Cost
    from gpu_sizer.queries.requests import Asked

#: Lengths that are taken where a question tells none.
_USUAL = {"prompt": USUAL_PROMPT, "answer": USUAL_ANSWER}


def speed_of(a: Asked, count: int | None) -> HowFast:
    """The speed of a model on the GPUs of a question, in the layout that surely gives most tokens.

    Raises:
        RequestError: a GPU or engine of whose speed nothing is known.
    """
    request = _paced(a).request()
    return most_on(request, count or 1) if a.understood.options.most else how_fast_on(request, count or 1)


def fewest(a: Asked) -> int:
    """The fewest GPUs that carry a prompt and an answer; one where no number does."""
    layout = plan(_paced(a).request()).layout
    return layout.gpu_count if layout is not None else 1


def aside(a: Asked, layout: Layout) -> str:
    """The speed of a layout that was found for its memory, or why it is not known."""
    try:
        pace = how_fast(_paced(a).request(), layout)
    except GpuSizerError as error:
        return f"its speed is not known here: {error}"
    lengths = f"prompts of {pace.prompt:,} and answers of {pace.answer:,} tokens"
    text = f"about its speed, not its memory, with {lengths}: {headline(pace).removesuffix('.')}"
    return "; ".join((text, *first_token(pace))) if a.understood.options.waits else text


def token_price(a: Asked, result: Any) -> Iterator[str]:
    """What a million tokens cost on the GPUs of an answer, or why that is not known."""
    if isinstance(result, Choices):
        known = ((c.plan.request.gpu, c.plan.layout) for c in result.options)
        costs = (_cost(a, gpu, layout) for gpu, layout in known if layout is not None)
        cost = next((c for c in costs if c is not None), None)
    elif isinstance(result, HowFast):
        cost = result.cost
    else:
        planned = getattr(result, "plan", None) or getattr(result, "fit", None) or result
        layout = getattr(planned, "layout", None)
        cost = _cost(a, None, layout) if layout is not None and result.fits else None
    if cost is None:
        yield "what a million tokens cost is not known there: it takes a speed and a price"
        return
    line, *_ = cost_lines(cost)
    yield f"{line}, {a.options.get('users', 1):,} at once; more at once make tokens cheaper"
    if isinstance(result, Choices):
        yield f"`gpu-sizer rent {result.model.id}` compares what a million tokens cost on each machine"


def _cost(a: Asked, gpu: GpuSpec | None, layout: Layout) -> Cost | None:
    try:
        return how_fast(_paced(a).request(gpu), layout).cost
    except GpuSizerError:
        return None


def _paced(a: Asked) -> Asked:
    """The question with the lengths of a prompt and an answer."""
    told = lengths(a.understood.options, a.model.context.native if a.model else None)
    kept = {k: v for k, v in a.options.items() if k not in ("context", "max_gpus")}
    return replace(a, options={**_USUAL, **told, **kept, "context": None})
