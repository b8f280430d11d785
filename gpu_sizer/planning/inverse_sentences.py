"""The inverse answers in plain words: the answer in one sentence, then what it rests on."""

from __future__ import annotations

from gpu_sizer.planning.rental_words import named
from gpu_sizer.planning.sentences import details, fit_lines, gpu_name, in_layout, times
from gpu_sizer.planning.uncounted import uncounted_lines
from gpu_sizer.units import gb, gib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gpu_sizer.planning.choices import Choice, Choices, Runnable, RunnableModel
    from gpu_sizer.planning.inverse import LongestContext, MostUsers, OnCount
    from gpu_sizer.planning.needs import MemoryNeed


def _requests(users: int) -> str:
    return "one request at a time" if users == 1 else f"{users:,} requests at once"


def _verb(count: int, verb: str) -> str:
    """``2 × L4 run``, ``1 × L4 runs``."""
    return verb if count > 1 else verb + "s"


def context_headline(found: LongestContext) -> str:
    """The longest context in a sentence."""
    plan = found.plan
    where = times(found.gpu_count, gpu_name(plan))
    model, load = plan.request.model.name, _requests(plan.request.users)
    if not found.context:
        return f"{model} does not fit on {where} at any context: {plan.reason}."
    assert plan.layout is not None
    text = f"{model} on {where} takes up to {found.context:,} tokens, {load}{in_layout(plan.layout)}"
    if found.context == found.limit:
        return f"{text}: its full length.{_certain(found.safe_context, found.context, 'tokens')}"
    return f"{text}; one token more does not fit.{_certain(found.safe_context, found.context, 'tokens')}"


def _certain(safe: int, most: int, unit: str) -> str:
    """The number that is beyond the estimate's own error, where it is lower."""
    if safe == most:
        return ""
    if not safe:
        return " That is tight: within the estimate's own error."
    one = unit.removesuffix("s") if safe == 1 else unit
    return f" With room beyond the estimate's own error it is {safe:,} {one}."


def users_headline(found: MostUsers) -> str:
    """The most users in a sentence."""
    plan = found.plan
    where = times(found.gpu_count, gpu_name(plan))
    model, length = plan.request.model.name, f"{plan.request.context:,} tokens"
    if not found.users:
        return f"{where} cannot serve {model} at {length} even to one user: {plan.reason}."
    assert plan.layout is not None
    who = "one user" if found.users == 1 else f"{found.users:,} users"
    text = f"{where} {_verb(found.gpu_count, 'serve')} {who} at once with {model} at {length} each"
    more = f"{text}{in_layout(plan.layout)}; one more does not fit"
    if plan.speed is not None:
        more += " or makes it too slow"
    return f"{more}.{_certain(found.safe_users, found.users, 'users')}"


def plan_lines(headline: str, found: LongestContext | MostUsers) -> Iterator[str]:
    """A sentence and the plan it rests on."""
    yield headline
    yield from details(found.plan)


def on_count_lines(found: OnCount) -> Iterator[str]:
    """Whether a number of GPUs suffices, and how many do."""
    first, *rest = fit_lines(found.fit)
    yield f"{first}{needed(found)}"
    yield from rest
    for note in found.notes():
        yield f"Note: {note}"


def needed(found: OnCount) -> str:
    """The fewest that do, where that is another number."""
    if found.needed is None:
        return f" Nor does any number up to {found.fit.request.max_gpus}." if not found.fits else ""
    if found.needed == found.gpu_count:
        return ""
    return f" It takes {found.needed}." if not found.fits else f" {found.needed} would do."


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], right: frozenset[int]) -> Iterator[str]:
    """Aligned columns."""
    everything = [columns, *rows]
    widths = [max(len(row[i]) for row in everything) for i in range(len(columns))]
    for row in everything:
        cells = (c.rjust(w) if i in right else c.ljust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True)))
        yield "  ".join(cells).rstrip()


MODEL_COLUMNS = ("model", "parameters", "verdict", "free a GPU", "longest context", "layout")
CHOICE_COLUMNS = ("GPU", "count", "machines", "$ an hour", "price of", "free a GPU", "layout")
#: Those of them that stand to the right.
CHOICE_RIGHT = (1, 3, 5)


def model_row(m: RunnableModel) -> tuple[str, ...]:
    """One model of a list."""
    verdict = m.verdict if m.fits else ("shorter" if m.max_context else "no")
    free = gib(m.free_bytes) if m.free_bytes is not None else ""
    size = f"{m.total_parameters / 1e9:,.1f} B"
    longest = f"{m.max_context:,}" if m.max_context else ""
    return (m.model.id, size, verdict, free, longest, m.layout.describe() if m.layout else "")


def models_headline(found: Runnable) -> str:
    """What runs, in a sentence."""
    name = found.gpu.short_name
    where = times(found.gpu_count, name)
    fitting = [m for m in found.models if m.fits]
    shorter = sum(1 for m in found.models if not m.fits and m.max_context)
    length = f"{found.context:,} tokens" if found.context else "their full context"
    if not found.fits:
        return f"No model of the catalogue runs on {where}."
    if not fitting:
        return f"On {where} no model of the catalogue runs at {length}; {shorter} run at a shorter one."
    comfortable = next((m for m in fitting if m.verdict == "fits"), fitting[0])
    some = "one model" if len(fitting) == 1 else f"{len(fitting)} models"
    text = f"{where} {_verb(found.gpu_count, 'run')} {some} of the catalogue at {length}"
    text += f"; the largest is {comfortable.model.name}"
    return f"{text}; {shorter} more run at a shorter one." if shorter else f"{text}."


def models_lines(found: Runnable) -> Iterator[str]:
    """What runs, as a sentence and a table."""
    yield models_headline(found)
    shown = found.shown
    if shown:
        yield ""
        yield from table(MODEL_COLUMNS, [model_row(m) for m in shown], frozenset((1, 3, 4)))
    yield from models_rest(found)


def models_rest(found: Runnable) -> Iterator[str]:
    """What a list of models leaves out."""
    if hidden := len(found.models) - len(found.shown):
        yield f"{hidden} more run, smaller or at a shorter context (gpu-sizer what-fits --all lists them)"
    if found.left_out:
        yield f"{found.left_out} do not run, or at too short a context (--all lists them)"
    yield from uncounted_lines(found.uncounted)


def choice_row(c: Choice) -> tuple[str, ...]:
    """One kind of GPU of a list."""
    p = c.plan
    count = str(p.gpu_count or "-") + (" (tight)" if p.verdict == "tight" else "")
    price = f"{c.price_per_hour:,.2f}" if c.price_per_hour is not None else ""
    machines = where = ""
    if (r := c.rental) is not None:
        machines = named(r)
        day = c.price.date.isoformat() if c.price is not None and c.price.date else None
        where = ", ".join(filter(None, (day, r.doubt)))
    free = gib(p.per_gpu.free_bytes) if p.per_gpu and p.fits else ""
    return (p.request.gpu.id, count, machines, price, where, free, p.layout.describe() if p.layout else p.reason or "")


def _choice(c: Choice) -> str:
    text = times(c.plan.gpu_count or 0, gpu_name(c.plan))
    if c.rental is None or c.price_per_hour is None:
        return text
    gpus = c.rental.gpus_each * c.rental.machines
    whole = f", with {gpus} of them" if gpus != c.plan.gpu_count else ""
    return f"{text} at ${c.price_per_hour:,.2f} an hour ({named(c.rental)}{whole})"


def choices_headline(found: Choices, *, compared: bool = False) -> str:
    """The best choice in a sentence."""
    r = found.request
    load = f"{found.model.name} at {r.context:,} tokens, {_requests(r.users)}"
    fitting = [c for c in found.options if c.plan.fits]
    if not fitting:
        return f"No GPU asked about carries {load}: {found.options[0].plan.reason if found.options else 'none known'}."
    if compared:
        each = [_choice(c) if c.plan.fits else f"not on {gpu_name(c.plan)} ({c.plan.reason})" for c in found.options]
        return f"For {load}: {'; or '.join(each)}."
    fewest = min(fitting, key=lambda c: (c.plan.gpu_count or 0, c.price_per_hour is None, c.price_per_hour or 0.0))
    text = f"For {load} the cheapest known is {_choice(fitting[0])}"
    if fitting[0].price_per_hour is None:
        text = f"For {load} the fewest is {_choice(fitting[0])}"
    elif (fewest.plan.gpu_count or 0) < (fitting[0].plan.gpu_count or 0):
        text += f"; the fewest is {_choice(fewest)}"
    return f"{text}."


def choices_lines(found: Choices, *, compared: bool = False) -> Iterator[str]:
    """GPUs for a model, as a sentence and a table."""
    yield choices_headline(found, compared=compared)
    if found.options:
        yield ""
        yield from table(CHOICE_COLUMNS, [choice_row(c) for c in found.options], frozenset(CHOICE_RIGHT))
    yield from choices_rest(found)


def choices_rest(found: Choices) -> Iterator[str]:
    """What a list of GPUs leaves out."""
    if found.left_out:
        yield f"{found.left_out} more kinds of GPU (gpu-sizer which-gpu --all lists them)"
    yield from uncounted_lines(found.uncounted)


def memory_headline(found: MemoryNeed) -> str:
    """How much memory, in a sentence."""
    r = found.request
    weights = f"{gb(found.weights_bytes)} of {found.weights_format} weights"
    cache = f"{gb(found.kv_cache_bytes)} of cache"
    if found.token_bytes:
        cache += f" ({found.token_bytes:,} bytes a token)"
    load = f"{r.context:,} tokens, {_requests(r.users)}"
    return (
        f"{r.model.name} needs {gb(found.total_bytes)} ({gib(found.total_bytes)}): {weights} and {cache} "
        f"for {load}; each GPU needs about {gib(found.engine_bytes)} more for the engine."
    )


def memory_lines(found: MemoryNeed) -> Iterator[str]:
    """How much memory, and GPUs that have it."""
    yield memory_headline(found)
    if found.choices.options:
        yield ""
        yield from table(CHOICE_COLUMNS, [choice_row(c) for c in found.choices.options], frozenset(CHOICE_RIGHT))
