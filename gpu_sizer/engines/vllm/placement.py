"""How vLLM places weights: vocabulary padding, and what each pipeline stage holds beside its layers."""

from __future__ import annotations

from functools import cache

from gpu_sizer.cards.model_card import ModelCard
from gpu_sizer.engines.profiles import profile_data
from gpu_sizer.memory.weights import WeightRules

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


@cache
def _rules_of_class(name: str | None) -> WeightRules:
    data: dict[str, Any] = profile_data("vllm/placement")
    every = {part for parts, classes in data["every_stage"].items() if name in classes for part in parts.split(", ")}
    return WeightRules(
        vocabulary_multiple=data["vocabulary_multiple"],
        expert_width_multiple=tuple(data["expert_width_multiple"].items()),
        towers_on_every_stage=True,
        embedding_whole=name in data["whole_embedding"],
        embedding_on_every_stage="embedding" in every,
        head_on_every_stage="head" in every,
        norm_on_every_stage="norm" in every,
    )


def weight_rules(card: ModelCard) -> WeightRules:
    """The rules under which vLLM places this model's weights."""
    return _rules_of_class(card.engine_class)
