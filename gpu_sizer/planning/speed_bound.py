"""The most that layouts of a number of GPUs could give, told before any of them is looked at.

Of all layouts of ``N`` GPUs that cut each layer over the same ranks, one replica after another without stages is the
fastest: stages leave the bytes and operations of a token as they are (each holds a part, and as many run one after
another), but more requests share what is spent by request and by prompt. So one figure by ranks and ``N`` tells of
all of them, and with more GPUs it only gets better. Caches are left out, and as many run as want to.
"""

from __future__ import annotations

from math import inf

from gpu_sizer.timing.band import REGIMES, ends
from gpu_sizer.timing.formulas import prompt_seconds, step_seconds
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
        seen = speeds.generation, speeds.has_experts
        self._low = max(ends("tokens", *seen, most)[0] for _, most in REGIMES)
        # More requests at once may be in a regime whose range is narrower.
        highs = [(most, ends("token", *seen, most)[1] if each is not None else 1.0) for _, most in REGIMES]
        self._highs = highs
        self._high = [(most, min(high for _, high in highs[place:])) for place, (most, _) in enumerate(highs)]
        self._shares: dict[tuple[int, int, int], float] = {}
        self._shares_of_some: dict[tuple[int, int, int], float] = {}
        self._least: dict[int, float] = {}
        self._spread: dict[int, bool] = {}
        self._full: dict[tuple[int, int], float] = {}

    def _of_all(self, tensor: int, data: int, replicas: float) -> float:
        """The share of what is asked for in all that no layout exceeds; infinity where nothing is."""
        if self._in_all is None:
            return inf
        if (full := self._full.get((tensor, data))) is None:
            c, k = self._speeds.without_cache(tensor, data), self._constants
            given = FULL * c.answer / (c.answer * step_seconds(c, k, FULL) + FULL * prompt_seconds(c, k))
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
            high = self._high_beyond(running)
            kept = min(self._of_all(tensor, data, replicas), self._of_each(tensor, data, running, high))
            self._shares[tensor, data, gpus] = kept
        return kept

    def share_of_some(self, tensor: int, data: int, gpus: int) -> float:
        """The same of layouts that may run fewer, where each user counts as much as runs at once of the users.

        Seconds by request at once fall with their number, or rise, or fall and then rise: they are least at an end.
        """
        if (kept := self._shares_of_some.get((tensor, data, gpus))) is None:
            replicas = gpus / (tensor * data)
            running, (_, least) = max(1.0, self._users / replicas), self._high[0]
            ends_of_all = [n / running * self._of_each(tensor, data, n, least) for n in (running, 1.0)]
            kept = min(self._of_all(tensor, data, replicas), max(ends_of_all))
            self._shares_of_some[tensor, data, gpus] = kept
        return kept

    def allows(self, tensor: int, data: int, gpus: int) -> bool:
        """Whether layouts of so many GPUs over so many ranks could give what is asked for."""
        if data == 1 and gpus <= self._most_gpus:
            return gpus >= self._least_gpus(tensor)
        # Groups that share the experts are a layout of nearly one number of GPUs alone.
        if gpus <= self._most_gpus and not self._may_spread(tensor):
            return False
        return self.share(tensor, data, gpus) >= 1 - MARGIN

    def allows_stages(self, tensor: int, stages: int, data: int, replicas: int) -> bool:
        """The same of one layout, whose requests at once tell its range: as if it kept nothing for them.

        Args:
            tensor: ranks over which every layer is cut.
            stages: of each replica.
            data: groups that share the experts.
            replicas: among which all users are dealt out.
        """
        if self._each is None:
            return True
        running = max(1.0, self._users / replicas)
        # Without a rate in all no more run at once; so few of them may wait that rounding hides it.
        high = self._high_of(running) if self._in_all is None else self._high_beyond(running)
        c = self._speeds.without_cache(tensor, data, stages=stages)
        return float(1 / (high * token_seconds(c, self._constants, running)) / self._each) >= 1 - MARGIN

    def _high_of(self, running: float) -> float:
        """The upper end of the range of times of so many requests at once, the lowest of those that rounding allows."""
        least, above, ends_here = running * (1 - MARGIN), 0.0, []
        for most, high in self._highs:
            if above < running and least <= most:
                ends_here.append(high)
            above = most
        return min(ends_here)

    def _high_beyond(self, running: float) -> float:
        """The lowest such end of so many requests at once, or of any number more."""
        return next(high for most, high in self._high if most >= running)

    def allows_some(self, tensor: int, gpus: int) -> bool:
        """Whether any layout of so many GPUs, no more than the most, could that cuts each layer over so many ranks."""
        if gpus % tensor:
            return False
        return gpus >= self._least_gpus(tensor) or (gpus > tensor and self._may_spread(tensor))

    def _least_gpus(self, tensor: int) -> float:
        """The fewest GPUs for which nothing is ruled out; infinity where even the most are too few."""
        if (kept := self._least.get(tensor)) is None:
            kept = self._least[tensor] = self._fewest(tensor)
        return kept

    def _fewest(self, tensor: int) -> float:
        low, high = tensor, self._most_gpus
        if high < low or self.share(tensor, 1, high) < 1 - MARGIN:
            return inf
        if self.share(tensor, 1, low) >= 1 - MARGIN:
            return low
        while high - low > 1:
            middle = (low + high) // 2
            if self.share(tensor, 1, middle) >= 1 - MARGIN:
                high = middle
            else:
                low = middle
        return high

    def _may_spread(self, tensor: int) -> bool:
        """Whether any number of groups of so many ranks that share the experts could give what is asked for."""
        if (kept := self._spread.get(tensor)) is None:
            groups = self._most_gpus // tensor
            kept = groups > 1 and self._speeds.spreads_experts and self._of_groups(tensor, groups) >= 1 - MARGIN
            self._spread[tensor] = kept
        return kept

    def _of_groups(self, tensor: int, groups: int) -> float:
        """The share of what is asked for that no layout exceeds whose groups share experts, of at most so many groups.

        All of them are taken to share one copy of the experts, over links that take no more time than those of two:
        each then reads the least, and what it computes is the same. Only what a prompt takes beside its operations is
        less in replicas.
        """
        c, k = self._speeds.without_cache(tensor, groups, links=False), self._constants
        replicas, users, prefill = groups / 2, max(1.0, self._users), prompt_seconds(c, k) - k.prompt
        shares = []
        if self._in_all is not None:
            request = c.answer * step_seconds(c, k, FULL) / FULL + prefill + k.prompt / replicas
            shares.append(self._low * c.answer / request / self._in_all)
        if self._each is not None:
            prompts = max(0.0, users - replicas) * (prefill + k.prompt / replicas)
            seconds = step_seconds(c, k, users) + prompts / c.answer
            shares.append(1 / (self._high[0][1] * seconds) / self._each)
        return float(min(shares))
