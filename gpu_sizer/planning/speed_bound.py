"""The most that layouts of a number of GPUs could give, told before any of them is looked at.

Of all layouts of ``N`` GPUs that cut each layer over the same ranks, one replica after another without stages is the
fastest: stages leave the bytes and operations of a token as they are (each holds a part, and as many run one after
another), but more requests share what is spent by request and by prompt. So one figure by ranks and ``N`` tells of
all of them, and with more GPUs it only gets better. Caches are left out, and as many run as want to.
"""

from __future__ import annotations

from math import inf

from gpu_sizer.timing.band import REGIMES, ends
from gpu_sizer.timing.formulas import prefill_seconds, step_seconds
from gpu_sizer.timing.serving import token_seconds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gpu_sizer.planning.speed import Speeds

#: More requests at once than any replica runs: what is given in all grows no more.
FULL = 1e7
#: A bound is a share of this less than what is wanted before it rules anything out: rounding, and users that may wait.
MARGIN = 1e-4


class SpeedBound:
    """Bounds on what a request's layouts give of the rates that are asked for."""

    def __init__(self, speeds: Speeds, users: float, each: float | None, in_all: float | None, most_gpus: int) -> None:
        """Prepares the bounds.

        Args:
            speeds: of the request's layouts.
            users: requests that want to run at once.
            each: tokens a second for each user that are asked for; null where none are.
            in_all: tokens a second in all; null where none are.
            most_gpus: the largest number of GPUs that is asked about.
        """
        self._speeds, self._users, self._each, self._in_all, self._most_gpus = speeds, users, each, in_all, most_gpus
        self._constants = speeds.basis.constants
        seen = speeds.generation.key, speeds.has_experts
        self._low = max(ends("tokens", *seen, most)[0] for _, most in REGIMES)
        # More requests at once may be in a regime whose range is narrower.
        highs = [(most, ends("token", *seen, most)[1] if each is not None else 1.0) for _, most in REGIMES]
        self._high = [(most, min(high for _, high in highs[place:])) for place, (most, _) in enumerate(highs)]
        self._shares: dict[tuple[int, int, int], float] = {}
        self._least: dict[tuple[int, int], float] = {}
        self._full: dict[tuple[int, int], float] = {}

    def _of_all(self, tensor: int, data: int, replicas: float) -> float:
        """The share of what is asked for in all that no layout exceeds; infinity where nothing is."""
        if self._in_all is None:
            return inf
        if (full := self._full.get((tensor, data))) is None:
            c, k = self._speeds.without_cache(tensor, data), self._constants
            given = FULL * c.answer / (c.answer * step_seconds(c, k, FULL) + FULL * prefill_seconds(c, k, FULL))
            full = self._full[tensor, data] = self._low * given
        return replicas * full / self._in_all

    def _of_each(self, tensor: int, data: int, running: float, high: float) -> float:
        """The same of what is asked for each, of so many at once and with the upper end of a range of times."""
        if self._each is None:
            return inf
        c = self._speeds.without_cache(tensor, data)
        return float(1 / (high * token_seconds(c, self._constants, running)) / self._each)

    def share(self, tensor: int, data: int, gpus: int) -> float:
        """The share of what is asked for that no layout of so many GPUs exceeds which runs all its users at once.

        Args:
            tensor: ranks over which every layer is cut.
            data: groups that share the experts.
            gpus: of all replicas, of any number of stages.
        """
        if (kept := self._shares.get((tensor, data, gpus))) is None:
            replicas = gpus / (tensor * data)
            running = max(1.0, self._users / replicas)
            high = next(high for most, high in self._high if most >= running)
            kept = min(self._of_all(tensor, data, replicas), self._of_each(tensor, data, running, high))
            self._shares[tensor, data, gpus] = kept
        return kept

    def share_of_some(self, tensor: int, data: int, gpus: int) -> float:
        """The same of layouts that may run fewer, where each user counts as much as runs at once of the users.

        Seconds by request at once fall with their number, or rise, or fall and then rise: they are least at an end.
        """
        replicas = gpus / (tensor * data)
        running, (_, least) = max(1.0, self._users / replicas), self._high[0]
        ends_of_all = [n / running * self._of_each(tensor, data, n, least) for n in (running, 1.0)]
        return min(self._of_all(tensor, data, replicas), max(ends_of_all))

    def allows(self, tensor: int, data: int, gpus: int) -> bool:
        """Whether layouts of so many GPUs over so many ranks could give what is asked for."""
        # Groups that share the experts are a layout of nearly one number of GPUs alone.
        if data > 1 or gpus > self._most_gpus:
            return self.share(tensor, data, gpus) >= 1 - MARGIN
        if (least := self._least.get((tensor, data))) is None:
            least = self._least[tensor, data] = self._fewest(tensor, data)
        return gpus >= least

    def _fewest(self, tensor: int, data: int) -> float:
        """The fewest GPUs for which nothing is ruled out; infinity where even the most are too few."""
        low, high = tensor * data, self._most_gpus
        if self.share(tensor, data, low) >= 1 - MARGIN:
            return low
        if high <= low or self.share(tensor, data, high) < 1 - MARGIN:
            return inf
        while high - low > 1:
            middle = (low + high) // 2
            if self.share(tensor, data, middle) >= 1 - MARGIN:
                high = middle
            else:
                low = middle
        return high
