"""The columns that a table may have, and what stands in their cells."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING

from gpu_sizer.cards.gpu_spec import GpuSpec
from gpu_sizer.cards.model_card import ModelCard
from gpu_sizer.errors import RequestError
from gpu_sizer.model.inventory import build_inventory
from gpu_sizer.planning.plan import Plan
from gpu_sizer.planning.rental import Rental
from gpu_sizer.records import dataclass
from gpu_sizer.reports.listings import ModelEntry
from gpu_sizer.reports.tables.counting import Counts
from gpu_sizer.reports.tables.engine_columns import AT, under_engine
from gpu_sizer.reports.tables.grid import Cell, Column
from gpu_sizer.timing.answer import significant
from gpu_sizer.units import GB, GIB, rounded
from gpu_sizer.words.rental import further_doubt, named

if TYPE_CHECKING:
    from gpu_sizer.planning.cost import Cost
    from gpu_sizer.planning.how_fast import HowFast

NOTHING = "–"
EMPTY = Cell("", None)
#: How formats of weights begin, and how they are written.
_FORMAT_NAMES = {"float8": "FP8", "mxfp8": "MXFP8", "mxfp4": "MXFP4", "nvfp4": "NVFP4", "int4": "INT4"}

#: Where a terminal has no room, these go first, in this order; then counts from the last GPU on, never the name.
_FIRST_TO_GO = (
    *(
        "hub",
        "license",
        "organization",
        "watts",
        "month",
        "machines",
        "layout",
        "free",
        "active",
        "checkpoint",
        "arena",
        "kv",
    ),
    *("released", "weights", "context", "dtype", "parameters", "price", "safe", "tensor"),
)


@dataclass(frozen=True, slots=True)
class Facts:
    """What cells are made from. ``arena`` holds ratings in points by model id; null where none were asked for."""

    counts: Counts
    arena: Mapping[str, float] | None = None


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of column. A kind of ``per_gpu`` gives one column for each GPU, ``{gpu}`` in its title."""

    key: str
    title: str
    help: str
    make: Callable[[Facts, ModelCard, GpuSpec], Cell]
    right: bool = True
    scale: float = 1.0
    number: str = "General"
    per_gpu: bool = False


def short_name(gpu: GpuSpec) -> str:
    """A GPU's name without its vendor and that vendor's word for the whole line."""
    return gpu.short_name.removeprefix("GeForce ").removeprefix("Instinct ")


def plural(gpu: GpuSpec) -> str:
    """Several of a GPU: ``RTX A6000s``, ``H100 SXM5 80 GB GPUs``."""
    name = short_name(gpu)
    return f"{name} GPUs" if name.endswith("GB") else f"{name}s"


def format_name(fmt: str) -> str:
    """A format of weights as people write it."""
    for start, name in _FORMAT_NAMES.items():
        if fmt.startswith(start):
            return name
    return fmt


def tight_note(safe: int | None) -> str:
    """What the mark of a tight count says."""
    known = f"{safe} fit for certain" if safe else "no count searched fits for certain"
    return f"Tight: the room left is within the estimate’s own error; {known}."


def beyond_note(most: int) -> str:
    """What the mark of a model that does not fit says."""
    return f"Does not fit on up to {most} GPUs of the kind."


def released_as(plan: Plan) -> str | None:
    """What the mark of weights released in another format than they compute in says."""
    main = plan.request.model.weights.dtype
    if not plan.request.as_released or plan.weights_format == main:
        return None
    if main == "float32":
        return f"Released in float32; the engine loads it in {plan.weights_format}, and so it is counted."
    return f"{format_name(plan.weights_format)} as released ({main} for the rest), and counted so."


def _text(text: str | None) -> Cell:
    return Cell(text, text) if text else EMPTY


def _name(facts: Facts, card: ModelCard, gpu: GpuSpec) -> Cell:
    marks = () if card.verified else ("The architecture was inferred from its configuration and is not verified.",)
    return Cell(card.name, card.name, marks)


def _released(facts: Facts, card: ModelCard, gpu: GpuSpec) -> Cell:
    return _text(card.released.isoformat() if card.released else None)


def _billions(count: int) -> Cell:
    value = count / 1e9
    return Cell(f"{value:,.1f}" if value >= 10 else f"{value:.2f}", count)


def _active(facts: Facts, card: ModelCard, gpu: GpuSpec) -> Cell:
    return _billions(ModelEntry(card).active)


def _dtype(facts: Facts, card: ModelCard, gpu: GpuSpec) -> Cell:
    plan = facts.counts.plan(card, facts.counts.reference)
    if isinstance(plan, str):
        # What the engine would load is not told; what was released is known all the same.
        own = build_inventory(card).main_format
        return Cell(format_name(own), own)
    mark = released_as(plan)
    return Cell(format_name(plan.weights_format), plan.weights_format, (mark,) if mark else ())


def _size(size: int, unit: float) -> Cell:
    value = size / unit
    return Cell(f"{value:,.1f}" if value >= 10 else f"{value:.2f}", size)


def _weights(facts: Facts, card: ModelCard, gpu: GpuSpec) -> Cell:
    whole = facts.counts.whole(card, loaded=False)
    return Cell(NOTHING, None, (whole,)) if isinstance(whole, str) else _size(whole.weights_bytes, GB)


def _cache(facts: Facts, card: ModelCard, gpu: GpuSpec) -> Cell:
    whole = facts.counts.whole(card, loaded=True)
    return Cell(NOTHING, None, (whole,)) if isinstance(whole, str) else _size(whole.kv_cache_bytes, GIB)


def _arena(facts: Facts, card: ModelCard, gpu: GpuSpec) -> Cell:
    rating = (facts.arena or {}).get(card.id)
    return Cell(f"{rating:,.0f}", round(rating, 1)) if rating is not None else EMPTY


def count_cell(plan: Plan | str) -> Cell:
    """The count of a plan, marked where it needs saying."""
    if isinstance(plan, str):
        return Cell(NOTHING, None, (plan,))
    count = plan.gpu_count
    if count is None:
        most = plan.request.max_gpus
        return Cell(f"> {most}", None, (beyond_note(most),))
    return Cell(f"{count:,}", count, (tight_note(plan.safe_gpu_count),) if plan.verdict == "tight" else ())


def _gpus(facts: Facts, card: ModelCard, gpu: GpuSpec) -> Cell:
    return count_cell(facts.counts.plan(card, gpu))


def _tensor(facts: Facts, card: ModelCard, gpu: GpuSpec) -> Cell:
    return count_cell(facts.counts.plan(card, gpu, "tensor"))


def _plan_cell(facts: Facts, card: ModelCard, gpu: GpuSpec, cell: Callable[[Plan], Cell]) -> Cell:
    """A cell about a plan that fits; a dash where none does."""
    plan = facts.counts.plan(card, gpu)
    return cell(plan) if not isinstance(plan, str) and plan.fits else Cell(NOTHING, None)


def _safe(facts: Facts, card: ModelCard, gpu: GpuSpec) -> Cell:
    def cell(plan: Plan) -> Cell:
        safe = plan.safe_gpu_count
        return Cell(f"{safe:,}", safe) if safe else Cell(NOTHING, None)

    return _plan_cell(facts, card, gpu, cell)


def _layout(facts: Facts, card: ModelCard, gpu: GpuSpec) -> Cell:
    return _plan_cell(facts, card, gpu, lambda p: _text(p.layout.describe() if p.layout else None))


def _free(facts: Facts, card: ModelCard, gpu: GpuSpec) -> Cell:
    return _plan_cell(facts, card, gpu, lambda p: _size(p.per_gpu.free_bytes, GIB) if p.per_gpu else EMPTY)


def _rented(facts: Facts, card: ModelCard, gpu: GpuSpec, cell: Callable[[Rental], Cell]) -> Cell:
    """A cell about the cheapest whole machines with these GPUs, whose price can be compared."""

    def made(plan: Plan) -> Cell:
        rental = facts.counts.rental(plan)
        if rental is None or rental.price_hour_usd is None:
            return Cell(NOTHING, None, (f"No price of a machine with the {short_name(gpu)} is known.",))
        return cell(rental)

    return _plan_cell(facts, card, gpu, made)


def _dollars(value: float | None, rental: Rental) -> Cell:
    return Cell(f"{value:,.2f}", value, (machine_note(rental),)) if value is not None else EMPTY


def machine_note(rental: Rental) -> str:
    """Where a price comes from, and what does not suit: ``gpu_4x_a6000 of Lambda, price of 2026-10-06.``"""
    price = rental.price
    day = f"price of {price.date.isoformat()}" if price is not None and price.date else "undated"
    where = f" in {price.region}" if price is not None and price.region else ""
    how = f", {rental.unsuited}" if rental.unsuited is not None else ""
    return f"{named(rental)}{how}, {day}{where}{further_doubt(rental)}."


def _price(facts: Facts, card: ModelCard, gpu: GpuSpec) -> Cell:
    return _rented(facts, card, gpu, lambda r: _dollars(r.price_hour_usd, r))


def _month(facts: Facts, card: ModelCard, gpu: GpuSpec) -> Cell:
    return _rented(facts, card, gpu, lambda r: _dollars(r.price_month_usd, r))


def _machines(facts: Facts, card: ModelCard, gpu: GpuSpec) -> Cell:
    return _rented(facts, card, gpu, lambda r: _text(named(r)))


def _watts(facts: Facts, card: ModelCard, gpu: GpuSpec) -> Cell:
    def cell(plan: Plan) -> Cell:
        if gpu.tdp_w is None:
            return Cell(NOTHING, None, (f"What the {short_name(gpu)} draws is not known.",))
        watts = gpu.tdp_w * (plan.gpu_count or 0)
        return Cell(f"{watts:,}", watts)

    return _plan_cell(facts, card, gpu, cell)


def _speed_cell(facts: Facts, card: ModelCard, gpu: GpuSpec, cell: Callable[[HowFast], Cell | None]) -> Cell:
    """A cell about the speed of a plan; a dash, with the reason, where nothing is known of it."""
    pace = facts.counts.speed(card, gpu)
    if isinstance(pace, str):
        return Cell(NOTHING, None, (pace,))
    return cell(pace) or Cell(NOTHING, None)


def _tokens(facts: Facts, card: ModelCard, gpu: GpuSpec) -> Cell:
    def cell(fast: HowFast) -> Cell | None:
        user = fast.speed.tokens_per_second_per_user if fast.speed else None
        if user is None:
            return None
        return Cell(f"{rounded(user.about)} ({rounded(user.low)} to {rounded(user.high)})", significant(user.about))

    return _speed_cell(facts, card, gpu, cell)


def _token_dollars(of: Callable[[Cost], float]) -> Callable[[Facts, ModelCard, GpuSpec], Cell]:
    """The cells of one of the prices of a million tokens."""

    def cells(facts: Facts, card: ModelCard, gpu: GpuSpec) -> Cell:
        def cell(fast: HowFast) -> Cell | None:
            if (cost := fast.cost) is None:
                return Cell(NOTHING, None, (f"No price of the {short_name(gpu)} is known.",)) if fast.fits else None
            return Cell(f"{of(cost):,.2f}", significant(of(cost)))

        return _speed_cell(facts, card, gpu, cell)

    return cells


def _per_watt_hour(facts: Facts, card: ModelCard, gpu: GpuSpec) -> Cell:
    def cell(fast: HowFast) -> Cell | None:
        tokens = fast.tokens_per_watt_hour
        return None if tokens is None else Cell(rounded(tokens), tokens)

    return _speed_cell(facts, card, gpu, cell)


KINDS: dict[str, Kind] = {
    kind.key: kind
    for kind in (
        Kind("name", "Model", "its name", _name, right=False),
        Kind("id", "Id", "its id in the catalogue", lambda f, c, g: _text(c.id), right=False),
        Kind("organization", "Organization", "who released it", lambda f, c, g: _text(c.organization), right=False),
        Kind("released", "Released", "the day its open weights were announced", _released, right=False),
        Kind("license", "License", "of the weights", lambda f, c, g: _text(c.license), right=False),
        Kind(
            "parameters",
            "Parameters (B)",
            "as its class counts them, in billions; `checkpoint` has all",
            lambda f, c, g: _billions(ModelEntry(c).total),
            scale=1e9,
            number="#,##0.0",
        ),
        Kind(
            "checkpoint",
            "Checkpoint (B)",
            "all that its checkpoint holds, in billions: every tower, and layers that predict ahead",
            lambda f, c, g: _billions(build_inventory(c).checkpoint_parameters),
            scale=1e9,
            number="#,##0.0",
        ),
        Kind("active", "Active (B)", "parameters used for a token", _active, scale=1e9, number="#,##0.0"),
        Kind(
            "context",
            "Context",
            "its full length in tokens",
            lambda f, c, g: Cell(f"{c.context.native:,}", c.context.native),
            number="#,##0",
        ),
        Kind("dtype", "Weights type", "the data type of most weights, as released", _dtype, right=False),
        Kind("weights", "Weights (GB)", "size of the weights", _weights, scale=GB, number="#,##0.0"),
        Kind("kv", "Cache per user (GiB)", "KV cache of one request", _cache, scale=GIB, number="#,##0.00"),
        Kind("gpus", "{gpu}", "the fewest GPUs on which the engine starts", _gpus, per_gpu=True),
        Kind("safe", "{gpu} for certain", "the fewest with room beyond the error", _safe, per_gpu=True),
        Kind("tensor", "{gpu} (tensor parallel)", "the fewest with tensor parallelism alone", _tensor, per_gpu=True),
        Kind("layout", "Layout on {gpu}", "how they are used", _layout, right=False, per_gpu=True),
        Kind(
            "free",
            "Free on {gpu} (GiB)",
            "room left on the fullest GPU",
            _free,
            scale=GIB,
            number="#,##0.00",
            per_gpu=True,
        ),
        Kind(
            "price",
            "{gpu} (US$ an hour)",
            "the cheapest whole machines, an hour",
            _price,
            number="#,##0.00",
            per_gpu=True,
        ),
        Kind("month", "{gpu} (US$ a month)", "the same for 730 hours", _month, number="#,##0.00", per_gpu=True),
        Kind("machines", "Machines with {gpu}", "which machines those are", _machines, right=False, per_gpu=True),
        Kind("watts", "{gpu} (W)", "what the GPUs draw at most", _watts, number="#,##0", per_gpu=True),
        Kind(
            "tokens_per_second",
            "{gpu} (tokens/s a user)",
            "tokens a second for each user on these, with the range that holds 90 % of what was measured",
            _tokens,
            number="#,##0.0",
            per_gpu=True,
        ),
        Kind(
            "usd_per_million_tokens",
            "{gpu} (US$ a million tokens)",
            "what a million output tokens cost, their prompts included",
            _token_dollars(attrgetter("per_million")),
            number="#,##0.00",
            per_gpu=True,
        ),
        Kind(
            "usd_per_million_input_tokens",
            "{gpu} (US$ a million input tokens)",
            "what a million tokens of prompts cost, by the time that they take",
            _token_dollars(attrgetter("per_million_input")),
            number="#,##0.00",
            per_gpu=True,
        ),
        Kind(
            "usd_per_million_output_tokens",
            "{gpu} (US$ a million output tokens)",
            "what a million output tokens cost without their prompts",
            _token_dollars(attrgetter("per_million_output")),
            number="#,##0.00",
            per_gpu=True,
        ),
        Kind(
            "tokens_per_watt_hour",
            "{gpu} (tokens a Wh)",
            "output tokens of a watt-hour, the GPUs at their limit of power",
            _per_watt_hour,
            number="#,##0",
            per_gpu=True,
        ),
        Kind("arena", "Arena score", "its rating in the Chatbot Arena", _arena, number="0"),
        Kind("hub", "Repository", "on the Hugging Face hub", lambda f, c, g: _text(c.hub_id), right=False),
    )
}


@dataclass(frozen=True, slots=True)
class Shown:
    """A column of one table: its heading, and how its cells are made."""

    column: Column
    kind: Kind
    gpu: GpuSpec

    def cell(self, facts: Facts, card: ModelCard) -> Cell:
        """The cell of a model."""
        return self.kind.make(facts, card, self.gpu)


def _rank(key: str) -> int:
    if key in ("name", "id"):
        return 0
    return len(_FIRST_TO_GO) - _FIRST_TO_GO.index(key) + 1 if key in _FIRST_TO_GO else 1


def chosen(keys: Sequence[str], gpus: Sequence[GpuSpec], reference: GpuSpec) -> list[Shown]:
    """Columns by key; kinds that are per GPU give one for each.

    Raises:
        RequestError: an unknown column, or one that stands twice.
    """
    columns: list[Shown] = []
    for key in keys:
        base, at, engine_name = key.partition(AT)
        if (kind := KINDS.get(base)) is None:
            from difflib import get_close_matches

            near = get_close_matches(key, KINDS, n=1)
            hint = f"did you mean {near[0]}?" if near else "`gpu-sizer table --columns help` lists them"
            raise RequestError(f"unknown column {key[:40]!r}; {hint}")
        if at:
            kind = under_engine(kind, engine_name)
        if any(s.kind.key == kind.key for s in columns):
            raise RequestError(f"the column {key} stands twice")
        if not kind.per_gpu:
            column = Column(key, kind.title, kind.right, kind.scale, kind.number, rank=_rank(base))
            columns.append(Shown(column, kind, reference))
            continue
        for gpu in gpus:
            title = kind.title.format(gpu=short_name(gpu))
            if key == "gpus" and len(gpus) == 1:
                title = f"GPUs ({title})"
            marks: tuple[str, ...] = ()
            if gpu.memory.visible_basis == "estimated":
                marks = (f"The memory that a program sees on the {short_name(gpu)} is estimated, not measured.",)
            made = Column(
                f"{key}:{gpu.id}", title, kind.right, kind.scale, kind.number, marks, _rank(base), base == "layout"
            )
            columns.append(Shown(made, kind, gpu))
    if not columns:
        raise RequestError("a table needs at least one column")
    return columns


def help_rows() -> list[tuple[str, str]]:
    """Each column's key and what it shows."""
    return [(k.key, k.help + (" (a column for each GPU)" if k.per_gpu else "")) for k in KINDS.values()]
