"""Cards built from data that were validated before: no checks but the records' own.

A compiled catalogue holds the plain data of validated cards. What pydantic would find out from annotations
stands here as a table; a test holds the two together.
"""

from __future__ import annotations

from gpu_sizer.cards import mixers
from gpu_sizer.cards.architecture import Architecture, Block, ExtraTensor, MultiTokenPrediction, Run, Tower
from gpu_sizer.cards.feed_forwards import Dense, MixtureOfExperts
from gpu_sizer.cards.gpu_spec import Compute, GpuSpec, Memory
from gpu_sizer.cards.model_card import ContextLength, FormatRule, ModelCard, Parameters, Release, Source, Weights

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MIXERS = {
    "attention": mixers.Attention,
    "latent_attention": mixers.LatentAttention,
    "compressed_attention": mixers.CompressedAttention,
    "mamba1": mixers.Mamba1,
    "mamba2": mixers.Mamba2,
    "gated_delta_net": mixers.GatedDeltaNet,
    "kimi_delta_attention": mixers.KimiDeltaAttention,
    "linear_attention": mixers.LinearAttention,
    "short_convolution": mixers.ShortConvolution,
    "stream_convolution": mixers.StreamConvolution,
}
FEED_FORWARDS = {"dense": Dense, "mixture_of_experts": MixtureOfExperts}

#: Fields that hold records: one (a class, or classes by ``kind``), a list of them, or a mapping to them.
ONE: dict[type, dict[str, Any]] = {
    ModelCard: {"context": ContextLength, "weights": Weights, "parameters": Parameters, "architecture": Architecture},
    Release: {"context": ContextLength},
    Architecture: {"mtp": MultiTokenPrediction},
    Block: {"mixer": MIXERS, "second_mixer": MIXERS, "feed_forward": FEED_FORWARDS, "dense": Dense},
    mixers.Attention: {"indexer": mixers.Indexer, "short_convolutions": mixers.ShortConvolutions},
    mixers.LatentAttention: {"indexer": mixers.Indexer},
    GpuSpec: {"memory": Memory, "compute": Compute},
}
MANY: dict[type, dict[str, Any]] = {
    ModelCard: {"releases": Release, "sources": Source},
    Weights: {"rules": FormatRule},
    Architecture: {"stack": Run, "extra": ExtraTensor, "towers": Tower},
    Block: {"extra": ExtraTensor},
    Tower: {"tensors": ExtraTensor},
    MultiTokenPrediction: {"extra": ExtraTensor, "once": ExtraTensor},
    GpuSpec: {"sources": Source},
}
MAPPED: dict[type, dict[str, Any]] = {Architecture: {"blocks": Block}}
DATES: dict[type, tuple[str, ...]] = {
    ModelCard: ("released",),
    Release: ("released",),
    GpuSpec: ("released",),
}
_NONE: dict[str, Any] = {}


def _date(text: str) -> Any:
    try:
        # The class itself: up to Python 3.11 the module around it takes longer to load than a card.
        from _datetime import date  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        from datetime import date

    return date.fromisoformat(text)


def _pick(kind: Any, data: dict[str, Any]) -> Any:
    if isinstance(kind, dict):
        kind = kind[data.get("kind", next(iter(kind)))]
    return build(kind, data)


def build(kind: type, data: dict[str, Any]) -> Any:
    """A record of this class from validated plain data."""
    values: dict[str, Any] = {}
    one, many, mapped, dates = ONE.get(kind, _NONE), MANY.get(kind, _NONE), MAPPED.get(kind, _NONE), DATES.get(kind, ())
    for name, value in data.items():
        if value is None:
            values[name] = None
        elif name in one:
            values[name] = _pick(one[name], value)
        elif name in many:
            values[name] = tuple(_pick(many[name], item) for item in value)
        elif name in mapped:
            values[name] = {key: _pick(mapped[name], item) for key, item in value.items()}
        elif name in dates:
            values[name] = _date(value)
        elif isinstance(value, list):
            values[name] = tuple(value)
        else:
            values[name] = value
    return kind(**values)
