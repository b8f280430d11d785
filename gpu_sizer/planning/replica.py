"""What one replica of a layout surely gives in all, for any number of requests at once."""

from __future__ import annotations

from functools import cached_property

from gpu_sizer.records import replace
from gpu_sizer.timing.band import REGIMES, ends
from gpu_sizer.timing.bound import most_tokens_per_second
from gpu_sizer.timing.serving import tokens_per_second

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gpu_sizer.planning.speed import Situation

#: How near the fewest requests at once are found: what they give is above what is wanted by at most this share.
NEARNESS = 1e-7
#: The next regime begins this share above the end of one, so that no rounding leads back.
BEYOND = 1e-6
#: Steps after which they are near enough, whatever the formulas.
MOST_STEPS = 60


class Replica:
    """One replica: its layouts of any number of replicas ask for the same figures again and again."""

    def __init__(self, situation: Situation) -> None:
        self.situation = replace(situation, replicas=1) if situation.replicas > 1 else situation
        self.places = max(1.0, situation.places)
        """Requests at once that it has room for."""

    def in_all(self, running: float) -> float:
        """Tokens a second that so many requests at once surely give together."""
        s = self.situation
        given = s.basis.engine, s.case.experts > 1, running
        low = ends("tokens", *given)[0] * tokens_per_second(s.case, s.basis.constants, running)
        return float(min(low, most_tokens_per_second(s.case, running)))

    @cached_property
    def ends(self) -> tuple[tuple[float, float], ...]:
        """The most requests at once in each regime that it has room for, and what they surely give."""
        most = [*(most for _, most in REGIMES if most < self.places), self.places]
        return tuple([(running, self.in_all(running)) for running in most])

    @cached_property
    def most_in_all(self) -> float:
        """The most tokens a second that it surely gives."""
        return max(given for _, given in self.ends)

    @cached_property
    def _bound(self) -> float:
        """No less than :attr:`most_in_all`, of one number of requests at once: more of them never give less."""
        s = self.situation
        low = max(float(ends("tokens", s.basis.engine, s.case.experts > 1, most)[0]) for _, most in REGIMES)
        return low * float(tokens_per_second(s.case, s.basis.constants, self.places)) * (1 + NEARNESS)

    def gives(self, wanted: float) -> bool:
        """Whether it surely gives so many tokens a second, with however many requests at once."""
        return self._bound >= wanted and self.most_in_all >= wanted

    def fewest_at_once(self, wanted: float) -> float | None:
        """The fewest requests at once that surely give so many tokens a second together; null where none do.

        More at once give more, but their range may be wider: each regime's own range is asked.
        """
        least = 1.0
        for most, given in self.ends:
            if given >= wanted:
                return self._between(least, most, given, wanted)
            least = most * (1 + BEYOND)
        return None

    def _between(self, low: float, high: float, given: float, wanted: float) -> float:
        """The same within one regime, of which ``high`` gives enough: false position, after Dowell and Jarratt.

        https://doi.org/10.1007/BF01934364 (the Illinois rule): an end that stays twice is pulled towards the other. The
        time of a cycle is nearly a straight line of the requests in it, which makes that of what is left over one, too.
        """
        in_all = self.in_all(low)
        if in_all >= wanted:
            return low
        # Into the middle of what is near enough, from either side.
        aim = wanted * (1 + NEARNESS / 2)
        below, above, before = low - aim * low / in_all, high - aim * high / given, None
        for _ in range(MOST_STEPS):
            if given <= wanted * (1 + NEARNESS):
                break
            middle = high - above * (high - low) / (above - below)
            in_all = self.in_all(middle)
            over = middle - aim * middle / in_all
            enough = in_all >= wanted
            if enough:
                high, above, given = middle, over, in_all
            else:
                low, below = middle, over
            if enough == before:
                below, above = (below / 2, above) if enough else (below, above / 2)
            before = enough
        return high
