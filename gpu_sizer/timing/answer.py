"""How fast a model is on its GPUs: each figure as a range around the estimate, and what physics allows at most."""

from __future__ import annotations

from gpu_sizer.records import dataclass
from gpu_sizer.units import rounded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal

    SpeedVerdict = Literal["meets", "close", "misses"]


def significant(value: float) -> float:
    """A figure with four digits that count: more would be noise."""
    return float(f"{value:.4g}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure: ``low`` to ``high`` is where 90 % of what was measured lies; ``bound`` is what physics allows."""

    low: float
    about: float
    high: float
    bound: float | None = None

    def describe(self) -> str:
        """With its range: ``about 31 (20 to 55)``."""
        return f"about {rounded(self.about)} ({rounded(self.low)} to {rounded(self.high)})"

    def model_dump(self, bound: str) -> dict[str, float]:
        """The JSON object; ``bound`` is the key of what physics allows."""
        figures = {"low": significant(self.low), "about": significant(self.about), "high": significant(self.high)}
        if self.bound is not None:
            figures[bound] = significant(self.bound)
        return figures


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What an estimate rests on."""

    records: int
    """Measured configurations of the same kind, on whose source and model nothing was fitted."""
    median_error: float
    kind: str
    """Engine and regime of these records, and the GPUs whose constants are used."""

    def model_dump(self) -> dict[str, Any]:
        """The JSON object."""
        return {"records": self.records, "median_error": round(self.median_error, 3), "class": self.kind}


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """The speed of a model under a load; times in milliseconds; null where nothing was measured to tell it by."""

    #: Found by what other GPUs would do: only who is told of it asks.
    LATER = ("binds",)

    tokens_per_second: Figure
    """Output tokens of all users."""
    tokens_per_second_per_user: Figure | None
    """While an answer comes, once it has begun."""
    tpot_ms: Figure | None
    """From one token of an answer to its next."""
    ttft_ms: Figure | None
    """To the first token. A class more than a figure: it depends on what else waits."""
    running: float
    """Requests at once in all; fewer than the users where cache or engine take no more."""
    prompt_share: float
    """The share of the GPUs' time that is spent on prompts; the rest gives the tokens of answers."""
    binds: str
    """What answers wait for most: memory bandwidth, arithmetic, links or overheads."""
    basis: Evidence
    verdict: SpeedVerdict | None = None
    """On the rates that are asked for; null where none is."""

    @property
    def is_enough(self) -> bool:
        """Whether it surely reaches what is asked for, if anything is."""
        return self.verdict in (None, "meets")

    def model_dump(self) -> dict[str, Any]:
        """The ``speed`` object of an answer."""
        user, token, first = self.tokens_per_second_per_user, self.tpot_ms, self.ttft_ms
        return {
            "tokens_per_second_per_user": user.model_dump("at_most") if user else None,
            "tokens_per_second": self.tokens_per_second.model_dump("at_most"),
            "tpot_ms": token.model_dump("at_least") if token else None,
            "ttft_ms": first.model_dump("at_least") if first else None,
            "running": significant(self.running),
            "prompt_share": significant(self.prompt_share),
            "binds": self.binds,
            "basis": self.basis.model_dump(),
            "verdict": self.verdict,
        }
