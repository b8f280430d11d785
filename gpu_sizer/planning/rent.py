"""Which machines to rent for a model: whole ones, in a layout that suits them, the cheapest first.

A machine that no layout suits which holds the model stands behind all others, whatever it costs, and is marked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from gpu_sizer.cards.gpu_spec import GpuSpec
from gpu_sizer.cards.machine import Offer
from gpu_sizer.cards.model_card import ModelCard
from gpu_sizer.errors import RequestError
from gpu_sizer.load import USUAL_ANSWER, USUAL_PROMPT
from gpu_sizer.memory.estimate import LayoutMemory
from gpu_sizer.memory.layout import Layout
from gpu_sizer.planning.cost import cost_of
from gpu_sizer.planning.machines import is_joined
from gpu_sizer.planning.rental import Rental, Wanted, carried, doubt_of, is_node, order
from gpu_sizer.planning.request import Request, make_request
from gpu_sizer.planning.search import Search
from gpu_sizer.planning.uncounted import Uncounted, counted
from gpu_sizer.records import dataclass, replace

if TYPE_CHECKING:
    from gpu_sizer.timing.answer import Speed

#: Options that an answer shows unless all are asked for.
SHOWN = 12


def lengths(request: Request) -> tuple[int, int]:
    """Tokens of a prompt and of an answer by which the price of tokens is told."""
    return request.load.prompt or USUAL_PROMPT, request.load.answer or USUAL_ANSWER


@dataclass(frozen=True, slots=True)
class Rentals:
    """What can be rented for a model: comparable prices first, the cheapest first, then the marked ones likewise.

    Of either, those whose layout suits the machines go first.
    """

    model: ModelCard
    request: Request
    wanted: Wanted
    options: tuple[Rental, ...]
    left_out: int = 0
    """Machines that carry it and are not listed: dearer ones of the same GPUs at the same provider, clusters of
    machines without a fast link where others do."""
    too_small: int = 0
    """Machines of which no number carries it."""
    everything: bool = False
    uncounted: tuple[Uncounted, ...] = ()

    @property
    def fits(self) -> bool:
        """Whether anything carries it."""
        return bool(self.options)

    @property
    def shown(self) -> tuple[Rental, ...]:
        """The options that a person is shown."""
        return self.options if self.everything else self.options[:SHOWN]

    @property
    def cheapest(self) -> Rental | None:
        """The first option whose price can be compared, of those that suit if any does; null where none has one."""
        return next((r for r in self.options if r.price is not None and r.doubt is None), None)

    def model_dump(self) -> dict[str, Any]:
        """The JSON object."""
        search = Search(self.request)
        settings = search.fitting.settings(self.options[0].memory.layout) if self.options else None
        known = search.known
        return {
            "model": self.model.id,
            "engine": self.request.engine,
            "assumptions": self.request.assumptions(settings, known.weights_format, of_gpu=False) if settings else {},
            "price_kind": self.wanted.kind,
            "prices_as_of": self.wanted.as_of.isoformat() if self.wanted.as_of else None,
            "machines": [r.model_dump() for r in self.options],
            "left_out": self.left_out,
            "too_small": self.too_small,
            "not_counted": [u.model_dump() for u in self.uncounted],
        }


def rent(
    card: ModelCard,
    offers: Iterable[Offer],
    gpus: Callable[[str], GpuSpec],
    wanted: Wanted,
    *,
    everything: bool = False,
    **options: Any,
) -> Rentals:
    """The machines that carry a load.

    Args:
        card: the model.
        offers: the machines to choose from.
        gpus: gives the spec of an id.
        wanted: which of them, and which price.
        everything: also machines of the same GPUs that are dearer, and clusters that nobody would build.
        options: load options of :func:`gpu_sizer.planning.request.make_request`; null values are left out.

    Raises:
        RequestError: a value that makes no sense, or no machine to choose from.
    """
    if wanted.max_price is not None and not wanted.max_price > 0:
        raise RequestError(f"max_price must be above 0, not {wanted.max_price}")
    chosen = [o for o in offers if wanted.provider in (None, o.provider) and o.machine.seen_gpu is not None]
    if wanted.region is not None or wanted.spot:
        chosen = [o for o in chosen if wanted.price(o) is not None]
    if not chosen:
        raise RequestError(_none(wanted), about="gpu")
    kept = {k: v for k, v in options.items() if v is not None}
    answers: dict[tuple[str, int, bool], tuple[int, LayoutMemory] | Uncounted | None] = {}
    speeds: dict[tuple[str, int, bool], Speed | None] = {}
    rentals: list[Rental] = []
    too_small = 0
    refused: RequestError | None = None
    request: Request | None = None
    for offer in chosen:
        machine = offer.machine
        assert machine.seen_gpu is not None
        gpu, each = gpus(machine.seen_gpu), machine.gpu_count
        key = gpu.id, each, is_joined(machine, gpu)
        if key not in answers:
            try:
                made = make_request(card, gpu, **{**kept, "gpus_per_node": each})
            except RequestError as error:
                refused, answers[key] = error, None
            else:
                answers[key] = answer = counted(card, gpu, partial(carried, made, each, joined=key[2]))
                speeds[key] = _speed(made, answer[1].layout) if isinstance(answer, tuple) else None
                if request is None or not isinstance(answer, Uncounted):
                    request = made
        if request is not None and isinstance(held := answers[key], tuple):
            price = wanted.price(offer)
            rental = Rental(offer, gpu, *held, price, doubt_of(price, wanted))
            rentals.append(replace(rental, cost=cost_of(speeds[key], rental, *lengths(request))))
        else:
            too_small += 1
    if request is None:
        raise refused or RequestError(_none(wanted), about="gpu")
    rentals.sort(key=order)
    uncounted = tuple(dict.fromkeys(a for a in answers.values() if isinstance(a, Uncounted)))
    affordable = _affordable(rentals, wanted)
    listed = tuple(affordable if everything else _sensible(affordable))
    return Rentals(card, request, wanted, listed, len(rentals) - len(listed), too_small, everything, uncounted)


def _speed(request: Request, layout: Layout) -> Speed | None:
    """The speed of a layout under the load; null where nothing is known of it."""
    try:
        return Search(request).rates.speed(layout)
    except RequestError:
        return None


def _none(wanted: Wanted) -> str:
    where = f" of {wanted.provider}" if wanted.provider else ""
    price = f" with {'a' if wanted.spot else 'an'} {wanted.kind} price" if wanted.spot or wanted.region else ""
    region = f" in {wanted.region}" if wanted.region else ""
    return f"no machine{where}{price}{region} is known"


def _affordable(rentals: Sequence[Rental], wanted: Wanted) -> list[Rental]:
    """Those within the most that may be paid; what has no price cannot be told to be."""
    most = wanted.max_price
    if most is None:
        return list(rentals)
    return [r for r in rentals if r.price_hour_usd is not None and r.price_hour_usd <= most]


def _sensible(rentals: Sequence[Rental]) -> list[Rental]:
    """One machine, or a cluster of whole nodes with fast links; of a provider's machines alike, the cheapest.

    Where nothing else carries the load, machines of any kind do.
    """
    likely = [r for r in rentals if r.machines == 1 or is_node(r.offer, r.gpu)]
    kept: dict[tuple[str, str, int], Rental] = {}
    for r in likely or rentals:
        kept.setdefault((r.offer.provider, r.gpu.id, r.gpus_each), r)
    return list(kept.values())
