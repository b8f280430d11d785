"""Whether a layout is fast enough: its lower end against the rates that a load asks for."""

from __future__ import annotations

from math import inf, nextafter

from gpu_sizer.errors import RequestError, UncountableError
from gpu_sizer.load import USUAL_ANSWER, USUAL_PROMPT
from gpu_sizer.planning.speed import Speeds
from gpu_sizer.planning.too_slow import too_slow
from gpu_sizer.records import replace
from gpu_sizer.timing.band import REGIMES
from gpu_sizer.timing.formulas import larger, smaller
from gpu_sizer.timing.judged import low_each, low_in_all

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from gpu_sizer.memory.layout import Layout
    from gpu_sizer.planning.request import Request
    from gpu_sizer.planning.speed import Held, Situation
    from gpu_sizer.timing.answer import Figure, Speed, SpeedVerdict
    from gpu_sizer.timing.case import Number

#: Halvings in which the number of requests at once is found: to one part in some hundred thousand.
HALVINGS = 24
#: A share of the users that may be missing among those that run, for the halvings.
WAITING = 1e-6
#: Verdicts from the best to the worst.
ORDER: tuple[SpeedVerdict, ...] = ("meets", "close", "misses")


def _against(figure: Figure, wanted: float) -> SpeedVerdict:
    """meets where the lower end does, close where the range holds what is wanted, else misses."""
    if figure.low >= wanted:
        return "meets"
    return "close" if figure.high >= wanted else "misses"


class Rates:
    """The speeds of one request's layouts under its load, and whether they are what it asks for."""

    def __init__(self, request: Request, held: Held) -> None:
        """Prepares the layouts.

        Raises:
            RequestError: a GPU or engine of whose speed nothing is known, or more requests at once than were measured.
        """
        load, what_if = request.load, request.what_if
        if what_if is not None and request.get_engine().own_format(what_if) is not None:
            raise RequestError(f"nothing is known here of the speed of {what_if.upper()} files, only of their memory")
        if load.speculative is not None:
            raise RequestError("nothing is known here of the speed of speculative decoding, only of its memory")
        self.prompt, self.answer = load.prompt or USUAL_PROMPT, load.answer or USUAL_ANSWER
        self._load = load
        self._users, self._each, self._all = load.users, load.tokens_per_second, load.requests_per_second
        self._speeds = Speeds(request, held, prompt=self.prompt, answer=self.answer)
        generation = self._speeds.generation
        most = generation.most_users
        if most is not None and (self._users > most or self._all is not None):
            raise RequestError(
                f"how fast {request.get_engine().title} is with more than {most} request at once is not known: what "
                "was measured lies too far apart; the memory it takes is (gpu-sizer size)",
                about="users",
            )
        if self._each is not None and not generation.latency:
            raise UncountableError(
                f"times of single tokens were not measured on {generation.platform}: a rate for each user cannot be "
                "judged there, one in all can (requests_per_second)"
            )
        self._found: dict[Layout, Speed] = {}
        self._meets: dict[Layout, bool] = {}

    def meets(self, layout: Layout) -> bool:
        """Whether a layout's lower end reaches what is asked for.

        Raises:
            RequestError: a layout that the engine refuses.
        """
        if (found := self._meets.get(layout)) is None:
            found = self._meets[layout] = bool(self.meets_for(layout, float(self._users)))
        return found

    def meets_for(self, layout: Layout, users: Number) -> Number:
        """The same for other numbers of users: one, or an array of them.

        Raises:
            RequestError: a layout that the engine refuses.
        """
        s, enough, at_once = self._speeds.situation(layout), True, users
        if self._all is not None:
            least = self._at_once(s)
            enough, at_once = least is not None, larger(users, least or _places(s))
        if self._each is None:
            return enough & (users > 0)
        made = s.steady(s.demand(at_once))
        held = made.running * s.replicas >= smaller(at_once, users) * (1 - WAITING)
        low, most = low_each(s.case, made, s.basis.engine)
        return enough & held & (low >= self._each) & (most >= self._each)

    def speed(self, layout: Layout) -> Speed:
        """The speed of a layout, with the verdict on what is asked for; null where nothing is.

        Raises:
            RequestError: a layout that the engine refuses.
        """
        if (found := self._found.get(layout)) is None:
            found = self._found[layout] = self._judged(self._speeds.situation(layout))
        return found

    def nearest(self, layouts: Sequence[Layout]) -> tuple[Layout, str]:
        """Of layouts that are too slow that which comes nearest, and what it reaches of what is asked for."""
        best = max(layouts, key=self._reached)
        return best, too_slow(self.speed(best), self._load)

    def _reached(self, layout: Layout) -> float:
        """The share of what is asked for that a layout surely reaches."""
        s, at_once, shares = self._speeds.situation(layout), float(self._users), []
        if self._all is not None:
            shares.append(max(self._in_all(s, n) for n in _ends(s)) / (self._all * self.answer))
            at_once = max(at_once, self._at_once(s) or _places(s))
        if self._each is not None:
            made = s.steady(s.demand(at_once))
            share = min(1.0, made.running * s.replicas / min(at_once, self._users))
            shares.append(share * min(low_each(s.case, made, s.basis.engine)) / self._each)
        return min(shares)

    @staticmethod
    def _in_all(s: Situation, running: float) -> float:
        """Tokens a second in all that so many requests at once on each replica surely give."""
        demand = s.demand(running * s.replicas)
        return float(min(low_in_all(s.case, s.steady(demand), s.basis.engine, demand.users, s.replicas)))

    def _judged(self, s: Situation) -> Speed:
        verdicts: list[SpeedVerdict] = []
        users = float(self._users)
        if self._all is not None:
            least = self._at_once(s)
            users = max(users, least or _places(s))
        speed = s.speed(s.demand(users))
        if self._all is not None:
            reaches = least is not None
            verdicts.append("meets" if reaches else _against(speed.tokens_per_second, self._all * self.answer))
        if self._each is not None and speed.tokens_per_second_per_user is not None:
            waits = speed.running < min(users, self._users) * (1 - WAITING)
            verdicts.append("misses" if waits else _against(speed.tokens_per_second_per_user, self._each))
        return replace(speed, verdict=max(verdicts, key=ORDER.index)) if verdicts else speed

    def _at_once(self, s: Situation) -> float | None:
        """The fewest requests at once, in all, that surely give what is asked for in all; null where none do.

        More at once give more, but their range may be wider: each regime's own range is asked.
        """
        assert self._all is not None
        wanted, low = self._all * self.answer, 1.0
        for high in _ends(s):
            if self._in_all(s, high) >= wanted:
                for _ in range(HALVINGS):
                    middle = (low + high) / 2
                    low, high = (low, middle) if self._in_all(s, middle) >= wanted else (middle, high)
                return high * s.replicas
            low = nextafter(high, inf)
        return None


def _places(s: Situation) -> float:
    """Requests at once that all replicas have room for."""
    return max(1.0, s.places) * s.replicas


def _ends(s: Situation) -> list[float]:
    """The most requests at once on one replica in each regime that it has room for."""
    places = max(1.0, s.places)
    return [*(most for _, most in REGIMES if most < places), places]
