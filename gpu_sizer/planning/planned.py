"""What a search found, told: a plan of the fewest GPUs or one layout's answer, what else there is, why not fewer."""

from __future__ import annotations

from gpu_sizer.memory.estimate import LayoutMemory, refused
from gpu_sizer.memory.layout import Layout
from gpu_sizer.planning.plan import ABOUT_FAST_ENOUGH, Alternative, Fit, Plan, Tuned
from gpu_sizer.planning.request import Request
from gpu_sizer.planning.search import ALONE, Search
from gpu_sizer.records import replace, unfinished
from gpu_sizer.units import gib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from gpu_sizer.load import Settings


#: Contexts whose counts a plan lists where they differ.
USUAL_CONTEXTS = (8192, 32768, 131072)
#: Sequences at once that a tuned plan may ask for, largest first.
TUNED_SEQUENCES = (512, 256, 128, 64, 32, 16)
#: Smaller batch that a tuned plan may ask for.
TUNED_TOKENS = 2048


def _in_machines(memory: LayoutMemory | None) -> Iterator[str]:
    """What the machines have to hold beside their GPUs."""
    if memory is not None and memory.host_bytes:
        yield (
            f"the machines hold {gib(memory.host_bytes)} in their own memory, in all, of what was asked to stay off the"
            " GPUs; each token crosses the bus for it"
        )


def _warnings(search: Search, settings: Settings) -> tuple[str, ...]:
    request, engine = search.request, search.engine
    gpu, card = request.gpu, request.model
    warnings = [*request.not_taken(settings), *search.known.notes, *engine.gpu_notes(gpu)]
    if gpu.supports_bfloat16 is False and (request.what_if or card.weights.dtype) == "bfloat16":
        warnings.append(f"{gpu.name} has no bfloat16: run with --dtype float16 (the same size)")
    if not card.verified:
        warnings.append(f"the architecture of {card.name} was inferred and is not verified")
    if card.context.extended and request.context > card.context.native:
        warnings.append(f"{request.context:,} tokens need {card.context.method} (native: {card.context.native:,})")
    if card.architecture.towers and not engine.counts_towers(card):
        warnings.append(
            "the peak of the vision or audio encoder is not in the estimate: limit images with large batches"
        )
    if gpu.memory.visible_basis == "estimated":
        warnings.append(f"the memory that a program sees on {gpu.name} is estimated, not measured")
    if request.machine is not None and (trap := request.machine.machine.trap) is not None:
        warnings.append(f"{request.machine.machine.name}: {trap}")
    return (*warnings, *card.notes)


def fit(request: Request, layout: Layout, *, gpus: int | None = None) -> Fit:
    """Whether one layout fits, and where it does not, under which lower settings it does.

    Args:
        request: model, GPU and load.
        layout: as the engine is told.
        gpus: how many there are, where that was told: a layout over more does not start.

    Raises:
        RequestError: settings that contradict the load.
    """
    search = Search(request)
    if gpus is not None and layout.gpu_count > gpus:
        there = "1 is" if gpus == 1 else f"{gpus} are"
        return fit_of(search, refused(layout, f"that takes {layout.gpu_count} GPUs, and {there} there"))
    memory = search.evaluate(layout)
    made = fit_of(search, memory)
    if made.fits or memory.refused:
        return made
    return replace(made, tuned=_tuned_layout(search, layout))


def fit_of(search: Search, memory: LayoutMemory) -> Fit:
    """The answer about one layout whose memory is known.

    Raises:
        RequestError: settings that contradict the load.
    """
    request = search.request
    settings = search.fitting.settings(memory.layout)
    known = search.known
    return Fit(
        request,
        settings,
        memory,
        known.total_parameters,
        known.active_parameters,
        known.active_without_embedding,
        known.checkpoint_parameters,
        known.weights_format,
        (*_in_machines(memory), *_warnings(search, settings)),
        speed=search.rates.speed(memory.layout) if request.load.asks_rate and memory.within_budget else None,
    )


def _lower_settings(search: Search, layout: Layout) -> list[dict[str, Any]]:
    """Settings below a layout's defaults that still carry the load, the highest first."""
    request, lowerable, now = search.request, search.engine.lowerable, search.fitting.settings(layout)
    options: list[dict[str, Any]] = []
    if "max_num_seqs" in lowerable and request.load.max_num_seqs is None:
        options = [{"max_num_seqs": n} for n in TUNED_SEQUENCES if request.users <= n < now.max_num_seqs]
    fewer_tokens = request.load.max_num_batched_tokens is None and now.max_num_batched_tokens > TUNED_TOKENS
    if "max_num_batched_tokens" in lowerable and fewer_tokens and (options or "max_num_seqs" not in lowerable):
        options.append({**(options[-1] if options else {}), "max_num_batched_tokens": TUNED_TOKENS})
    return options


def _tuned_layout(search: Search, layout: Layout) -> Tuned | None:
    """The highest settings below the defaults under which a layout fits, or null."""
    for settings in _lower_settings(search, layout):
        memory = Search(search.request.under(**settings)).evaluate(layout)
        if memory.verdict == "fits" and memory.per_gpu is not None:
            return Tuned(layout.gpu_count, layout, settings, memory.verdict, memory.per_gpu)
    return None


def _tuned(search: Search, stop: int) -> Tuned | None:
    """Fewer than ``stop`` + 1 GPUs under lower settings, or null."""
    request = search.request
    if stop < 1 or not (options := _lower_settings(search, Layout())):
        return None

    def smallest(settings: dict[str, Any], start: int, last: int) -> LayoutMemory | None:
        trial = Search(request.under(**settings), above=search)
        return trial.smallest(max(start, trial.start()), last, safe=True)

    least = smallest(options[-1], 1, stop)
    if least is None:
        return None
    count = least.layout.gpu_count
    for settings in options:
        best = smallest(settings, count, count)
        if best is not None and best.per_gpu is not None:
            return Tuned(count, best.layout, settings, best.verdict, best.per_gpu)
    return None


def _about_fast_enough(search: Search, chosen: LayoutMemory | None) -> Iterator[Alternative]:
    """The fewest GPUs whose estimate reaches the rates, where fewer do than surely reach them."""
    trial = Search(search.request, likely=True)
    stop = chosen.layout.gpu_count - 1 if chosen is not None else search.request.max_gpus
    m = trial.smallest(trial.start(), stop)
    if m is not None and m.per_gpu is not None:
        speed = trial.rates.speed(m.layout)
        yield Alternative(ABOUT_FAST_ENOUGH, m.layout.gpu_count, m.layout, m.per_gpu, m.verdict, speed)


def _alternatives(search: Search, chosen: LayoutMemory | None, safe: LayoutMemory | None) -> Iterator[Alternative]:
    if search.request.load.asks_rate:
        yield from _about_fast_enough(search, chosen)
    if chosen is None:
        return
    count, most = chosen.layout.gpu_count, search.request.max_gpus

    shown = {chosen.layout}

    def made(kind: str, m: LayoutMemory | None) -> Iterator[Alternative]:
        if m is not None and m.per_gpu is not None and m.layout not in shown:
            shown.add(m.layout)
            yield Alternative(kind, m.layout.gpu_count, m.layout, m.per_gpu, m.verdict)

    if safe is not None and safe.layout.gpu_count != count:
        yield from made("with room to spare", safe)
    if chosen.layout.pipeline_parallel_size > 1 and search.request.layouts == "any":
        yield from made("tensor parallel only", search.smallest(count, most, "tensor"))
    counts = search.node_counts()
    if count not in counts:
        for n in counts:
            if count < n <= most and (best := search.best(n)) is not None:
                yield from made("usual machine", best)
                break


def _context_counts(request: Request, chosen: int | None) -> tuple[tuple[int, int | None], ...]:
    """Counts at the usual lengths up to the model's own; empty where all are equal."""
    native = max(request.context, request.model.context.native)
    lengths = [*(c for c in USUAL_CONTEXTS if c < native), native]
    counts: list[tuple[int, int | None]] = []
    for length in lengths:
        if length == request.context:
            counts.append((length, chosen))
            continue
        best = Search(request.under(context=length)).fewest()
        counts.append((length, best.layout.gpu_count if best else None))
    if not any(length == request.context for length in lengths):
        counts = sorted([*counts, (request.context, chosen)])
    return tuple(counts) if len({n for _, n in counts}) > 1 else ()


def _why_none(search: Search, floor: int) -> str:
    """Why no count up to the most allowed does."""
    most = search.request.max_gpus
    if floor <= most:
        # Engines of one machine, or of few heads, have no layout at all of large counts.
        for count in range(most, 0, -1):
            if (nearest := search.rejection(count)).layout is not None:
                beyond = "" if count == most else f", and no larger count has a layout that {search.engine.title} takes"
                return f"{count} GPUs do not do: {nearest.reason}{beyond}"
    needed = gib(search.fitting.whole_weights() + search.fitting.whole_cache())
    if not search.request.gpu.is_whole:
        return f"{needed} of weights and cache are more than it has, and {ALONE}"
    return f"{needed} of weights and cache need at least {floor} GPUs; the most allowed is {most}"


def plan(request: Request, *, details: bool = True, why: bool = True) -> Plan:
    """The fewest GPUs that serve a request.

    Args:
        request: what is asked.
        details: also alternatives, rejections, tuned settings and counts at other lengths.
        why: where no count does, also the reason.

    Raises:
        RequestError: settings that contradict the load.
    """
    search = Search(request)
    return planned(search, search.fewest(), details=details, why=why)


def planned(search: Search, chosen: LayoutMemory | None, *, details: bool, why: bool = True) -> Plan:
    """The plan of a layout that a search found to be that of the fewest GPUs; null where none does.

    Reasons and details are looked for when they are read: they ask more of a search than its answer does.

    Raises:
        RequestError: settings that contradict the load.
    """
    request, floor = search.request, search.floor()
    safe = chosen
    if chosen is not None and chosen.verdict == "tight":
        safe = search.fewest_safe(chosen.layout.gpu_count)
    count = chosen.layout.gpu_count if chosen else None
    last = (count or request.max_gpus + 1) - 1
    settings = search.fitting.settings(chosen.layout if chosen else Layout())
    later: dict[str, Callable[[], Any]] = {"warnings": lambda: (*_in_machines(chosen), *_warnings(search, settings))}
    if chosen is None and why:
        later["reason"] = lambda: _why_none(search, floor)
    if details:
        later["rejections"] = lambda: tuple([search.rejection(n) for n in range(max(1, last - 7), last + 1)])
        later["tuned"] = lambda: _tuned(search, last)
        later["alternatives"] = lambda: tuple(_alternatives(search, chosen, safe))
        if not request.load.asks_rate:
            later["context_counts"] = lambda: _context_counts(request, count)
    values = {
        "request": request,
        "settings": settings,
        "verdict": chosen.verdict if chosen else "does_not_fit",
        "reason": None,
        "memory": chosen,
        "safe_gpu_count": safe.layout.gpu_count if safe else None,
        "memory_floor": min(floor, count) if count else floor,
        "total_parameters": search.known.total_parameters,
        "active_parameters": search.known.active_parameters,
        "active_without_embedding": search.known.active_without_embedding,
        "checkpoint_parameters": search.known.checkpoint_parameters,
        "weights_format": search.known.weights_format,
        "speed": search.rates.speed(chosen.layout) if chosen and request.load.asks_rate else None,
    }
    made: Plan = unfinished(Plan, values, later)
    if search.fails_later:
        # What is refused is refused by the call.
        for name in later:
            getattr(made, name)
    return made
