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


def vision_tower(card: ModelCard) -> Tower | None:
    """The model's vision tower."""
    return next((t for t in card.architecture.towers if t.name == "vision"), None)


def largest_item(card: ModelCard, version: VersionProfile) -> dict[str, Any] | None:
    """The largest item of this model's class under a version, or null where it is not modelled."""
    named: list[dict[str, Any]] = _data()["items"].get(card.engine_class, [])
    entries = [e for e in named if card.id in e.get("cards", (card.id,))]
    if any("hidden" in e for e in entries) and (tower := vision_tower(card)) is not None:
        hidden = _widths(tower, 1).hidden
        entries = [e for e in entries if e.get("hidden", hidden) == hidden]
    return next((e for e in reversed(entries) if "from" not in e or version.at_least(e["from"])), None)


def video_note(card: ModelCard, version: VersionProfile) -> str | None:
    """How to save what the profile's video takes, or null for models that it does not grow with the context."""
    item = largest_item(card, version)
    if item is None or "pairs" not in item:
        return None
    return (
        "the profile run takes a video as long as the context; to serve images alone, "
        """--limit-mm-per-prompt '{"video": 0}' saves most of it"""
    )


@dataclass(frozen=True, slots=True)
class _Widths:
    """Values a patch in a tower's layers: its hidden states, and on one rank its widest feed-forward."""

    hidden: int
    into: int = 0
    """What goes into the activation: twice ``out`` where it is gated."""
    out: int = 0
    """What comes out of it."""
    is_cut: bool = False
    """Whether each rank has a part of it."""

    @property
    def is_gated(self) -> bool:
        """Whether half of what goes in multiplies the other half."""
        return self.into > self.out


def _widths(tower: Tower, tp: int) -> _Widths:
    """The widths of a tower's layers on one of so many ranks."""
    layers = [t for t in tower.tensors if len(t.shape) == MATRIX and t.copies > 1 and t.units is None]
    if not layers:
        # An embedding of patches, and no layers behind it.
        return _Widths(max(t.shape[0] for t in tower.tensors if len(t.shape) == MATRIX))
    rows = [t for t in layers if t.split_dim == 1]
    hidden = rows[0].shape[0] if rows else min(max(layers, key=lambda t: max(t.shape)).shape)
    # What narrows again, whether ranks share it or each has all of it.
    down = [t for t in layers if t.shape[0] == hidden and t.shape[1] > hidden and t.split_dim in (None, 1)] or rows
    if not down:
        # Feed-forwards that no rank cuts, written as one group of tensors: gate, up and down.
        widest = max(layers, key=lambda t: max(t.shape))
        return _Widths(hidden, 2 * max(widest.shape), max(widest.shape))
    row = max(down, key=lambda t: t.shape[1] * t.copies)
    out, cut = row.shape[1], row.split_dim == 1

    def is_its_input(t: ExtraTensor) -> bool:
        return (t.split_dim == 0) == cut and t.shape[1] == hidden and t.shape[0] >= out

    into = sum(t.shape[0] * t.copies for t in layers if is_its_input(t)) // row.copies
    parts = tp if cut and out % tp == 0 else 1
    return _Widths(hidden, into // parts, out // parts, parts > 1)


def _pixels(tower: Tower, hidden: int | None = None) -> int:
    """Values of one patch of an image: what its embedding, the first of the tower's tensors or of a width, takes in."""
    embedding = next(t.shape for t in tower.tensors if len(t.shape) >= MATRIX and hidden in (None, t.shape[0]))
    return prod(embedding[1:])


def encoder_peak(card: ModelCard, tp: int, settings: Settings, version: VersionProfile) -> EncoderPeak:
    """The peak of the vision tower, zero for models without one that is modelled.

    Args:
        card: the model.
        tp: tensor parallel size.
        settings: the engine's settings, all resolved.
        version: the engine's version.
    """
    tower = vision_tower(card)
    if tower is None or (item := largest_item(card, version)) is None:
        return EncoderPeak()
    parts = min(item.get("pairs", 1), max(1, (settings.context - item.get("beside", 0)) // item["tokens"]))
    tokens, patches = parts * item["tokens"], parts * item["patches"]
    rows = parts * item.get("rows", item["tokens"])
    if (image := item.get("image")) is not None and image["tokens"] > tokens:
        tokens, patches, rows = image["tokens"], image["patches"], image["tokens"]
    if item.get("every_sequence"):
        items = settings.max_num_seqs
    else:
        # So many as a prompt may hold, of each sequence (multimodal/encoder_budget.py: _get_max_items).
        a_prompt = max(1, settings.context // tokens) if version.at_least(_data()["several_from"]) else 1
        a_prompt = min(a_prompt, item.get("a_prompt", a_prompt))
        items = max(1, min(settings.max_num_batched_tokens // tokens, settings.max_num_seqs * a_prompt))
    together = min(items * patches, item.get("at_once", items * patches))
    working = tower_bytes(card, tower, item, tp, settings, version, together, items * patches)
    if item.get("mask"):
        working += items * patches**2 * ACTIVATION_BYTES
    yielded = items * rows * (1 + deepstack_levels(card))
    return EncoderPeak(working, yielded * card.architecture.hidden_size * ACTIVATION_BYTES)


def _is_unfused(card: ModelCard, widths: _Widths, version: VersionProfile) -> bool:
    """Whether what the activation made stands beside its product."""
    unfused = _data()["unfused"]
    if card.engine_class in unfused["classes"]:
        return True
    span = unfused["gated"]
    together = version.at_least(span["from"]) and not version.at_least(span["until"])
    return widths.is_gated and together and card.engine_class not in unfused["except"]


def tower_bytes(
    card: ModelCard,
    tower: Tower,
    item: dict[str, Any],
    tp: int,
    settings: Settings,
    version: VersionProfile,
    together: int,
    patches: int,
) -> int:
    """What the tower takes at work on one rank, with the pixels of all items.

    Args:
        card: the model.
        tower: its vision tower.
        item: the largest item of its class.
        tp: tensor parallel size.
        settings: the engine's settings, all resolved.
        version: the engine's version.
        together: patches that go through the tower together.
        patches: those of all items.
    """
    data = _data()
    known = data["pixel_bytes"]
    pixel: int = known["cast" if version.at_least(known["from"]) else "both"]
    if "patch_bytes" in item:
        # Measured with the pixels that are at work.
        measured: int = item["patch_bytes"]
        return together * measured + (patches - together) * _pixels(tower) * pixel
    widths = _widths(tower, tp)
    values: int = item.get("whole", data["hidden_copies"]) * widths.hidden + widths.into + widths.out
    if widths.is_gated and widths.is_cut:
        # The sum over ranks is not written in place.
        values += widths.hidden
    if not settings.enforce_eager and _is_unfused(card, widths, version):
        values += widths.out
    if (rotating := next((r for r in data["rotating"] if card.engine_class in r["classes"]), None)) is not None:
        whole = (rotating["whole"] + (1 if tp > 1 else 0)) * widths.hidden
        turned: int = whole + rotating["cut"] * widths.hidden // (tp if widths.hidden % tp == 0 else 1)
        values = max(values, turned)
    values += deepstack_levels(card) * card.architecture.hidden_size // data["merged"]
    return together * values * ACTIVATION_BYTES + patches * _pixels(tower, widths.hidden) * pixel
