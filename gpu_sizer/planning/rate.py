"""Whether a layout is fast enough: its lower end against the rates that a load asks for."""

from __future__ import annotations

from gpu_sizer.errors import RequestError, UncountableError
from gpu_sizer.load import USUAL_ANSWER, USUAL_PROMPT
from gpu_sizer.planning.speed_bound import MARGIN, SpeedBound
from gpu_sizer.planning.too_slow import too_slow
from gpu_sizer.records import recast
from gpu_sizer.timing.answer import Speed
from gpu_sizer.timing.formulas import larger, smaller
from gpu_sizer.timing.judged import low_each

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gpu_sizer.memory.layout import Layout
    from gpu_sizer.planning.request import Request
    from gpu_sizer.planning.speed import Held
    from gpu_sizer.timing.answer import Figure, SpeedVerdict
    from gpu_sizer.timing.case import Number

#: A share of the users that may be missing among those that run, since their number is found to so much.
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

    def __init__(self, request: Request, held: Held, *, sure: bool = True) -> None:
        """Prepares the layouts.

        Args:
            request: what is asked.
            held: its model as its engine holds it.
            sure: whether the lower end has to reach it, or the estimate.

        Raises:
            RequestError: a GPU or engine of whose speed nothing is known, or more requests at once than were measured.
        """
        load, what_if = request.load, request.what_if
        of_file = request.model.weights.file_type if request.model.weights.file is not None else what_if
        if of_file is not None and request.get_engine().own_format(of_file) is not None:
            raise RequestError(f"nothing is known here of the speed of {of_file.upper()} files, only of their memory")
        if load.speculative is not None:
            raise RequestError("nothing is known here of the speed of speculative decoding, only of its memory")
        self.prompt, self.answer = load.prompt or USUAL_PROMPT, load.answer or USUAL_ANSWER
        self._load = load
        self._users, self._each, self._all = load.users, load.tokens_per_second, load.requests_per_second
        self._held, self._speeds = held, held.speeds(request, self.prompt, self.answer, sure=sure)
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
        self._wanted = None if self._all is None else self._all * self.answer
        self._found: dict[Layout, Speed] = {}
        self._may: dict[Layout, bool] = {}
        self._meets: dict[Layout, bool] = {}
        self._fewest: dict[Layout, float | None] = {}
        self._most_gpus = request.max_gpus
        self._bound = SpeedBound(self._speeds, self._users, self._each, self._wanted, self._most_gpus)

    def may_any_meet(self, count: int, kind: str, users: int) -> bool:
        """Whether any layout of a count is worth it: its kind, and users for its replicas, as in a search."""
        bound, held, most = self._bound, self._held, self._most_gpus
        if count <= most and not any(bound.allows_some(size, count) for size in held.tensor_sizes(most, kind)):
            return False
        return any(bound.allows(*ranks, count) for ranks in held.ranks(count, kind, users))

    def may_meet(self, layout: Layout) -> bool:
        """Whether a layout is worth :meth:`meets`; false only where it cannot reach what is asked for."""
        if (kept := self._may.get(layout)) is None:
            tensor, data = self._ranks(layout)
            kept = self._bound.allows(tensor, data, layout.gpu_count)
            if kept and layout.pipeline_parallel_size > 1:
                replicas = layout.data_parallel_size // data
                kept = self._bound.allows_stages(tensor, layout.pipeline_parallel_size, data, replicas)
            self._may[layout] = kept
        return kept

    def reached_at_most(self, layout: Layout) -> float:
        """No less than :meth:`reached`, told before a layout is looked at."""
        return self._bound.share_of_some(*self._ranks(layout), layout.gpu_count)

    def _ranks(self, layout: Layout) -> tuple[int, int]:
        """Ranks over which every layer is cut, and groups that share the experts."""
        return layout.tensor_parallel_size, self._speeds.groups(layout)

    def meets(self, layout: Layout) -> bool:
        """Whether a layout's lower end, or its estimate, reaches what is asked for.

        Raises:
            RequestError: a layout that the engine refuses.
        """
        if (kept := self._meets.get(layout)) is None:
            kept = self._meets[layout] = self.may_meet(layout) and bool(self.meets_for(layout, float(self._users)))
        return kept

    def meets_for(self, layout: Layout, users: Number) -> Number:
        """The same for other numbers of users: one, or an array of them.

        Raises:
            RequestError: a layout that the engine refuses.
        """
        s, at_once = self._speeds.situation(layout), users
        if self._wanted is not None:
            if not self._speeds.replica(layout).gives(self._wanted / s.replicas):
                return users < 0
            if self._each is None:
                return users > 0
            at_once = larger(users, self._at_once(layout))
        assert self._each is not None
        running, seconds = s.pace(at_once)
        held = running * s.replicas >= smaller(at_once, users) * (1 - WAITING)
        low, most = low_each(s.case, s.basis.engine, running, seconds)
        return held & (low >= self._each) & (most >= self._each)

    def speed(self, layout: Layout) -> Speed:
        """The speed of a layout, with the verdict on what is asked for; null where nothing is.

        Raises:
            RequestError: a layout that the engine refuses.
        """
        if (kept := self._found.get(layout)) is None:
            kept = self._found[layout] = self._judged(layout)
        return kept

    def nearest(self, layouts: Sequence[Layout], holds: Callable[[Layout], bool]) -> tuple[Layout, str]:
        """Of layouts that are too slow that which comes nearest, and what it reaches of what is asked for.

        Args:
            layouts: of which some are looked at; the engine refuses none.
            holds: whether a layout has the memory; at least one does.
        """
        bounds = [self.reached_at_most(x) for x in layouts]
        best, reached = 0, -1.0
        # Those that could come nearest first: what they reach rules out the others. Of equals the first is named.
        for place in sorted(range(len(layouts)), key=lambda n: -bounds[n]):
            if bounds[place] * (1 + MARGIN) < reached:
                break
            if ((speed := self.reached(layouts[place])), -place) > (reached, -best) and holds(layouts[place]):
                best, reached = place, speed
        return layouts[best], too_slow(self.speed(layouts[best]), self._load)

    def reached(self, layout: Layout) -> float:
        """The share of what is asked for that a layout surely reaches."""
        s, at_once, shares = self._speeds.situation(layout), float(self._users), []
        if self._wanted is not None:
            shares.append(self._speeds.replica(layout).most_in_all * s.replicas / self._wanted)
            at_once = max(at_once, self._at_once(layout))
        if self._each is not None:
            running, seconds = s.pace(at_once)
            share = min(1.0, running * s.replicas / min(at_once, self._users))
            shares.append(share * min(low_each(s.case, s.basis.engine, running, seconds)) / self._each)
        return min(shares)

    def _judged(self, layout: Layout) -> Speed:
        s = self._speeds.situation(layout)
        verdicts: list[SpeedVerdict] = []
        users = float(self._users)
        if self._wanted is not None:
            users = max(users, self._at_once(layout))
        speed = s.speed(s.demand(users))
        if self._wanted is not None:
            # By the estimate alone so many at once are fewer than surely give it.
            reaches = s.basis.engine.sure and self._fewest_at_once(layout) is not None
            verdicts.append("meets" if reaches else _against(speed.tokens_per_second, self._wanted))
        if self._each is not None and speed.tokens_per_second_per_user is not None:
            waits = speed.running < min(users, self._users) * (1 - WAITING)
            verdicts.append("misses" if waits else _against(speed.tokens_per_second_per_user, self._each))
        return recast(speed, Speed, verdict=max(verdicts, key=ORDER.index)) if verdicts else speed

    def _fewest_at_once(self, layout: Layout) -> float | None:
        """The fewest requests at once, in all, that surely give what is asked for in all; null where none do."""
        if layout not in self._fewest:
            assert self._wanted is not None
            replicas = self._speeds.situation(layout).replicas
            fewest = self._speeds.replica(layout).fewest_at_once(self._wanted / replicas)
            self._fewest[layout] = None if fewest is None else fewest * replicas
        return self._fewest[layout]

    def _at_once(self, layout: Layout) -> float:
        """The same; where none do, as many as all replicas have room for."""
        if (fewest := self._fewest_at_once(layout)) is not None:
            return fewest
        return self._speeds.replica(layout).places * self._speeds.situation(layout).replicas
