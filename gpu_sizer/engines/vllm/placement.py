"""How vLLM places weights: vocabulary padding, and what each pipeline stage holds beside its layers."""

from __future__ import annotations

from functools import cache

from gpu_sizer.cards.model_card import ModelCard
from gpu_sizer.engines.profiles import profile_data
from gpu_sizer.engines.versions import at_least
from gpu_sizer.memory.weights import WeightRules

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def _has(section: dict[str, Any], version: str | None) -> bool:
    """Whether what begins with a version holds; null is the newest."""
    return version is None or at_least(version, section.get("from", "0"))


def _rounding(name: str | None, generation: int | None, version: str | None) -> dict[str, tuple[int, int]]:
    """By weight format, what the width of experts and their hidden size are rounded up to."""
    data: dict[str, Any] = profile_data("vllm/placement")
    rounding: dict[str, tuple[int, int]] = {}
    for rule in data["expert_rounding"]:
        here = "generations" not in rule or generation in rule["generations"]
        declined = data["declined"].get(rule.get("kernels"), {}).values()
        if here and _has(rule, version) and not any(name in classes for classes in declined):
            for fmt in rule["formats"]:
                rounding.setdefault(fmt, (rule["inner"], rule.get("outer", 1)))
    return rounding


def _rules_of_class(name: str | None, generation: int | None, version: str | None) -> WeightRules:
    data: dict[str, Any] = profile_data("vllm/placement")
    every = {part for parts, classes in data["every_stage"].items() if name in classes for part in parts.split(", ")}
    rounding = _rounding(name, generation, version)
    least, finest = data["least_expert_width"], data["finest_expert_block"]
    fused: dict[str, list[str]] = profile_data("vllm/loading")["fused"]
    return WeightRules(
        vocabulary_multiple=data["vocabulary_multiple"],
        expert_width_multiple=tuple((fmt, inner) for fmt, (inner, _) in rounding.items()),
        expert_hidden_multiple=tuple((fmt, outer) for fmt, (_, outer) in rounding.items() if outer > 1),
        least_expert_width=least["width"] if name in least["classes"] and _has(least, version) else 1,
        blocks_divide=True,
        finest_expert_block=finest["values"] if _has(finest, version) else None,
        merged=tuple(part for parts in fused.values() for part in parts),
        pads_feed_forwards=name in data["pads_feed_forwards"],
        towers_divide=name not in data["whole_towers"],
        towers_on_every_stage=True,
        embedding_whole=name in data["whole_embedding"],
        embedding_on_every_stage="embedding" in every,
        head_on_every_stage="head" in every,
        norm_on_every_stage="norm" in every,
    )


#: Rules that are alike are one object, so that what rests on them is counted once.
_SAME: dict[WeightRules, WeightRules] = {}


@cache
def _shared(name: str | None, generation: int | None, version: str | None) -> WeightRules:
    made = _rules_of_class(name, generation, version)
    return _SAME.setdefault(made, made)


def weight_rules(card: ModelCard, generation: int | None = None, version: str | None = None) -> WeightRules:
    """The rules under which vLLM places this model's weights.

    Args:
        card: the model.
        generation: first number of the GPU's compute capability; null where it has none.
        version: the name of the range of versions; null is the newest.
    """
    return _shared(card.engine_class, generation, version)
