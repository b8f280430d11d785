"""The inverse answers in words: the answer in one sentence, then a table, or what it rests on."""

from __future__ import annotations

from gpu_sizer.cards.catalogue import LOCAL
from gpu_sizer.load import WEIGHTS
from gpu_sizer.planning.levers import levers_to_fit
from gpu_sizer.planning.rental import whole
from gpu_sizer.units import amount, ceil_div, gb, gib, verb
from gpu_sizer.words.blocks import BRIEF, FEW, USUAL, Column, Paragraph, Table, Told
from gpu_sizer.words.plan import change, details, fit_told, gpu_name, in_layout, notes
from gpu_sizer.words.rental import behind, in_machines, marked, named, on, times
from gpu_sizer.words.uncounted import uncounted_lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from gpu_sizer.planning.choices import Choice, Choices
    from gpu_sizer.planning.inverse import LongestContext, MostUsers, OnCount
    from gpu_sizer.planning.levers import Lever
    from gpu_sizer.planning.needs import MemoryNeed
    from gpu_sizer.planning.plan import Fit, Plan
    from gpu_sizer.planning.rental import Rental
    from gpu_sizer.planning.request import Request
    from gpu_sizer.planning.runnable import Runnable, RunnableModel
    from gpu_sizer.words.blocks import Block


def _requests(users: int) -> str:
    return "one request at a time" if users == 1 else f"{users:,} requests at once"


def _acting(gpu_count: int, request: Request) -> int:
    """How many there are of what a sentence is about: machines where they are counted, else GPUs."""
    return ceil_div(gpu_count, request.gpus_per_node) if request.counts_machines else gpu_count


def context_headline(longest: LongestContext) -> str:
    """The longest context in a sentence."""
    plan = longest.plan
    where = on(plan.request, longest.gpu_count)
    model, load = plan.request.model.name, _requests(plan.request.users)
    if not longest.context:
        return f"{model} does not fit on {where} at any context: {plan.reason}."
    assert plan.layout is not None
    text = f"{model} on {where} takes up to {longest.context:,} tokens, {load}{in_layout(plan.layout)}"
    if longest.context == longest.limit:
        return f"{text}: its full length.{_certain(longest.safe_context, longest.context, 'tokens')}"
    return f"{text}; one token more does not fit.{_certain(longest.safe_context, longest.context, 'tokens')}"


def _certain(safe: int, most: int, unit: str) -> str:
    """The number that is beyond the estimate's own error, where it is lower."""
    if safe == most:
        return ""
    if not safe:
        return " That is tight: within the estimate's own error."
    one = unit.removesuffix("s") if safe == 1 else unit
    return f" With room beyond the estimate's own error it is {safe:,} {one}."


def users_headline(most: MostUsers) -> str:
    """The most users in a sentence."""
    plan = most.plan
    where = on(plan.request, most.gpu_count)
    model, length = plan.request.model.name, f"{plan.request.context:,} tokens"
    if not most.users:
        return f"{where} cannot serve {model} at {length} even to one user: {plan.reason}."
    assert plan.layout is not None
    who = "one user" if most.users == 1 else f"{most.users:,} users"
    serve = verb(_acting(most.gpu_count, plan.request), "serves", "serve")
    text = f"{where} {serve} {who} at once with {model} at {length} each"
    more = f"{text}{in_layout(plan.layout)}; one more does not fit"
    if plan.speed is not None:
        more += " or makes it too slow"
    return f"{more}.{_certain(most.safe_users, most.users, 'users')}"


def context_told(longest: LongestContext, level: int = USUAL) -> Told:
    """The longest context, and the plan that it rests on."""
    told = details(longest.plan, level, *_changes(longest.plan, longest.gpu_count, level))
    return Told(context_headline(longest), longest.plan.verdict, tuple(told))


def users_told(most: MostUsers, level: int = USUAL) -> Told:
    """The most users, and the plan that it rests on."""
    told = details(most.plan, level, *_changes(most.plan, most.gpu_count, level))
    return Told(users_headline(most), most.plan.verdict, tuple(told))


def _changes(asked: Plan | Fit, count: int, level: int) -> Iterator[Block]:
    """What would make a number of GPUs suffice that does not."""
    if level > BRIEF and (changes := levers_to_fit(asked, count)):
        yield Paragraph(tuple(map(_to_fit, changes)), title="What would make it fit")


def on_count_told(counted: OnCount, level: int = USUAL) -> Told:
    """Whether a number of GPUs suffices, and how many do."""
    told = fit_told(counted.fit, level, *_changes(counted.fit, counted.gpu_count, level))
    made = told.led_by(f"{told.headline}{needed(counted)}")
    return made.followed_by(notes(tuple(counted.notes()))) if counted.notes() else made


def _to_fit(lever: Lever) -> str:
    """``quantized weights (--weights-dtype int4): fits up to 20,480 tokens``."""
    short = "context" in lever.settings and lever.kind != "shorter context"
    up_to = f" up to {lever.settings['context']:,} tokens" if short else ""
    return f"{change(lever)}: fits{up_to}{', tight' if lever.verdict == 'tight' else ''}"


def needed(counted: OnCount) -> str:
    """The fewest that do, where that is another number."""
    if counted.needed is None:
        return f" Nor does any number up to {counted.fit.request.max_gpus}." if not counted.fits else ""
    if counted.needed == counted.gpu_count:
        return ""
    if counted.fit.request.counts_machines:
        return f" {_needed_machines(counted, counted.needed)}"
    return f" It takes {counted.needed}." if not counted.fits else f" {counted.needed} would do."


def _needed_machines(counted: OnCount, needed: int) -> str:
    """The fewest machines that do, where that is another number; else how many of their GPUs."""
    request = counted.fit.request
    taken = whole(request, needed)
    if not counted.fits:
        if taken is None:
            return f"{amount(needed, 'GPU')} would do, but no number of such machines does."
        gpus = amount(taken.machines * taken.gpus_each, "GPU")
        return f"It takes {amount(taken.machines, 'machine')} ({gpus}); {amount(needed, 'GPU')} would do."
    if taken is not None and taken.machines * taken.gpus_each < counted.gpu_count:
        return f"{amount(taken.machines, 'machine')} would do."
    return f"{amount(needed, 'GPU')} would do."


#: The first to go where there is no room is what a reader could find with another command.
MODEL_COLUMNS = (
    Column("model"),
    Column("released", rank=3),
    Column("parameters", right=True, rank=2),
    Column("weights", rank=1),
    Column("longest context", right=True, rank=4),
    Column("verdict", rank=5),
    Column("free a GPU", right=True, rank=6),
    Column("layout", rank=7),
)
CHOICE_COLUMNS = (
    Column("GPU"),
    Column("count", right=True),
    Column("$ an hour", right=True, rank=1),
    Column("price of", rank=3),
    Column("layout", rank=4, flow=True),
    Column("free a GPU", right=True, rank=5),
    Column("machines", rank=2),
)


def model_row(m: RunnableModel) -> tuple[str, ...]:
    """One model of a list."""
    verdict = m.verdict if m.fits else ("shorter" if m.max_context else "no")
    day = m.model.released.isoformat() if m.model.released else ""
    weights = f"{m.weights_format} (quantized)" if m.model.quantized else m.weights_format
    free = gib(m.free_bytes) if m.free_bytes is not None else ""
    size = f"{m.total_parameters / 1e9:,.1f} B"
    longest = f"{m.max_context:,}" if m.max_context else ""
    return (m.model.id, day, size, weights, longest, verdict, free, m.layout.describe() if m.layout else "")


def _rated_row(runnable: Runnable, m: RunnableModel) -> tuple[str, ...]:
    """The same with the rating of the model behind its name; empty where it has none."""
    name, *others = model_row(m)
    rating = runnable.ratings.get(m.model.id)
    return (name, "" if rating is None else f"{rating:,.0f}", *others)


def models_headline(runnable: Runnable) -> str:
    """What runs, in a sentence."""
    name = runnable.gpu.short_name
    machine, acting = runnable.machine, runnable.gpu_count
    where = times(runnable.gpu_count, name)
    if machine is not None and machine.provider != LOCAL:
        where = in_machines(machine, name, runnable.gpu_count, machine.machine.gpu_count)
        acting = ceil_div(runnable.gpu_count, machine.machine.gpu_count)
    fitting = [m for m in runnable.models if m.fits]
    shorter = sum(1 for m in runnable.models if not m.fits and m.runs)
    length = (
        f"{runnable.context:,} tokens" if runnable.context else f"{'its' if len(fitting) < 2 else 'their'} full context"
    )
    of = "of the catalogue" if runnable.called is None else f"called {runnable.called!r}"
    if not runnable.fits:
        return f"No model {of} runs on {where}."
    if not fitting:
        others = f"{shorter} {verb(shorter, 'runs', 'run')} at a shorter one"
        return f"On {where} no model {of} runs at {length}; {others}."
    own = [m for m in fitting if not m.model.quantized] or fitting
    by_size = sorted(own, key=lambda m: -m.total_parameters)
    comfortable = next((m for m in by_size if m.verdict == "fits"), by_size[0])
    runs = "one model" if len(fitting) == 1 else f"{len(fitting)} models"
    text = f"{where} {verb(acting, 'runs', 'run')} {runs} {of} at {length}"
    text += f"; the largest as released is {comfortable.model.name}"
    return f"{text}; {shorter} more {verb(shorter, 'runs', 'run')} at a shorter one." if shorter else f"{text}."


def models_told(runnable: Runnable, level: int = USUAL) -> Told:
    """What runs, as a sentence and a table."""
    blocks: list[Block] = []
    shown = runnable.shown if level > BRIEF else runnable.shown[:FEW]
    if shown and not runnable.any_rated:
        blocks.append(Table(MODEL_COLUMNS, tuple(map(model_row, shown))))
    elif shown:
        name, *others = MODEL_COLUMNS
        rows = tuple(_rated_row(runnable, m) for m in shown)
        blocks.append(Table((name, Column("rating", right=True), *others), rows))
    if rest := tuple(_models_rest(runnable, len(shown), level)):
        blocks.append(Paragraph(rest, tone="dim", close=True))
    return Told(models_headline(runnable), "fits" if runnable.fits else "does_not_fit", tuple(blocks))


def unrated(runnable: Runnable) -> Iterator[str]:
    """That the best rated were asked for, and none that runs is rated."""
    if runnable.rated_by is not None and runnable.models and not runnable.any_rated:
        listed = f"those that the Arena lists ({runnable.rated_by})"
        yield f"none that runs is among {listed}, so that the newest stand first"


def _models_rest(runnable: Runnable, shown: int, level: int) -> Iterator[str]:
    """In which order they stand, and what a list of models leaves out."""
    if shown > 1 and runnable.rated_by is not None and runnable.any_rated:
        yield f"The best rated first: {runnable.rated_by}. Models without a rating follow; quantized releases last."
    elif shown > 1:
        yield from (f"{text[:1].upper()}{text[1:]}." for text in unrated(runnable))
        yield "The newest year first, its largest before the others; quantized releases last."
    if runnable.assumptions.get(WEIGHTS) is None:
        yield "Weights as released; in four bits more run: --engine llama.cpp --weights-dtype q4_k_m (in words: in q4)."
    if hidden := len(runnable.models) - shown:
        more = f"{hidden} more {verb(hidden, 'runs', 'run')}"
        yield f"{more}, older, quantized or at a shorter context (gpu-sizer what-fits --all lists them)"
    if runnable.left_out:
        none = f"{runnable.left_out} {verb(runnable.left_out, 'does', 'do')} not run"
        yield f"{none}, or at too short a context (--all lists them)"
    if level > BRIEF:
        yield from uncounted_lines(runnable.uncounted)


def choice_row(c: Choice) -> tuple[str, ...]:
    """One kind of GPU of a list."""
    p = c.plan
    count = str(p.gpu_count or "-") + (" (tight)" if p.verdict == "tight" else "")
    price = f"{c.price_per_hour:,.2f}" if c.price_per_hour is not None else ""
    machines = where = ""
    if (r := c.rental) is not None:
        machines = marked(r, named(r))
        day = c.price.date.isoformat() if c.price is not None and c.price.date else None
        where = ", ".join(filter(None, (day, r.doubt)))
    free = gib(p.per_gpu.free_bytes) if p.per_gpu and p.fits else ""
    shape = p.layout.describe() if p.layout else p.reason or ""
    return (p.request.gpu.id, count, price, where, shape, free, machines)


def _choice(c: Choice, *, in_machines: bool = False) -> str:
    text = times(c.plan.gpu_count or 0, gpu_name(c.plan))
    if (in_machines or c.plan.request.counts_machines) and c.rental is not None:
        return _choice_of_machines(c, c.rental)
    if c.rental is None or c.price_per_hour is None:
        return text
    gpus = c.rental.gpus_each * c.rental.machines
    whole = f", with {gpus} of them" if gpus != c.plan.gpu_count else ""
    return f"{text} at ${c.price_per_hour:,.2f} an hour ({named(c.rental)}{whole})"


def _choice_of_machines(c: Choice, rental: Rental) -> str:
    """The machines of a choice before their GPUs: ``1 × p5.48xlarge of AWS (8 × H100 SXM5 80 GB) at $55.04``."""
    count = rental.gpus_each * rental.machines
    text = in_machines(rental.offer, gpu_name(c.plan), count, rental.gpus_each)
    price = f" at ${c.price_per_hour:,.2f} an hour" if c.price_per_hour is not None else ""
    fewest = f", of which {c.plan.gpu_count} would do" if c.plan.gpu_count != count else ""
    return f"{text}{price}{fewest}"


def choices_headline(choices: Choices) -> str:
    """The best choice in a sentence."""
    r = choices.request
    load = f"{choices.model.name} at {r.context:,} tokens, {_requests(r.users)}"
    fitting = [c for c in choices.options if c.plan.fits]
    if not fitting:
        return (
            f"No GPU asked about carries {load}: {choices.options[0].plan.reason if choices.options else 'none known'}."
        )
    if choices.compared:
        each = [_choice(c) if c.plan.fits else f"not on {gpu_name(c.plan)} ({c.plan.reason})" for c in choices.options]
        return f"For {load}: {'; or '.join(each)}."
    fewest = min(fitting, key=lambda c: (c.plan.gpu_count or 0, c.price_per_hour is None, c.price_per_hour or 0.0))
    text = f"For {load} the cheapest known is {_choice(fitting[0], in_machines=choices.in_machines)}"
    if choices.in_machines and fitting[0].rental is not None:
        return f"{text}."
    if fitting[0].price_per_hour is None:
        text = f"For {load} the fewest is {_choice(fitting[0])}"
    elif (fewest.plan.gpu_count or 0) < (fitting[0].plan.gpu_count or 0):
        text += f"; the fewest is {_choice(fewest)}"
    return f"{text}."


def choices_told(choices: Choices, level: int = USUAL) -> Told:
    """GPUs for a model, as a sentence and a table."""
    return Told(
        choices_headline(choices), "fits" if choices.fits else "does_not_fit", tuple(_choice_blocks(choices, level))
    )


def _choice_blocks(choices: Choices, level: int) -> Iterator[Block]:
    options = choices.options if level > BRIEF or choices.compared else choices.options[:FEW]
    if options:
        yield Table(CHOICE_COLUMNS, tuple(map(choice_row, options)))
    rest = list(behind(o.rental for o in options if o.rental is not None))
    if more := choices.left_out + len(choices.options) - len(options):
        rest.append(f"{amount(more, 'kind', more=True)} of GPU (gpu-sizer which-gpu --all lists them)")
    if level > BRIEF:
        rest += uncounted_lines(choices.uncounted)
    if rest:
        yield Paragraph(tuple(rest), tone="dim", close=True)


def memory_headline(need: MemoryNeed) -> str:
    """How much memory, in a sentence."""
    r = need.request
    weights = f"{gb(need.weights_bytes)} of {need.weights_format} weights"
    cache = f"{gb(need.kv_cache_bytes)} of cache"
    if need.token_bytes:
        cache += f" ({need.token_bytes:,} bytes a token)"
    load = f"{r.context:,} tokens, {_requests(r.users)}"
    return (
        f"{r.model.name} needs {gb(need.total_bytes)} ({gib(need.total_bytes)}): {weights} and {cache} "
        f"for {load}; each GPU needs about {gib(need.engine_bytes)} more for the engine."
    )


def memory_told(need: MemoryNeed, level: int = USUAL) -> Told:
    """How much memory, and GPUs that have it."""
    blocks: tuple[Block, ...] = ()
    if need.choices.options and level > BRIEF:
        blocks = (Table(CHOICE_COLUMNS, tuple(map(choice_row, need.choices.options))),)
    return Told(memory_headline(need), "fits", blocks)
