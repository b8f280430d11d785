"""A plan and a fit in words: choices first, then the memory of each GPU, then why, then what was assumed."""

from __future__ import annotations

from gpu_sizer.load import LOAD
from gpu_sizer.planning.levers import levers
from gpu_sizer.planning.rental import whole
from gpu_sizer.units import amount, gib, verb
from gpu_sizer.words import ways
from gpu_sizer.words.blocks import BRIEF, USUAL, WHY, Memory, Pairs, Paragraph, Told
from gpu_sizer.words.rental import named, on, priced, times

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from gpu_sizer.load import Load, Setting
    from gpu_sizer.memory.estimate import RankMemory
    from gpu_sizer.memory.layout import Layout
    from gpu_sizer.planning.levers import Lever
    from gpu_sizer.planning.plan import Fit, Plan
    from gpu_sizer.timing.answer import Speed
    from gpu_sizer.words.blocks import Block

_WITHIN_ERROR = "the room left is within the estimate's own error"
#: Counts below the answer whose reasons are told, unless all are asked for.
NEAREST = 3
#: What changes, and the option that changes it to a value.
_CHANGES = {
    "fewer sequences": "fewer sequences at once (--max-num-seqs {})",
    "smaller cache": "an fp8 cache (--kv-cache-dtype fp8)",
    "higher utilization": "higher utilization (--utilization {:g})",
    "shorter context": "a shorter context (--context {})",
    "fewer bits": "quantized weights (--weights-dtype {})",
    "another engine": "quantized weights under another engine (--engine {} --weights-dtype {})",
}


def gpu_name(plan: Plan | Fit) -> str:
    """The name of the GPU asked about, without its vendor."""
    return plan.request.gpu.short_name


def in_layout(layout: Layout) -> str:
    """`` (tensor parallel 4)``; nothing for one GPU, which has no other."""
    return f" ({layout.describe()})" if layout.gpu_count > 1 else ""


def headline(plan: Plan, taken: ways.Way | None = None) -> str:
    """The answer in a sentence.

    Args:
        plan: the answer.
        taken: what most people would take instead, from :func:`gpu_sizer.words.ways.usual`.
    """
    model, gpu = plan.request.model.name, gpu_name(plan)
    if plan.memory is None:
        text = f"{model} does not fit on up to {plan.request.max_gpus} × {gpu}: {plan.reason}."
        return text + _probably(plan) + (f" {_tuned(plan)}" if plan.tuned else "")
    layout, count = plan.memory.layout, plan.gpu_count
    if count is None:  # sizes were told, and no layout that keeps them fits
        return f"{model} does not fit on {on(plan.request, layout.gpu_count, layout)}: {plan.reason}."
    if plan.request.counts_machines:
        return _in_machines(plan, count, layout)
    text = f"{model} needs {times(count, gpu)}{in_layout(layout)}"
    if taken is not None and taken.gpu_count != count and taken.what.startswith(ways.USUAL_CHOICE):
        text += f"; {ways.USUAL_CHOICE} is {taken.gpu_count}{in_layout(taken.layout)}"
    if (fewer := plan.about_fast_enough) is not None:
        n = fewer.gpu_count
        text += f" to be surely fast enough; {n} probably {verb(n, 'is', 'are')}{in_layout(fewer.layout)}"
    text += "."
    return text + _tightly(plan) + _further_settings(plan)


def _probably(plan: Plan) -> str:
    """That fewer GPUs are probably fast enough; nothing where none are."""
    if (a := plan.about_fast_enough) is None:
        return ""
    return f" {amount(a.gpu_count, 'GPU')}{in_layout(a.layout)} {verb(a.gpu_count, 'is', 'are')} probably fast enough."


def _tightly(plan: Plan) -> str:
    """That a plan is tight, and what has room; nothing where it has room itself."""
    if plan.verdict != "tight" or plan.memory is None:
        return ""
    safe = plan.safe_gpu_count
    number = amount(safe or 0, "GPU") if plan.request.counts_machines else str(safe)
    more = f"; {number} {verb(safe, 'has', 'have')} room to spare." if safe else "."
    return f" It is tight: {plan.memory.reason or _WITHIN_ERROR}{more}"


def _further_settings(plan: Plan) -> str:
    """The speed where one is asked for, and what lower settings would change."""
    speed = f" {_kept(plan.speed, plan.request.load)}" if plan.speed is not None else ""
    return speed + (f" {_tuned(plan)}" if plan.tuned else "")


def _in_machines(plan: Plan, count: int, layout: Layout) -> str:
    """The answer in a sentence where machines are asked for: their number, then that of the GPUs.

    Args:
        plan: one that fits.
        count: the fewest GPUs.
        layout: over these.
    """
    request, model = plan.request, plan.request.model.name
    fewest = f"{amount(count, 'GPU')} would do{in_layout(layout)}"
    if (machines := whole(request, count)) is None:
        what = request.machine.machine.name if request.machine is not None else "machine of this size"
        most = amount(request.max_gpus, "GPU")
        return f"{model} does not fit on any number of {what} up to {most}: {fewest}."
    taken, rental = machines.memory.layout, machines.rental
    text = f"{model} needs {on(request, taken.gpu_count, taken)}"
    if rental is not None and rental.price_hour_usd is not None:
        price = priced(rental, monthly=False)
        text += (
            f", {price}"
            if request.machine is not None
            else f"; the cheapest known {verb(rental.machines, 'is', 'are')} {named(rental)}, {price}"
        )
    text += "."
    text += _probably(plan)
    if taken == layout:
        return text + _tightly(plan) + _further_settings(plan)
    if machines.memory.verdict == "tight":
        text += f" It is tight: {machines.memory.reason or _WITHIN_ERROR}."
    if taken.gpu_count != count:
        text += f" {fewest}{', tight' if plan.verdict == 'tight' else ''}."
    return text + _further_settings(plan)


def _kept(speed: Speed, load: Load) -> str:
    from gpu_sizer.words.speed import kept

    return kept(speed, load)


def _tuned(plan: Plan) -> str:
    assert plan.tuned is not None
    count = plan.tuned.gpu_count
    return f"At lower settings {count} {verb(count, 'does', 'do')}: {ways.flags(plan.tuned, plan.request)}."


def rows(memory: RankMemory) -> list[tuple[str, int]]:
    """What fills one GPU, by name."""
    return [
        ("weights", memory.weights_bytes),
        ("KV cache", memory.kv_cache_bytes),
        ("activations", memory.activation_bytes),
        ("overhead", memory.overhead_bytes),
    ]


def free_row(memory: RankMemory) -> tuple[str, int]:
    """What is free on one GPU, or what it lacks."""
    return ("free", memory.free_bytes) if memory.free_bytes >= 0 else ("missing", -memory.free_bytes)


def capacity_line(memory: RankMemory) -> str:
    """What one GPU has: ``43.7 GiB usable (92 % of the 47.5 GiB that a program sees)``."""
    seen = f"{gib(memory.capacity_bytes)} that a program sees"
    if memory.budget_bytes == memory.capacity_bytes:
        return seen
    return (
        f"{gib(memory.budget_bytes)} usable ({memory.budget_bytes / memory.capacity_bytes * 100:.4g} % of the {seen})"
    )


def assumptions(plan: Plan) -> str:
    """What was assumed, in one line."""
    r, s = plan.request, plan.settings
    users = "1 request at a time" if r.users == 1 else f"{r.users} requests at once"
    weights = f"{plan.weights_format} weights" + (" as released" if r.as_released else "")
    cache = "" if s.kv_cache_dtype in (plan.weights_format, r.model.weights.dtype) else f", {s.kv_cache_dtype} cache"
    # What else was asked for; lengths, types and the engine's own sizes stand in the words before.
    further = [x.say(getattr(s, x.name)) for x in LOAD if not (x.told or x.by_gpu or x.axis) and _asked(plan, x)]
    told = "; ".join([r.get_engine().settings_words(s), *further])
    return f"{r.get_engine().describe()}; {weights}{cache}; {s.context:,} tokens, {users}; {told}"


def _asked(plan: Plan, s: Setting) -> bool:
    """Whether a setting was asked for, and the engine has it."""
    return s.default not in (getattr(plan.request.load, s.name), getattr(plan.settings, s.name))


def capacity_sentence(plan: Plan) -> str | None:
    """How much the cache would hold beyond what was asked."""
    if plan.memory is None or not plan.kv_cache_tokens:
        return None
    whose = " of each replica" if plan.memory.layout.data_parallel_size > 1 else ""
    return (
        f"The cache{whose} would hold {plan.kv_cache_tokens:,} tokens in all: "
        f"{plan.max_concurrent_requests:,.1f} requests of {plan.settings.context:,} tokens at once."
    )


def _memory(plan: Plan) -> Iterator[Block]:
    """What fills each GPU."""
    if plan.memory is None or (m := plan.per_gpu) is None:
        return
    which = "The fullest GPU" if plan.memory.layout.pipeline_parallel_size > 1 else "Each GPU"
    parts = tuple(rows(m))
    yield Memory(f"{which}: {capacity_line(m)}", parts, free_row(m), plan.band_bytes, m.budget_bytes, m.capacity_bytes)
    more = []
    if len(plan.memory.layer_split) > 1:
        more.append(f"Layers on each GPU: {', '.join(map(str, plan.memory.layer_split))}")
    if (text := capacity_sentence(plan)) is not None:
        more.append(text)
    if more:
        yield Paragraph(tuple(more), close=True)


def _speed(plan: Plan) -> Iterator[Block]:
    if plan.speed is not None:
        from gpu_sizer.words.speed import speed_blocks

        yield from speed_blocks(plan.speed, plan.request.users, f"Speed, which {plan.speed.verdict} what is asked for")


def _assumed(plan: Plan) -> Iterator[Block]:
    yield Paragraph((f"Assumed: {assumptions(plan)}",), tone="dim")
    if plan.warnings:
        yield notes(plan.warnings)


def notes(warnings: tuple[str, ...]) -> Paragraph:
    """What an answer leaves out, or its reader should know."""
    return Paragraph(tuple([f"Note: {w}" for w in warnings]), tone="note", close=True)


def details(plan: Plan, level: int = USUAL, *further: Block) -> Iterator[Block]:
    """What an answer about given GPUs rests on: their memory, speed, what else is to be told, and what was assumed."""
    if level >= USUAL:
        yield from _memory(plan)
    yield from _speed(plan)
    yield from further
    yield from _assumed(plan)


def change(lever: Lever) -> str:
    """``fewer sequences at once (--max-num-seqs 16)``."""
    return _CHANGES[lever.kind].format(*lever.settings.values())


def advice(plan: Plan) -> tuple[str, list[str]]:
    """What would make a plan smaller or safer: a title, and a line for each change with its effect."""
    title = "What would make it smaller" if (plan.gpu_count or 0) > 1 else "What would give room"
    return title, [f"{change(lever)}: {_effect(lever, plan.gpu_count)}" for lever in levers(plan)]


def _effect(lever: Lever, plan_count: int | None) -> str:
    what = f"{lever.gpu_count} instead of {plan_count}" if lever.gpu_count != plan_count else "fits with room"
    return what + (", tight" if lever.verdict == "tight" else "")


def dumped(plan: Plan) -> list[dict[str, Any]]:
    """The levers of a plan as JSON objects, each with its words."""
    return [{"lever": change(lever), **lever.model_dump()} for lever in levers(plan)]


def _why(plan: Plan, level: int) -> Iterator[Block]:
    """Why fewer do not do, and what would make it smaller."""
    nearest = sorted(plan.rejections, key=lambda r: -r.gpu_count)[: NEAREST if level < WHY else None]
    if nearest:
        title = "Why not fewer" if plan.gpu_count else "Why none does"
        yield Pairs(tuple([(str(r.gpu_count), r.reason) for r in nearest]), title)
    title, changes = advice(plan)
    if changes:
        yield Paragraph(tuple(changes), title=title)


def _further(plan: Plan) -> Iterator[Block]:
    """What is told where every reason is asked for."""
    from gpu_sizer.words import breakpoints

    others = [
        (str(a.gpu_count), f"{a.kind}: {a.layout.describe()}, {gib(a.per_gpu.free_bytes)} free each")
        for a in plan.alternatives
    ]
    if others:
        yield Pairs(tuple(others), title="Other counts")
    if plan.fits and not plan.request.load.asks_rate:
        yield Paragraph(tuple(breakpoints.lines(plan.request)), title="Where the count changes")


def plan_told(plan: Plan, level: int = USUAL) -> Told:
    """A plan in words."""
    taken = ways.usual(plan)
    choices = tuple(ways.rows(plan, taken))
    blocks: list[Block] = [Pairs(choices)] if choices else []
    if level > BRIEF:
        blocks += _memory(plan)
    blocks += _speed(plan)
    if level > BRIEF:
        blocks += _why(plan, level)
    if level >= WHY:
        blocks += _further(plan)
    return Told(headline(plan, taken), plan.verdict, (*blocks, *_assumed(plan)))


def fit_headline(fit: Fit) -> str:
    """Whether one layout fits, in a sentence."""
    model, kinds = fit.request.model.name, fit.kinds()
    what = on(fit.request, fit.gpu_count, fit.layout)
    if len(kinds) > 1:
        what = " + ".join(times(n, gpu.short_name) for gpu, n in kinds) + in_layout(fit.layout)
    lower = f" It does with {ways.flags(fit.tuned, fit.request)}." if fit.tuned else ""
    if fit.verdict == "does_not_fit":
        return f"No: {model} does not fit on {what}: {fit.reason}.{lower}"
    assert fit.per_gpu is not None
    if not fit.memory.within_budget:
        short = gib(-fit.per_gpu.free_bytes)
        return f"Tight, and {short} short: {model} on {what} may or may not start: {fit.reason}.{lower}"
    if fit.speed is not None and not fit.fits:
        word = "Close" if fit.speed.verdict == "close" else "No"
        return f"{word}: {model} fits on {what}, but {fit.reason}."
    room = f"{free_text(fit.per_gpu, fit.memory.band_bytes)} free on the fullest GPU"
    if fit.verdict == "tight" and fit.reason:
        return f"Tight: {model} on {what} may or may not start: {fit.reason}."
    if fit.verdict == "tight":
        return f"Tight: {model} on {what} leaves {room}, within the estimate's own error."
    text = f"Yes: {model} fits on {what}, with {room}."
    return f"{text} {_kept(fit.speed, fit.request.load)}" if fit.speed is not None else text


def free_text(memory: RankMemory, band: int) -> str:
    """``10.6 ± 0.70 GiB``."""
    return f"{gib(memory.free_bytes).removesuffix(' GiB')} ± {gib(band)}"


def fit_told(fit: Fit, level: int = USUAL, *further: Block) -> Told:
    """The answer about one layout in words."""
    return Told(fit_headline(fit), fit.verdict, tuple(details(fit.as_plan(), level, *further)))
