"""The counts that a person chooses from: the fewest, what most would take, and what one fewer lacks."""

from __future__ import annotations

from gpu_sizer.cards.catalogue import LOCAL, catalogue
from gpu_sizer.engines.registry import advised, engine_commands
from gpu_sizer.load import ENGINE, LIMITS, LOAD
from gpu_sizer.memory.layout import LAYOUT
from gpu_sizer.planning.rental import rented
from gpu_sizer.records import dataclass
from gpu_sizer.units import amount, gib
from gpu_sizer.words.rental import named, priced

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from gpu_sizer.load import Setting
    from gpu_sizer.memory.estimate import RankMemory, Verdict
    from gpu_sizer.memory.layout import Layout
    from gpu_sizer.planning.plan import Plan, Tuned
    from gpu_sizer.planning.rental import Rental
    from gpu_sizer.planning.request import Request

#: From here on lengths are told in thousands, as models are advertised: 131,072 tokens are 131k.
_BINARY = 100 * 1024
USUAL_CHOICE = "the usual choice"


@dataclass(frozen=True, slots=True)
class Way:
    """One count with its layout: what speaks for it, and where such a machine stands."""

    what: str
    layout: Layout
    verdict: Verdict
    per_gpu: RankMemory | None
    rental: Rental | None = None

    @property
    def gpu_count(self) -> int:
        """Its GPUs."""
        return self.layout.gpu_count

    def say(self) -> str:
        """``the fewest: pipeline of 3 (layers in turn), 10.6 GiB free each``."""
        shape = f"{self.layout.describe()}{plainly(self.layout)}" if self.gpu_count > 1 else ""
        each = " each" if self.gpu_count > 1 else ""
        free = f"{gib(self.per_gpu.free_bytes)} free{each}" if self.per_gpu is not None else ""
        tight = "tight" if self.verdict == "tight" else ""
        told = f"{self.what}: {', '.join(filter(None, (shape, free, tight)))}"
        if self.rental is None:
            return told
        # What stands here already costs nothing by the hour.
        price = f", {priced(self.rental, monthly=False)}" if self.rental.offer.provider != LOCAL else ""
        return f"{told}; {named(self.rental)}{price}"


def plainly(layout: Layout) -> str:
    """What a layout means, in brackets; nothing where there is nothing to explain."""
    tensor, pipeline = layout.tensor_parallel_size, layout.pipeline_parallel_size
    if tensor > 1 and pipeline > 1:
        return f" (groups of {tensor} share each layer, the groups in turn)"
    if pipeline > 1:
        return " (some of the layers each, in turn: slower)"
    if tensor > 1:
        return " (all share every layer)"
    return " (whole copies)" if layout.data_parallel_size > 1 else ""


def usual(plan: Plan) -> Way | None:
    """What most people would take instead of the fewest: whole machines, or tensor parallelism alone."""
    if plan.sizes_told:
        return None
    count, rental = plan.gpu_count, rented(plan)
    if count is None or plan.request.load.asks_rate:  # machines are chosen by memory: another layout may be too slow
        return None
    if rental is not None:
        m = rental.memory
        whole = rental.gpus_each * rental.machines
        if whole == count and rental.machines == 1:
            return None
        what = "whole machines" if rental.machines > 1 else "a whole machine"
        if plan.request.machine is not None:
            what = what.replace("a whole", "the whole")
        elif count > 1:
            what = f"{USUAL_CHOICE}, {what}"
        used = "" if m.layout.gpu_count == whole else f" (of its {whole})"
        return Way(f"{what}{used}", m.layout, m.verdict, m.per_gpu, rental)
    for kind in ("tensor parallel only", "usual machine"):
        for a in plan.alternatives:
            if a.kind == kind:
                return Way(USUAL_CHOICE, a.layout, a.verdict, a.per_gpu)
    return None


def ways(plan: Plan, taken: Way | None) -> Iterator[Way]:
    """The counts worth choosing from, the fewest first.

    Args:
        plan: one that fits.
        taken: from :func:`usual`.
    """
    assert plan.memory is not None
    m, rental = plan.memory, rented(plan) if taken is None else None
    if rental is not None and rental.gpus_each * rental.machines != m.layout.gpu_count:
        rental = None
    surely = " that are surely fast enough" if plan.about_fast_enough is not None else ""
    yield Way(f"the fewest{surely}", m.layout, m.verdict, m.per_gpu, rental)
    yield from probable(plan)
    if (tuned := plan.tuned) is not None:
        yield Way(f"with {flags(tuned, plan.request)}", tuned.layout, tuned.verdict, tuned.per_gpu)
    for a in plan.alternatives:
        if a.kind == "with room to spare" and (taken is None or a.layout != taken.layout):
            yield Way(a.kind, a.layout, a.verdict, a.per_gpu)
    if taken is not None:
        yield taken


def probable(plan: Plan) -> Iterator[Way]:
    """The fewest GPUs that are probably fast enough, where fewer are than surely."""
    if (a := plan.about_fast_enough) is not None and a.speed is not None:
        from gpu_sizer.words.speed import expected

        what = f"{expected(a.speed, plan.request.load)}, probably enough, not surely"
        yield Way(what, a.layout, a.verdict, a.per_gpu)


def rows(plan: Plan, taken: Way | None) -> Iterator[tuple[str, str]]:
    """What a person decides by: the counts, one fewer, other lengths, and the command that starts it."""
    for way in ways(plan, taken) if plan.gpu_count is not None else probable(plan):
        yield amount(way.gpu_count, "GPU"), way.say()
    if plan.gpu_count is None and plan.tuned is not None:
        t = plan.tuned
        yield amount(t.gpu_count, "GPU"), Way(f"with {flags(t, plan.request)}", t.layout, t.verdict, t.per_gpu).say()
    likely = plan.about_fast_enough
    if plan.gpu_count is not None and plan.rejections and (likely is None or likely.gpu_count < plan.gpu_count - 1):
        fewer = plan.rejections[-1]
        short, layout = fewer.missing_bytes, fewer.layout
        if short is not None and layout is not None:
            shape = f" ({layout.describe()})" if fewer.gpu_count > 1 else ""
            lower = plan.tuned is not None and plan.tuned.gpu_count == fewer.gpu_count
            no = "no at the engine's defaults" if lower else "no"
            yield (
                amount(fewer.gpu_count, "GPU"),
                f"{no}: {gib(short)} short{' each' if fewer.gpu_count > 1 else ''}{shape}",
            )
        else:
            yield amount(fewer.gpu_count, "GPU"), f"no: {fewer.reason}"
    if plan.context_counts:
        yield "by context", by_context(plan)
    if plan.fits and (started := command(plan)) is not None:
        yield "start it", started


def flags(tuned: Tuned, request: Request) -> str:
    """Lower settings as the engine's options."""
    return advised(request.engine, tuned.settings, request.users)


def by_context(plan: Plan) -> str:
    """The counts at other lengths: ``8k: 12 · 32k: 12 · 131k: 13``."""
    most = f"over {plan.request.max_gpus}"
    return " · ".join(f"{length(c)}: {n if n is not None else most}" for c, n in plan.context_counts)


def length(tokens: int) -> str:
    """A number of tokens in two or three figures: ``8k``, ``131k``, ``1M``."""
    if tokens < _BINARY and tokens % 1024 == 0:
        return f"{tokens // 1024}k"
    if tokens >= 1_000_000:
        return f"{tokens / 1e6:.3g}M"
    return f"{tokens / 1000:.0f}k" if tokens >= 10_000 else f"{tokens:,}"


def command(plan: Plan) -> str | None:
    """The command line that starts what was planned; null for cards and engines that have none."""
    request = plan.request
    engine = request.get_engine().name
    form = next((form for form, name in engine_commands().items() if name == engine), None)
    shelf, model, gpu = catalogue(), request.model.id, request.gpu.id
    # By the names alone, which are at hand: to list the files every one of them is looked at.
    if form is None or shelf.models.lookup(model) != model or shelf.gpus.lookup(gpu) != gpu:
        return None
    where = f"--gpu {request.gpu.id}" if request.machine is None else f"--machine {request.machine.key}"
    # A release is another checkpoint than the one that bears the card's id; of one whose name alone is known it has to
    # be told where it is.
    released, own = request.model.hub_id, shelf.models.get(model).hub_id
    name = model if released == own else released or request.model.name
    elsewhere = () if released or not own else ("--weights REPOSITORY",)
    layout = _sizes(plan.memory.layout) if plan.sizes_told and plan.memory is not None else ()
    words = ["gpu-sizer deploy", name, where, *layout, *_told(request), *elsewhere, f"--as {form}"]
    return " ".join(words)


def _sizes(layout: Layout) -> Iterator[str]:
    """The sizes of a layout, as options."""
    for s in LAYOUT:
        if (value := getattr(layout, s.name)) != s.default:
            yield _option(s, value)


def _told(request: Request) -> Iterator[str]:
    """What of a request is not its default, as options."""
    if request.engine != ENGINE.default:
        yield f"{ENGINE.flag} {request.engine}"
    for part, settings in ((request.load, LOAD), (request.limits, LIMITS)):
        for s in settings:
            value = getattr(part, s.name)
            own = request.model.context.native if s.name == "context" else s.default
            machine = s.name == "gpus_per_node" and request.machine is not None
            if value != own and value is not None and not machine:
                yield _option(s, value)


def _option(s: Setting, value: object) -> str:
    on, _, off = s.flag.partition("/")
    if isinstance(value, bool):
        return on if value else off
    return f"{on} {value:g}" if isinstance(value, float) else f"{on} {value}"
