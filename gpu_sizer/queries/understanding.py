"""A question in words -> what is asked: the intent, the model, the GPU, and the options."""

from __future__ import annotations

from gpu_sizer.cards.catalogue import Catalogue
from gpu_sizer.errors import RequestError, UnknownGpuError, UnknownModelError
from gpu_sizer.queries.entities import Found, find, find_near, nearest, split_times, unknown_name
from gpu_sizer.queries.grammar import Options, read_options
from gpu_sizer.queries.words import clean, whole_number, words
from gpu_sizer.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Literal

    Intent = Literal["count", "fit"]


#: Words that carry no name.
NOISE = frozenset(
    """
    a an the how many much number of gpus gpu cards card for to do i we you need needs needed require required serve serving
    run runs running host hosting deploy deploying fit fits on in at with and or is are does can could will would it my our
    what which that this me please tell x times using use using within into onto per each max maximum context tokens token
    users user concurrent requests request length window long enough unquantized full precision server servers inference
    """.split()  # noqa: SIM905
)
_COUNT = frozenset(
    (
        "how",
        "many",
        "number",
        "count",
        "needed",
        "need",
        "needs",
        "require",
        "required",
        "minimum",
        "fewest",
        "smallest",
    )
)
_FIT = frozenset(("fit", "fits", "does", "can", "will", "enough", "possible", "could"))


@dataclass(frozen=True, slots=True)
class Understanding:
    """What a question asks."""

    question: str
    intent: Intent
    model: Found
    gpu: Found
    gpu_count: int | None
    options: Options
    ignored: tuple[str, ...]


def _count_before(tokens: Sequence[str], start: int) -> tuple[int | None, set[int]]:
    """The number of GPUs that stands before a GPU's name, and the words it took."""
    i = start - 1
    places: set[int] = set()
    while i >= 0 and tokens[i] in ("x", "times", "of", "nvidia", "amd", "the", "geforce"):
        places.add(i)
        i -= 1
    if i >= 0 and (number := whole_number(tokens[i])) is not None:
        return number, places | {i}
    return None, set()


def _intent(tokens: Sequence[str], gpu_count: int | None) -> Intent:
    said = set(tokens)
    if gpu_count is not None and (said & _FIT or not said & _COUNT):
        return "fit"
    return "count"


def understand(text: str, cards: Catalogue) -> Understanding:
    """What a question means.

    Raises:
        UnknownModelError, UnknownGpuError: no such name, or several.
        RequestError: the question names no model or no GPU, or is none (``kind`` says which).
    """
    question = clean(text)
    tokens = split_times(words(question))
    gpu = find(tokens, cards.gpus)
    taken = frozenset(range(gpu.start, gpu.stop)) if gpu else frozenset()
    model = find(tokens, cards.models, taken)
    if model:
        taken |= set(range(model.start, model.stop))
    count, places = _count_before(tokens, gpu.start) if gpu else (None, set())
    options = read_options(tokens, frozenset(taken | places))
    taken |= places | options.used
    if model is None and (found := find_near(tokens, cards.models, taken, NOISE)) is not None:
        model, taken = found, taken | set(range(found.start, found.stop))
    if gpu is None and (found := find_near(tokens, cards.gpus, taken, NOISE)) is not None:
        gpu, taken = found, taken | set(range(found.start, found.stop))
    if model is None or gpu is None:
        raise _incomplete(tokens, taken, model, gpu, cards)
    ignored = tuple(w for i, w in enumerate(tokens) if i not in taken and w not in NOISE and w not in _COUNT | _FIT)
    return Understanding(question, _intent(tokens, count), model, gpu, count, options, ignored)


def _incomplete(
    tokens: Sequence[str], taken: frozenset[int], model: Found | None, gpu: Found | None, cards: Catalogue
) -> Exception:
    """The error for a question in which a model or a GPU is missing or unknown."""
    name = unknown_name(tokens, taken, NOISE)
    if model is None and gpu is None:
        error = RequestError('not understood; ask for example "how many A6000s for Mixtral 8x7b"')
        error.kind = "unknown"
        return error
    about = "model" if model is None else "gpu"
    shelf = cards.models if model is None else cards.gpus
    if name is not None:
        hints = nearest(name, shelf)
        tail = f"; did you mean {', '.join(hints)}?" if hints else f"; `gpu-sizer {about}s` lists what is known"
        kind = UnknownModelError if model is None else UnknownGpuError
        return kind(f"unknown {'model' if model is None else 'GPU'} {name[:60]!r}{tail}", suggestions=hints)
    example = "for which model?" if model is None else "on which GPU?"
    missing = RequestError(f'{example} ask for example "how many A6000s for Mixtral 8x7b"', about=about)
    missing.kind = "incomplete"
    return missing
