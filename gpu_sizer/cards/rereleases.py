"""Re-releases that change the format of the weights alone: what their names say of a card that is known."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gpu_sizer.cards.model_card import ModelCard
from gpu_sizer.model.weights import FormatRule
from gpu_sizer.records import replace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gpu_sizer.model.constraints import WeightFormat

#: What a name says behind the format that is so anyway: layers that predict ahead, and the head, are kept as they were.
_KEPT = r"([-_ ](mtp|bf16[-_ ]lm[-_ ]?head))?"
#: Endings of names, and the format that they mean for the linear layers of the stack.
_ENDINGS: tuple[tuple[str, WeightFormat], ...] = (
    (r"[-_ ]fp8[-_ ]dynamic$", "float8-channel"),
    (r"[-_ ]fp8[-_ ]block$", "float8-block"),
    (r"[-_ ]fp8([-_ ](kv|static|per[-_ ]?tensor))*$", "float8-tensor"),
    (r"[-_ ]mxfp4$", "mxfp4"),
    (rf"[-_ ](nvfp4|fp4){_KEPT}$", "nvfp4"),
    (rf"[-_ ]((bf16[-_ ])?int4[-_ ])?w4a16[-_ ]g32([-_ ]autoround)?{_KEPT}$", "int4-group32"),
    # Groups of 128 are what AutoAWQ and GPTQModel make unless told otherwise, and llm-compressor's w4a16.
    (
        rf"[-_ ]((awq|gptq|autoround)([-_ ](int4|4bit))?|(int4|4bit)([-_ ](awq|gptq|autoround))?){_KEPT}$",
        "int4-group128",
    ),
    (rf"[-_ ](quantized\.|int4[-_ ])?w4a16([-_ ]g128)?([-_ ]autoround)?{_KEPT}$", "int4-group128"),
    (rf"[-_ ]((gptq[-_ ])?int8|(quantized\.)?w8a8|(int8[-_ ])?w8a16){_KEPT}$", "int8-channel"),
)
#: AWQ and GPTQ may keep a zero point of four bits beside the scale of each group.
_ZERO_POINTS: dict[str, str] = {"int4-group128": "one percent", "int4-group32": "three percent"}
_IMPORT = " (import its configuration to be exact)"
#: What a plain "-FP8" means in an organisation's own releases, as their configurations say (the cards of those that
#: have one agree); with others it mostly means one scale for each tensor.
_OWN_FP8: dict[str, WeightFormat] = {"qwen/": "float8-block"}
#: Whose four bits have groups of 32: counts of what their repositories store are those of such scales to the tensor
#: (MiniMax-M2.7-AWQ-4bit: 36,811,839,984, which groups of 128 would make 31.5 billion; package llmfit 1.1.17).
OWN_INT4: dict[str, WeightFormat] = {"cyankiwi/": "int4-group32"}
#: Whose NVFP4 releases bring scales of a float8 cache, which engines then use unless told otherwise: the start-ups of
#: Gemma 4 12B, 26B and E4B and of Qwen 3.8 27B hold twice the tokens of a 16-bit cache
#: (github.com/justinwkUKM/Gemma4UnslothDynamicNVFP4, github.com/sostrowsk/dgx-spark-local-llm, pull request 810 of
#: vllm-project/recipes).
OWN_FLOAT8_CACHE = ("unsloth/",)

#: Formats whose makers leave attention as it was, or at more bits, and do not say so in a release's name: NVIDIA's own
#: releases of DeepSeek, GLM, Kimi and Qwen do by their configurations (their cards), and start-ups of others load 1 to
#: 22 % more than with every layer converted (tests/evidence/fresh.jsonl). AWQ and GPTQ convert every layer.
KEEP_SOME = ("nvfp4", "mxfp4")


def _kind(fmt: str) -> str:
    """A format without the shape of its scales: float8-block -> float8."""
    return fmt.partition("-")[0]


#: Matrices that tools convert or leave as they are together, and the patterns of their names in a card's rules.
LAYER_KINDS: dict[str, tuple[str, ...]] = {
    "attention": ("layers.*.self_attn.*",),
    "linear_attention": (
        *("layers.*.linear_attn.in_proj_qkv.*", "layers.*.linear_attn.in_proj_z.*"),
        "layers.*.linear_attn.out_proj.*",
    ),
    "linear_attention_gates": ("layers.*.linear_attn.in_proj_a.*", "layers.*.linear_attn.in_proj_b.*"),
    "mlp": ("layers.*.mlp.gate_proj.*", "layers.*.mlp.up_proj.*", "layers.*.mlp.down_proj.*"),
    "experts": ("layers.*.mlp.experts.*",),
    "shared_experts": ("layers.*.mlp.shared_experts.*",),
    "lm_head": ("lm_head.weight",),
}


def base_and_format(name: str) -> tuple[str, WeightFormat] | None:
    """The name of what was re-released, and the format that its ending means; null for other names."""
    for pattern, fmt in _ENDINGS:
        base = re.sub(pattern, "", name, flags=re.IGNORECASE)
        if base != name:
            own = next((f for o, f in _OWN_FP8.items() if name.lower().startswith(o)), None)
            if fmt in _ZERO_POINTS:
                return base, next((f for o, f in OWN_INT4.items() if name.lower().startswith(o)), fmt)
            return base, own if own is not None and name.lower().endswith("fp8") else fmt
    return None


def _dividing(card: ModelCard, fmt: WeightFormat) -> WeightFormat:
    """The format with groups that the model's matrices divide in: of 32 where 128 do not, as a release's must."""
    if fmt != "int4-group128":
        return fmt
    from gpu_sizer.model.inventory import build_inventory

    tensors = [t for block in build_inventory(card, fmt).blocks.values() for t in block]
    return "int4-group32" if any(t.fmt == fmt and t.shape[-1] % 128 for t in tensors) else fmt


def as_rerelease(card: ModelCard, name: str, fmt: WeightFormat) -> ModelCard | None:
    """The card of a re-release that is known by its name alone; null where the card is in another format already.

    Its answers warn: which layers a re-release converts is written in its configuration, not in its name. A name that
    says again what the card's weights are (``Ministral-3-14B-Instruct-2512-FP8``) means those.
    """
    ending = name.rpartition("/")[2]
    if card.weights.rules:
        alike = all(_kind(rule.format) == _kind(fmt) for rule in card.weights.rules)
        note = f"{ending!r} is taken for {card.name}, whose weights are {_kind(fmt)} as released"
        return replace(card, notes=(*card.notes, note)) if alike else None
    fmt = _dividing(card, fmt)
    float8_cache = fmt == "nvfp4" and name.lower().startswith(OWN_FLOAT8_CACHE)
    beside = f", and so do zero points (under {_ZERO_POINTS[fmt]})" if fmt in _ZERO_POINTS else _IMPORT
    return replace(
        card,
        name=ending,
        hub_id=name if name.count("/") == 1 else None,
        released=None,
        weights=card.weights.everywhere(fmt, float8_cache=float8_cache),
        verified=False,
        notes=(
            *card.notes,
            f"{fmt} in every linear layer is read from the name {ending!r}; layers that the release keeps in "
            f"{card.weights.dtype} take more{beside}",
        ),
    )


def in_formats(card: ModelCard, hub_id: str, formats: Mapping[str, WeightFormat]) -> ModelCard | None:
    """The card with some kinds of its matrices in formats of their own; null where it is in another format already.

    Args:
        card: the release that was converted.
        hub_id: the repository.
        formats: by kind (:data:`LAYER_KINDS`), its format; what is not named stays as it was.
    """
    if card.weights.rules:
        return None
    by_format: dict[WeightFormat, list[str]] = {}
    for kind, fmt in formats.items():
        by_format.setdefault(fmt, []).extend(LAYER_KINDS[kind])
    rules = tuple([FormatRule(tensors=tuple(tensors), format=fmt) for fmt, tensors in by_format.items()])
    said = ", ".join(f"{kind.replace('_', ' ')} in {fmt}" for kind, fmt in formats.items())
    return replace(
        card,
        name=hub_id.rpartition("/")[2],
        hub_id=hub_id,
        released=None,
        weights=replace(card.weights, rules=rules),
        notes=(*card.notes, f"{said}, and the rest in {card.weights.dtype}: as the hub's count of its files tells"),
    )


def format_of_name(card: ModelCard) -> WeightFormat | None:
    """The format of a card's layers that its name alone tells (:func:`as_rerelease`); null for others."""
    return None if card.verified else card.weights.format_everywhere


def doubted_format(card: ModelCard) -> WeightFormat | None:
    """A format that a card's name alone tells, of those whose makers keep some layers as they were; null for others."""
    return fmt if (fmt := format_of_name(card)) in KEEP_SOME else None
