"""Whether a layout is fast enough: its lower end against the rates that a load asks for."""

from __future__ import annotations

from gpu_sizer.errors import RequestError
from gpu_sizer.load import USUAL_ANSWER, USUAL_PROMPT
from gpu_sizer.planning.speed import Speeds
from gpu_sizer.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from gpu_sizer.memory.layout import Layout
    from gpu_sizer.planning.request import Request
    from gpu_sizer.planning.speed import Held, Situation
    from gpu_sizer.timing.answer import Figure, Speed, SpeedVerdict

#: Halvings in which the number of requests at once is found: to one part in some hundred thousand.
HALVINGS = 24
#: Verdicts from the best to the worst.
ORDER: tuple[SpeedVerdict, ...] = ("meets", "close", "misses")


def _against(figure: Figure, wanted: float) -> SpeedVerdict:
    """meets where the lower end does, close where the range holds what is wanted, else misses."""
    if figure.low >= wanted:
        return "meets"
    return "close" if figure.high >= wanted else "misses"


def rounded(value: float) -> str:
    """A figure with the digits that matter: ``31.2``, ``3,060``."""
    return f"{float(f'{value:.3g}'):,.0f}" if value >= 100 else f"{value:.3g}"


def spread(figure: Figure) -> str:
    """A figure with its range: ``about 31 (20 to 55)``."""
    return f"about {rounded(figure.about)} ({rounded(figure.low)} to {rounded(figure.high)})"


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
        self._users, self._each, self._all = load.users, load.tokens_per_second, load.requests_per_second
        self._speeds = Speeds(request, held, prompt=self.prompt, answer=self.answer)
        most = self._speeds.generation.most_users
        if most is not None and (self._users > most or self._all is not None):
            raise RequestError(
                f"how fast {request.get_engine().title} is with more than {most} request at once is not known: what "
                "was measured lies too far apart; the memory it takes is (gpu-sizer size)",
                about="users",
            )
        self._found: dict[Layout, Speed] = {}

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
        best = min(layouts, key=lambda a: (ORDER.index(self.speed(a).verdict or "meets"), -self._low(a)))
        speed, reasons = self.speed(best), []
        if self._all is not None:
            needed = rounded(self._all * self.answer)
            reasons.append(f"{spread(speed.tokens_per_second)} tokens a second in all, {needed} are needed")
        if self._each is not None and speed.tokens_per_second_per_user is not None:
            at_once = f" with {speed.running:,.0f} of {self._users:,} at once" if speed.running < self._users else ""
            reasons.append(
                f"{spread(speed.tokens_per_second_per_user)} tokens a second for each user{at_once}, "
                f"{self._each:g} are asked for"
            )
        return best, "; ".join(reasons)

    def _low(self, layout: Layout) -> float:
        return self.speed(layout).tokens_per_second.low

    def _judged(self, s: Situation) -> Speed:
        verdicts: list[SpeedVerdict] = []
        users = float(self._users)
        if self._all is not None:
            wanted = self._all * self.answer
            most = s.speed(s.demand(s.places * s.replicas)).tokens_per_second
            verdicts.append(_against(most, wanted))
            users = max(users, self._at_once(s, wanted))
        speed = s.speed(s.demand(users))
        if self._each is not None:
            if speed.tokens_per_second_per_user is None:
                raise RequestError(
                    f"times of single tokens were not measured on {s.basis.engine.platform}: a rate for each user "
                    "cannot be judged there, one in all can (requests_per_second)"
                )
            waits = speed.running < min(users, self._users) * (1 - 1e-6)
            verdicts.append("misses" if waits else _against(speed.tokens_per_second_per_user, self._each))
        return replace(speed, verdict=max(verdicts, key=ORDER.index)) if verdicts else speed

    def _at_once(self, s: Situation, wanted: float) -> float:
        """Requests at once that give some tokens a second in all; all places where these do not suffice."""
        low, high = 1.0, max(1.0, s.places * s.replicas)
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            enough = s.steady(s.demand(middle)).tokens_per_second * s.replicas >= wanted
            low, high = (low, middle) if enough else (middle, high)
        return high
