"""The same request under every engine, in words."""

from __future__ import annotations

from gpu_sizer.units import gib
from gpu_sizer.words.blocks import USUAL, Pairs, Told

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gpu_sizer.planning.by_engine import EngineChoice, EngineChoices


def by_engine_told(choices: EngineChoices, level: int = USUAL) -> Told:
    """One line an engine, behind a line that names them all: ``vLLM 3, SGLang 3, transformers 3``."""
    r = choices.request
    counts = [f"{c.title} {c.gpu_count if c.gpu_count is not None else 'none'}" for c in choices.choices]
    headline = f"{r.model.name} on {r.gpu.short_name}, {r.context:,} tokens: {', '.join(counts)}"
    return Told(headline, "fits" if choices.fits else "does_not_fit", (Pairs(tuple(map(_row, choices.choices))),))


def _row(choice: EngineChoice) -> tuple[str, str]:
    plan = choice.plan
    if plan is None or plan.memory is None or plan.per_gpu is None:
        return choice.title, f"-  {choice.reason}"
    free = f"{gib(plan.per_gpu.free_bytes)} free a GPU" + (", tight" if plan.verdict == "tight" else "")
    return choice.title, f"{choice.gpu_count}  {plan.memory.layout.describe()}, {free}"
