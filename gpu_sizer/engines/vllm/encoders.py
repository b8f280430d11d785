"""The vision tower in vLLM's profile run.

Before the language model, the profile run pushes the largest images (or videos) that fill one batch through the
tower (``v1/worker/gpu_model_runner.py: profile_run``). Its peak is over when the language model begins; what it
yielded, one row a token, is kept until the end of the run. How large an item may be differs from version to version,
and a video may grow with the context.
"""

from __future__ import annotations

from functools import cache
from math import prod

from gpu_sizer.cards.model_card import ModelCard
from gpu_sizer.engines.profiles import profile_data
from gpu_sizer.engines.vllm.loading import deepstack_levels
from gpu_sizer.engines.vllm.version import VersionProfile
from gpu_sizer.load import Settings
from gpu_sizer.model.architecture import ExtraTensor, Tower
from gpu_sizer.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: Activations are bfloat16 or float16 whatever the weights are.
ACTIVATION_BYTES = 2
#: Dimensions of a matrix.
MATRIX = 2


@dataclass(frozen=True, slots=True)
class EncoderPeak:
    """Bytes on one rank: the tower at work, and what it yielded."""

    working_bytes: int = 0
    kept_bytes: int = 0


@cache
def _data() -> dict[str, Any]:
    data: dict[str, Any] = profile_data("vllm/encoders")
    return data


def is_profiled(card: ModelCard) -> bool:
    """Whether the peak of this model's towers is modelled."""
    return card.engine_class in _data()["items"]


def grows_with_context(card: ModelCard) -> bool:
    """Whether in some version the largest item of this model is the larger, the longer the context is."""
    return any("pairs" in item for item in _data()["items"].get(card.engine_class, ()))


def _vision(card: ModelCard) -> Tower | None:
    """The model's vision tower."""
    return next((t for t in card.architecture.towers if t.name == "vision"), None)


def _item(card: ModelCard, version: VersionProfile) -> dict[str, Any] | None:
    """The largest item of this model's class under a version, or null where it is not modelled."""
    entries: list[dict[str, Any]] = _data()["items"].get(card.engine_class, [])
    if any("hidden" in e for e in entries) and (tower := _vision(card)) is not None:
        hidden = _widths(tower, 1)[0]
        entries = [e for e in entries if e.get("hidden", hidden) == hidden]
    return next((e for e in reversed(entries) if "from" not in e or version.at_least(e["from"])), None)


def video_note(card: ModelCard, version: VersionProfile) -> str | None:
    """How to save what the profile's video takes, or null for models that it does not grow with the context."""
    item = _item(card, version)
    if item is None or "pairs" not in item:
        return None
    return (
        "the profile run takes a video as long as the context; to serve images alone, "
        """--limit-mm-per-prompt '{"video": 0}' saves most of it"""
    )


def _widths(tower: Tower, tp: int) -> tuple[int, int]:
    """Width of a tower's hidden states, and values a patch of its widest feed-forward on one rank.

    A feed-forward holds what goes into its activation (twice its width where it is gated) and what comes out.
    """
    layers = [t for t in tower.tensors if len(t.shape) == MATRIX and t.copies > 1 and t.units is None]
    if not layers:
        # An embedding of patches, and no layers behind it.
        return max(t.shape[0] for t in tower.tensors if len(t.shape) == MATRIX), 0
    rows = [t for t in layers if t.split_dim == 1]
    if not rows:
        # Feed-forwards that no rank cuts, written as one group of tensors: gate, up and down.
        widest = max(layers, key=lambda t: max(t.shape))
        return min(widest.shape), 3 * max(widest.shape)
    row = max(rows, key=lambda t: t.shape[1] * t.copies)
    hidden, inner = row.shape

    def is_its_input(t: ExtraTensor) -> bool:
        return t.split_dim == 0 and t.shape[1] == hidden

    into = sum(t.shape[0] * t.copies for t in layers if is_its_input(t)) // row.copies
    return hidden, (into + inner) // (tp if inner % tp == 0 else 1)


def _pixels(tower: Tower, hidden: int) -> int:
    """Values of one patch of an image: what its embedding takes in."""
    embedding = next(t.shape for t in tower.tensors if len(t.shape) >= MATRIX and t.shape[0] == hidden)
    return prod(embedding[1:])


def encoder_peak(card: ModelCard, tp: int, settings: Settings, version: VersionProfile) -> EncoderPeak:
    """The peak of the vision tower, zero for models without one that is modelled.

    Args:
        card: the model.
        tp: tensor parallel size.
        settings: the engine's settings, all resolved.
        version: the engine's version.
    """
    tower = _vision(card)
    if tower is None or (item := _item(card, version)) is None:
        return EncoderPeak()
    parts = min(item.get("pairs", 1), max(1, (settings.context - item.get("beside", 0)) // item["tokens"]))
    tokens, patches = parts * item["tokens"], parts * item["patches"]
    if (image := item.get("image")) is not None and image["tokens"] > tokens:
        tokens, patches = image["tokens"], image["patches"]
    if item.get("every_sequence"):
        items = settings.max_num_seqs
    else:
        # So many as a prompt may hold, of each sequence (multimodal/encoder_budget.py: _get_max_items).
        a_prompt = max(1, settings.context // tokens) if version.at_least(_data()["several_from"]) else 1
        items = max(1, min(settings.max_num_batched_tokens // tokens, settings.max_num_seqs * a_prompt))
    hidden, inner = _widths(tower, tp)
    copies, pixel, rotating = _data()["hidden_copies"] * hidden, _data()["pixel_bytes"], _data()["rotating"]
    if card.engine_class in rotating["classes"]:
        # The sum over ranks is not written in place.
        copies = (rotating["whole"] + (1 if tp > 1 else 0)) * hidden
        inner, pixel = max(inner, rotating["cut"] * hidden // (tp if hidden % tp == 0 else 1)), rotating["pixel_bytes"]
    together = min(items * patches, item.get("at_once", items * patches))
    working = together * (copies + inner) * ACTIVATION_BYTES + items * patches * _pixels(tower, hidden) * pixel
    if item.get("mask"):
        working += items * patches**2 * ACTIVATION_BYTES
    rows = items * tokens * (1 + deepstack_levels(card))
    return EncoderPeak(working, rows * card.architecture.hidden_size * ACTIVATION_BYTES)
