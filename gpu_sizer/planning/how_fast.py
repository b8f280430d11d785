"""How fast a model is on GPUs that are given: one layout, or the best of a number."""

from __future__ import annotations

from gpu_sizer.errors import RequestError
from gpu_sizer.load import MOST_USERS
from gpu_sizer.planning.cost import cost_of, tokens_per_watt_hour
from gpu_sizer.planning.rental import rented_for
from gpu_sizer.planning.search import Search
from gpu_sizer.records import dataclass, replace
from gpu_sizer.timing.answer import Figure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gpu_sizer.load import Settings
    from gpu_sizer.memory.estimate import LayoutMemory
    from gpu_sizer.memory.layout import Layout
    from gpu_sizer.planning.cost import Cost
    from gpu_sizer.planning.rental import Rental
    from gpu_sizer.planning.request import Request
    from gpu_sizer.timing.answer import Speed


@dataclass(frozen=True, slots=True)
class HowFast:
    """The speed of a model on a layout, and what its memory says; no speed where not one request fits."""

    request: Request
    settings: Settings
    memory: LayoutMemory
    """Under the load that is asked: whether all its users are held at once."""
    prompt: int
    answer: int
    speed: Speed | None
    reason: str | None
    weights_format: str
    full: bool = False
    """Whether as many users as run at once were asked for, and none was told."""

    @property
    def fits(self) -> bool:
        """Whether the model runs on these GPUs at all."""
        return self.speed is not None

    @property
    def layout(self) -> Layout:
        """The layout asked about, or the fastest of the number."""
        return self.memory.layout

    @property
    def rental(self) -> Rental | None:
        """The cheapest whole machines with these GPUs; null where none is known."""

        return rented_for(self.request, self.layout.gpu_count, self.memory)

    @property
    def cost(self) -> Cost | None:
        """What tokens cost on these machines; null without a price or a speed."""
        return cost_of(self.speed, self.rental, self.prompt, self.answer)

    @property
    def tokens_per_watt_hour(self) -> float | None:
        """Output tokens of a watt-hour at the GPUs' own limit of power; null where that is not known."""
        return tokens_per_watt_hour(self.speed, self.request.gpu, self.layout.gpu_count)

    @property
    def requests_per_second(self) -> Figure | None:
        """Requests answered a second, of all users; null without a speed."""
        if self.speed is None:
            return None
        t, n = self.speed.tokens_per_second, self.answer
        bound = None if t.bound is None else t.bound / n
        return Figure(low=t.low / n, about=t.about / n, high=t.high / n, bound=bound)

    def model_dump(self) -> dict[str, Any]:
        """The JSON object."""
        r = self.request
        lengths = {"prompt": self.prompt, "answer": self.answer}
        return {
            "model": r.model.id,
            "gpu": r.gpu.id,
            "engine": r.engine,
            "engine_profile": r.get_engine().label,
            "gpu_count": self.layout.gpu_count,
            "layout": self.layout.model_dump(),
            "fits": self.fits,
            "reason": self.reason,
            "assumptions": {**r.assumptions(self.settings, self.weights_format), **lengths},
            "max_concurrent_requests": round(self.memory.max_concurrent_requests, 2),
            "speed": self.speed.model_dump() if self.speed else None,
            "requests_per_second": each.model_dump("at_most") if (each := self.requests_per_second) else None,
            "cost": cost.model_dump() if (cost := self.cost) else None,
            "tokens_per_watt_hour": self.tokens_per_watt_hour,
        }

    def to_dict(self) -> dict[str, Any]:
        """The same as :meth:`model_dump`, by the name that data frames and notebooks look for."""
        return self.model_dump()


def how_fast(request: Request, layout: Layout) -> HowFast:
    """The speed of one layout.

    Raises:
        RequestError: a GPU or engine of whose speed nothing is known, or settings that contradict the load.
    """
    return _made(Search(request), layout)


def how_fast_on(request: Request, count: int) -> HowFast:
    """The speed of the layout of a number of GPUs that surely gives most tokens in all.

    Raises:
        RequestError: as :func:`how_fast`.
    """
    search = Search(request)
    made = [_made(search, layout) for layout in search.accepted(count, request.layouts)]
    if not made:
        raise RequestError(f"{count} GPUs: {search.rejection(count).reason}", about="gpu")
    return max(made, key=lambda f: (f.speed is not None, f.speed.tokens_per_second.low if f.speed else 0.0))


def most_on(request: Request, count: int) -> HowFast:
    """The same with as many users as that layout runs at once: the most requests a second.

    Raises:
        RequestError: as :func:`how_fast`.
    """
    fast = how_fast_on(request.under(users=MOST_USERS), count)
    if fast.speed is None:
        return fast
    users = max(1, int(fast.speed.running))
    return replace(how_fast(request.under(users=users), fast.layout), full=True)


def _made(search: Search, layout: Layout) -> HowFast:
    request, rates = search.request, search.rates
    memory = search.evaluate(layout)
    alone = memory if request.users == 1 else Search(request.under(users=1)).evaluate(layout)
    speed = rates.speed(layout) if alone.within_budget else None
    return HowFast(
        request,
        search.fitting.settings(layout),
        memory,
        rates.prompt,
        rates.answer,
        speed,
        None if speed is not None else alone.reason,
        search.known.weights_format,
    )
