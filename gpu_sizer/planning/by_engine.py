"""The same request under every engine: what serves a model decides how many GPUs it takes."""

from __future__ import annotations

from gpu_sizer.engines.registry import engine, engine_for, engine_names
from gpu_sizer.errors import RequestError
from gpu_sizer.planning.plan import Plan
from gpu_sizer.planning.planned import plan
from gpu_sizer.planning.request import check_format
from gpu_sizer.records import dataclass, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gpu_sizer.planning.request import Request


@dataclass(frozen=True, slots=True)
class EngineChoice:
    """One engine's plan, or why it has none."""

    engine: str
    title: str
    plan: Plan | None
    reason: str | None

    @property
    def gpu_count(self) -> int | None:
        """The fewest GPUs; null where no count does."""
        return self.plan.gpu_count if self.plan is not None else None

    def model_dump(self) -> dict[str, Any]:
        """The JSON object."""
        dumped: dict[str, Any] = {"engine": self.engine, "gpu_count": self.gpu_count, "reason": self.reason}
        return {**dumped, "plan": self.plan.model_dump() if self.plan is not None else None}


@dataclass(frozen=True, slots=True)
class EngineChoices:
    """Every engine's answer to one request."""

    request: Request
    choices: tuple[EngineChoice, ...]

    @property
    def fits(self) -> bool:
        """Whether some engine serves it."""
        return any(c.gpu_count is not None for c in self.choices)

    def model_dump(self) -> dict[str, Any]:
        """The JSON object."""
        r = self.request
        return {"model": r.model.id, "gpu": r.gpu.id, "engines": [c.model_dump() for c in self.choices]}


def by_engine(request: Request) -> EngineChoices:
    """The fewest GPUs for a request under each engine that is known.

    Settings that an engine does not know (a type of cache) are its reason for having no plan.
    """
    choices = []
    for name in engine_names():
        profile = engine(name)
        try:
            changed = replace(request, engine=engine_for(name, request.model))
            if changed.what_if is not None:
                check_format(profile, changed.what_if)
            profile.check(changed.load)
            made = plan(changed, details=False)
        except RequestError as error:
            choices.append(EngineChoice(name, profile.title, None, str(error)))
        else:
            choices.append(EngineChoice(name, profile.title, made, made.reason))
    return EngineChoices(request, tuple(choices))
