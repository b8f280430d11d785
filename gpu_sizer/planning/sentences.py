"""A plan in plain words."""

from __future__ import annotations

from collections.abc import Iterator

from gpu_sizer.load import LOAD
from gpu_sizer.memory.estimate import RankMemory
from gpu_sizer.memory.layout import Layout
from gpu_sizer.planning.plan import Fit, Plan, Tuned
from gpu_sizer.units import gib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gpu_sizer.load import Setting
    from gpu_sizer.planning.by_engine import EngineChoices

BAR_CELLS = 32
_WITHIN_ERROR = "the room left is within the estimate's own error"


def gpu_name(plan: Plan | Fit) -> str:
    """The name of the GPU asked about, without its vendor."""
    return plan.request.gpu.short_name


def times(count: int, name: str) -> str:
    """``3 × RTX A6000``."""
    return f"{count} × {name}"


def in_layout(layout: Layout) -> str:
    """`` (tensor parallel 4)``; nothing for one GPU, which has no other."""
    return f" ({layout.describe()})" if layout.gpu_count > 1 else ""


def headline(plan: Plan) -> str:
    """The answer in one or two sentences."""
    model, gpu = plan.request.model.name, gpu_name(plan)
    if plan.memory is None:
        text = f"{model} does not fit on up to {plan.request.max_gpus} × {gpu}: {plan.reason}."
        if plan.tuned:
            text += f" {_tuned(plan)}"
        return text
    layout, count = plan.memory.layout, plan.gpu_count
    if count is None:  # sizes were told, and no layout that keeps them fits
        return f"{model} does not fit on {times(layout.gpu_count, gpu)}{in_layout(layout)}: {plan.reason}."
    text = f"{model} needs {times(count, gpu)}{in_layout(layout)}"
    if (tensor := _alternative(plan, "tensor parallel only")) is not None:
        text += f", {tensor} if tensor parallelism alone is wanted"
    text += "."
    if plan.verdict == "tight":
        text += f" It is tight: {plan.memory.reason or _WITHIN_ERROR}"
        text += f"; {plan.safe_gpu_count} have room to spare." if plan.safe_gpu_count else "."
    if plan.tuned:
        text += f" {_tuned(plan)}"
    if shorter := _shorter(plan):
        text += f" {shorter}"
    return text


def _flags(tuned: Tuned) -> str:
    """Lower settings as the engine's options."""
    return " ".join(f"--{k.replace('_', '-')} {v}" for k, v in tuned.settings.items())


def _tuned(plan: Plan) -> str:
    assert plan.tuned is not None
    here = f"{plan.gpu_count} at the engine's defaults, " if plan.gpu_count else ""
    return f"{here[:1].upper()}{here[1:]}{plan.tuned.gpu_count} with {_flags(plan.tuned)}."


def _alternative(plan: Plan, kind: str) -> int | None:
    return next((a.gpu_count for a in plan.alternatives if a.kind == kind), None)


def _shorter(plan: Plan) -> str | None:
    """The smallest count at a shorter context, where it differs."""
    shorter = [(c, n) for c, n in plan.context_counts if c < plan.settings.context and n is not None]
    if not shorter or plan.gpu_count is None:
        return None
    least = min(n for _, n in shorter)
    longest = max(c for c, n in shorter if n == least)
    if least >= plan.gpu_count:
        return None
    full = "its full " if plan.settings.context >= plan.request.model.context.native else ""
    return (
        f"That is for {full}{plan.settings.context:,} tokens: {least} {'does' if least == 1 else 'do'} for {longest:,}."
    )


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


def bar(size: int, whole: int, cells: int = BAR_CELLS) -> str:
    """A bar of blocks: the share of ``whole``."""
    filled = 0 if whole <= 0 else max(0, min(cells, round(size / whole * cells)))
    return "█" * filled


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


def why_not_fewer(plan: Plan, most: int = 3) -> list[tuple[int, str]]:
    """The counts next below the answer and why each was rejected, nearest first."""
    return [(r.gpu_count, r.reason) for r in sorted(plan.rejections, key=lambda r: -r.gpu_count)[:most]]


def alternatives(plan: Plan) -> list[str]:
    """The other counts that people ask for."""
    found = [
        f"{a.gpu_count} ({a.kind}): {a.layout.describe()}, {gib(a.per_gpu.free_bytes)} free a GPU"
        + (", tight" if a.verdict == "tight" else "")
        for a in plan.alternatives
    ]
    return [*found, *whole_machines(plan)]


def whole_machines(plan: Plan) -> Iterator[str]:
    """The machines that were asked for, or the cheapest to rent where these have other counts than the bare one."""
    from gpu_sizer.cards.catalogue import LOCAL
    from gpu_sizer.planning.rent import rented
    from gpu_sizer.planning.rent_sentences import named, priced

    rental = rented(plan)
    if rental is None:
        return
    gpus = rental.gpus_each * rental.machines
    if plan.request.machine is not None or gpus != plan.gpu_count or rental.machines > 1:
        layout = rental.memory.layout
        shape = f": {layout.describe()}" if layout.gpu_count > 1 else ""
        price = f", {priced(rental, monthly=False)}" if rental.offer.provider != LOCAL else ""
        yield f"{gpus} (whole machines){shape}, {named(rental)}{price}"


def free_text(memory: RankMemory, band: int) -> str:
    """``10.6 ± 0.70 GiB``."""
    return f"{gib(memory.free_bytes).removesuffix(' GiB')} ± {gib(band)}"


def lines(plan: Plan) -> Iterator[str]:
    """The whole answer, line by line, without colour."""
    yield headline(plan)
    yield from details(plan)


def details(plan: Plan) -> Iterator[str]:
    """What stands behind the answer's sentence, line by line."""
    if plan.memory is not None and plan.per_gpu is not None:
        m = plan.per_gpu
        yield ""
        which = "The fullest GPU" if plan.memory.layout.pipeline_parallel_size > 1 else "Each GPU"
        yield f"{which}: {capacity_line(m)}"
        for name, size in rows(m):
            yield f"  {name:<12}{gib(size):>10}  {bar(size, m.budget_bytes)}".rstrip()
        name, size = free_row(m)
        yield f"  {name:<12}{gib(size):>10}  ± {gib(plan.band_bytes)}"
        if len(plan.memory.layer_split) > 1:
            yield f"Layers on each GPU: {', '.join(map(str, plan.memory.layer_split))}"
        if (text := capacity_sentence(plan)) is not None:
            yield text
    if plan.speed is not None:
        from gpu_sizer.planning.speed_sentences import speed_lines

        yield ""
        yield f"Speed, which {plan.speed.verdict} what is asked for"
        yield from speed_lines(plan.speed, plan.request.users)
    if fewer := why_not_fewer(plan):
        yield ""
        yield "Why not fewer"
        for count, reason in fewer:
            yield f"  {count}: {reason}"
    if others := alternatives(plan):
        yield ""
        yield "Also"
        for text in others:
            yield f"  {text}"
    if plan.context_counts:
        yield by_context(plan)
    yield ""
    yield f"Assumed: {assumptions(plan)}"
    for warning in plan.warnings:
        yield f"Note: {warning}"


def by_engine_lines(found: EngineChoices) -> Iterator[str]:
    """One line an engine, behind a line that names them all: ``vLLM 3, SGLang 3, transformers 3``."""
    r = found.request
    counts = [f"{c.title} {c.gpu_count if c.gpu_count is not None else 'none'}" for c in found.choices]
    yield f"{r.model.name} on {r.gpu.short_name}, {r.context:,} tokens: {', '.join(counts)}"
    yield ""
    for c in found.choices:
        if c.plan is None or c.plan.memory is None or c.plan.per_gpu is None:
            yield f"{c.title:<14}  -  {c.reason}"
            continue
        free = f"{gib(c.plan.per_gpu.free_bytes)} free a GPU" + (", tight" if c.plan.verdict == "tight" else "")
        yield f"{c.title:<14}{c.gpu_count:>3}  {c.plan.memory.layout.describe()}, {free}"


def by_context(plan: Plan) -> str:
    """The counts at other lengths: ``GPUs by context: 1 for 8,192 tokens, 2 for 131,072``."""
    first, *rest = [
        f"{n if n is not None else f'more than {plan.request.max_gpus}'} for {c:,}" for c, n in plan.context_counts
    ]
    return f"GPUs by context: {', '.join([first + ' tokens', *rest])}"


def explain(plan: Plan) -> str:
    """The whole answer as text."""
    return "\n".join(lines(plan))


def fit_headline(fit: Fit) -> str:
    """Whether one layout fits, in a sentence."""
    model, gpus = fit.request.model.name, " + ".join(times(n, gpu.short_name) for gpu, n in fit.kinds())
    what = f"{gpus}{in_layout(fit.layout)}"
    lower = f" It does with {_flags(fit.tuned)}." if fit.tuned else ""
    if fit.verdict == "does_not_fit":
        return f"No: {model} does not fit on {what}: {fit.reason}.{lower}"
    assert fit.per_gpu is not None
    if not fit.fits:
        short = gib(-fit.per_gpu.free_bytes)
        return f"Tight, and {short} short: {model} on {what} may or may not start: {fit.reason}.{lower}"
    room = f"{free_text(fit.per_gpu, fit.memory.band_bytes)} free on the fullest GPU"
    if fit.verdict == "tight" and fit.reason:
        return f"Tight: {model} on {what} may or may not start: {fit.reason}."
    if fit.verdict == "tight":
        return f"Tight: {model} on {what} leaves {room}, within the estimate's own error."
    return f"Yes: {model} fits on {what}, with {room}."


def fit_lines(fit: Fit) -> Iterator[str]:
    """The whole answer about one layout, line by line."""
    yield fit_headline(fit)
    if fit.per_gpu is not None:
        yield from details(fit.as_plan())
    else:
        yield ""
        yield f"Assumed: {assumptions(fit.as_plan())}"
