"""Which card and which GPU a record means.

Names in logs are what people typed: a folder instead of a hub id, a re-release that only changes the format of
the weights. A name that could mean several things, or a format that is not modelled, is told, never guessed.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from gpu_sizer.cards.catalogue import Catalogue
from gpu_sizer.cards.gpu_spec import GpuSpec, Memory
from gpu_sizer.cards.model_card import ModelCard, Source
from gpu_sizer.cards.rereleases import as_rerelease, base_and_format
from gpu_sizer.engines.registry import engine
from gpu_sizer.errors import CardError, UnknownGpuError, UnknownModelError
from gpu_sizer.evidence.records import EvidenceRecord
from gpu_sizer.records import dataclass, replace
from gpu_sizer.units import GIB, MIB

if TYPE_CHECKING:
    from gpu_sizer.model.constraints import WeightFormat

INT4: WeightFormat = "int4-group128"


class Skipped(Exception):
    """A record that cannot be replayed, with the reason."""


#: Quantization methods as engines print them that mean float8 weights.
_FLOAT8 = ("fp8", "compressed-tensors", "modelopt", "fbgemm_fp8", "ptpc_fp8", "w8a8_fp8")
#: Methods whose tensors are not modelled.
_OTHER = ("bitsandbytes", "gguf", "aqlm", "squeezellm")
#: Methods, and what they mean for the linear layers where a name does not tell it: tools make groups of 128 by default.
_PACKED: dict[str, WeightFormat] = {
    **dict.fromkeys(("w8a8", "int8", "w8a16"), "int8-channel"),
    **dict.fromkeys(("awq", "gptq", "auto_round", "auto-round", "autoround", "int4", "w4a16", "moe_wna16"), INT4),
}
#: What llama.cpp's files are called: the model, the type, and the part of several.
GGUF_NAME = re.compile(
    r"(?:[-_.](?:UD[-_])?(?P<type>I?Q\d\w*|TQ\d\w*|BF16|F16|F32|MXFP4\w*))?(?:-\d+-of-\d+)?(?:[-_.]GGUF)?(?:\.gguf)?$",
    re.IGNORECASE,
)


#: Types of GGUF files whose weights are those of the release.
_GGUF_RELEASED = ("", "f16", "bf16", "mxfp4")

#: The setting that leaves vision and audio towers out, as a record's note names it.
TEXT_ONLY = "--language-model-only"


@dataclass(frozen=True, slots=True)
class Identified:
    """The card of a record, and the what-if under which it stands for the record's checkpoint (null: as released)."""

    card: ModelCard
    dtype: str | None = None
    weights_known: bool = True
    """Whether the checkpoint's weights are the card's; if not, nothing that depends on them may be compared."""
    guessed: bool = False
    """Whether their format is read from a name or a method alone: its groups, and what it keeps in 16 bits, are not."""

    @property
    def format(self) -> str:
        """The format of the linear weights."""
        rules = self.card.weights.rules
        return self.dtype or (rules[0].format if rules else self.card.weights.dtype)


def _card(name: str, cards: Catalogue) -> ModelCard | None:
    """The card that a name means exactly."""
    identity = cards.models.lookup(name)
    return cards.models.get(identity).as_release(name) if identity is not None else None


def _spellings(name: str) -> list[str]:
    """A name, and what stands in it: the last part of a path, the words before a bracket, those within."""
    parts = [p.strip().rstrip("/") for p in re.split(r"[();,]", name)]
    whole = [n for p in (name.strip(), *parts) for n in (p, p.rpartition("/")[2])]
    return list(dict.fromkeys(n for p in whole for n in (p, GGUF_NAME.sub("", p)) if n))


def _is_scaled(card: ModelCard) -> bool:
    return bool(card.weights.rules)


def identify_model(
    record: EvidenceRecord, cards: Catalogue, *, any_weights: bool = False, own_types: bool = False
) -> Identified:
    """The card that a record is about.

    Args:
        record: whose model is looked for.
        cards: the catalogue.
        own_types: take quantized files for those that the engine's own tool makes of that type: others mix theirs
            differently, which only somebody who knows the file can judge.
        any_weights: also where the weights are quantized in a way that is not modelled, for what does not depend on
            them.

    Raises:
        Skipped: no card, several, or a quantization that is not modelled.
    """
    if not record.model:
        raise Skipped("the record names no model")
    if record.model.endswith(".gguf") and not cards.names_only and os.path.isfile(record.model):
        return Identified(_of_file(record.model))
    if any_weights and (record.quantization or "").lower() not in _GGUF_RELEASED:
        card = _identified(replace(record, quantization=None), cards, named=True).card
        own = _own_type(record) if own_types else None
        return Identified(card, own, weights_known=own is not None, guessed=own is not None)
    identified = _identified(record, cards)
    if TEXT_ONLY in (record.note or ""):
        card = identified.card
        return replace(identified, card=replace(card, architecture=replace(card.architecture, towers=())))
    return identified


def _of_file(path: str) -> ModelCard:
    """The card of a GGUF file that is here.

    Raises:
        Skipped: it cannot be read.
    """
    from gpu_sizer.importers.sources import import_source

    try:
        return import_source(path)
    except CardError as error:
        raise Skipped(str(error)) from None


def _own_type(record: EvidenceRecord) -> str | None:
    """The engine's own type of the file of weights, by its name or as the log tells it; null where it is none known.

    A mixture of somebody's own (Unsloth's UD) is called by the type of most of its tensors, and is another.
    """
    if re.search(r"\bUD[-_]", record.model or ""):
        return None
    told = (record.quantization or "").lower().removeprefix("gguf").strip()
    kind = re.match(r"(i?q\d\w*)(?: - (small|medium|large))?", told)
    name = GGUF_NAME.search(record.model or "")
    spelled = [f"{kind[1]}_{kind[2][0]}" if kind[2] else kind[1]] if kind else []
    spelled += [name["type"]] if name and name["type"] else []
    own = engine(record.engine).own_format
    return next((own_type for text in spelled if (own_type := own(text)) is not None), None)


def _identified(record: EvidenceRecord, cards: Catalogue, *, named: bool = False) -> Identified:
    """The card; ``named`` takes a name for the model's even where it tells of a quantization."""
    method = (record.quantization or "").lower()
    told = next((m for m in _OTHER if re.search(rf"\b{m}\b", method) or m in record.model.lower()), None)
    if told is not None and not named and not any(f in method for f in ("fp8", "mxfp4")):
        raise Skipped(f"{told} weights are not modelled")
    for name in _spellings(record.model):
        # Before the cards, which are found without the organisation: another's release of that name is another.
        if (card := cards.listed(name)) is not None:
            found = _as_quantized(card, method)
            return replace(found, guessed=found.guessed or not card.verified)
        if (card := _card(name, cards)) is not None:
            return _as_quantized(card, method)
        release = base_and_format(name)
        if release is not None and (card := _card(release[0], cards)) is not None:
            made = as_rerelease(card, name, release[1])
            return _as_format(card, release[1]) if made is None else Identified(made, guessed=not made.verified)
    try:
        ending = GGUF_NAME.sub("", record.model.rstrip("/").rpartition("/")[2])
        card = cards.models.get(cards.models.resolve(ending))
    except UnknownModelError as error:
        raise Skipped(str(error)) from None
    return _as_quantized(card, method)


def _as_quantized(card: ModelCard, method: str) -> Identified:
    """The card, as its float8 version where the log says so and the card was released in 16 bits."""
    if any(m in method for m in _FLOAT8) and not _is_scaled(card):
        return Identified(card, "float8-tensor")
    packed = next((fmt for word, fmt in _PACKED.items() if word in method), None)
    return Identified(card) if packed is None else _as_format(card, packed)


def _as_format(card: ModelCard, fmt: WeightFormat) -> Identified:
    """The card in a format; as released where it is in one of that kind."""
    kind = fmt.partition("-")[0]
    alike = any(rule.format.partition("-")[0] == kind for rule in card.weights.rules)
    return Identified(card) if alike else Identified(card, fmt, guessed=True)


def _unnamed(total_gib: float) -> GpuSpec:
    """A GPU of which only the memory is known."""

    return GpuSpec(
        id="unnamed",
        name=f"a GPU of {total_gib:g} GiB",
        vendor="NVIDIA",
        platform="cuda",
        memory=Memory(marketed_gb=round(total_gib), visible_mib=total_gib * GIB / MIB, visible_basis="measured"),
        sources=(Source(url="log", facts="memory"),),
    )


def identify_gpu(record: EvidenceRecord, cards: Catalogue, *, any_gpu: bool = False) -> tuple[GpuSpec, bool]:
    """The GPU of a record with the memory that its log printed, and whether its memory is known.

    A GPU that the log does not name, and whose memory it does not tell, still takes its share of the weights:
    then a data-centre GPU of 80 GB stands in, and nothing about memory may be compared.

    The same holds for a name that is not known where ``any_gpu`` says that little depends on it.

    Raises:
        Skipped: a name that is not known.
    """
    total = record.gpu_total_gib
    if record.gpu is None:
        return (_unnamed(total), True) if total else (cards.gpus.get("h100-80gb"), False)
    name = re.sub(r"\(.*?\)|/.*$", "", record.gpu).strip()
    try:
        spec = cards.gpus.get(cards.gpus.resolve(name))
    except UnknownGpuError as error:
        candidates = [c for c in error.suggestions if c in cards.gpus.files] if error.kind == "ambiguous" else []
        specs = [cards.gpus.get(c) for c in candidates]
        if total and specs:
            spec = min(specs, key=lambda g: abs(g.visible_bytes - total * GIB))
        elif total:
            spec = _unnamed(total)
        elif specs:
            # Several sizes bear the name: what a program saw is not known.
            return min(specs, key=lambda g: g.visible_bytes), False
        elif any_gpu:
            return cards.gpus.get("h100-80gb"), False
        else:
            raise Skipped(str(error)) from None
    if total:
        memory = replace(spec.memory, visible_mib=total * GIB / MIB, visible_basis="measured")
        spec = replace(spec, memory=memory)
    return spec, True
