"""Which model classes a version of vLLM loads, and which of them it cannot split."""

from __future__ import annotations

from gpu_sizer.engines.profiles import profile_data
from gpu_sizer.engines.vllm.version import at_least

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gpu_sizer.cards.model_card import ModelCard
    from gpu_sizer.engines.vllm.version import VersionProfile
    from gpu_sizer.memory.layout import Layout


def last_version_note(card: ModelCard, version: VersionProfile) -> str | None:
    """What to tell of a model whose class vLLM dropped within this range of versions or before it; else null."""
    last: str | None = profile_data("vllm/support")["last_version"].get(card.engine_class)
    if last is None or (version.before is not None and at_least(last, version.before)):
        return None
    note = f"vLLM {last} is the last version that loads {card.engine_class}"
    if at_least(last, version.name):
        return note
    return f"{note}: plan with --engine vllm@{last.rpartition('.')[0]}"


def split_refusal(card: ModelCard, layout: Layout, version: VersionProfile) -> str | None:
    """Why this model is not split by tensors or into stages, or null."""
    rules = profile_data("vllm/support")
    if layout.pipeline_parallel_size > 1 and card.engine_class in rules["no_pipeline"]:
        return f"vLLM's {card.engine_class} does not support pipeline parallelism"
    if layout.tensor_parallel_size == 1:
        return None
    since: str | None = rules["no_tensor_plan"].get(card.engine_class)
    if since is None or not version.at_least(since):
        return None
    return f"vLLM runs {card.engine_class} by transformers' class, which has no tensor-parallel plan"
