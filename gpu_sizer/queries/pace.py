"""How fast a model is, where a question asks for it or tells a rate: the planner's estimate in a sentence."""

from __future__ import annotations

from gpu_sizer.errors import GpuSizerError
from gpu_sizer.load import USUAL_ANSWER, USUAL_PROMPT
from gpu_sizer.planning.how_fast import how_fast, how_fast_on, most_on
from gpu_sizer.planning.search import plan
from gpu_sizer.queries.requests import lengths
from gpu_sizer.records import replace
from gpu_sizer.words.how_fast import headline

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gpu_sizer.memory.layout import Layout
    from gpu_sizer.planning.how_fast import HowFast
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
        found = how_fast(_paced(a).request(), layout)
    except GpuSizerError as error:
        return f"its speed is not known here: {error}"
    lengths = f"prompts of {found.prompt:,} and answers of {found.answer:,} tokens"
    return f"about its speed, not its memory, with {lengths}: {headline(found).removesuffix('.')}"


def _paced(a: Asked) -> Asked:
    """The question with the lengths of a prompt and an answer."""
    told = lengths(a.understood.options, a.model.context.native if a.model else None)
    kept = {k: v for k, v in a.options.items() if k not in ("context", "max_gpus")}
    return replace(a, options={**_USUAL, **told, **kept, "context": None})
