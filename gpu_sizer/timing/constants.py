"""The constants of the formulas, by engine and generation, kind of GPU and kind of link.

They are fitted by ``tools/fit_speed.py`` and kept in ``constants.yaml``; ``generations.yaml`` says which versions of an
engine are one. What a GPU or link without measurements has
stands there as ``other``: the prior from which every fitted value may depart as far as measurements ask for.
"""

from __future__ import annotations

import os
import re
from functools import cache

from gpu_sizer.errors import UncountableError
from gpu_sizer.fast.compiled import Recipe
from gpu_sizer.records import dataclass, fields

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gpu_sizer.fast.compiled import Compiled
    from gpu_sizer.timing.case import Number

_HERE = os.path.dirname(os.path.abspath(__file__))
#: The row of a table that stands for what has no measurements.
OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class OfGpu:
    """Of a kind of GPU: shares of what its data sheet says."""

    read: Number
    """Of the bandwidth, reading weights."""
    compute: Number
    """Of the operations, decoding in 16 bits."""
    prefill: Number
    """Of the operations, working through a prompt in 16 bits."""
    compute8: Number
    """What of these shares is left in 8 bits."""
    compute4: Number
    """... and in 4."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OfEngine:
    """Of an engine and its generation: factors on the GPU's shares, and seconds."""

    read: Number
    expert_read: Number
    """Of the bandwidth that dense weights are read with, reading experts."""
    expert_compute: Number
    """Of the operations, the few tokens of each expert while decoding."""
    cache_read: Number
    """Of the bandwidth that weights are read with, reading the cache."""
    prefill: Number
    prefill_expert: Number
    """Of the operations, the experts of a prompt."""
    layer: Number
    """Seconds of a layer that are neither reading nor computing: launches, small kernels."""
    expert_layer: Number
    """... more in a layer with experts."""
    step: Number
    """Seconds of a step outside of the layers: scheduling, sampling."""
    request: Number
    """Seconds of a step for each request."""
    prompt: Number
    """Seconds of a prompt beside its operations."""
    first: Number
    """Seconds to a first token beside the prompt."""
    queue: Number
    """The share of the other requests' prompts that a new one waits for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OfLink:
    """Of a kind of link between GPUs."""

    share: Number
    """Of its bandwidth, for the few tokens of a step."""
    prompt_share: Number
    """... for those of a prompt."""
    hop: Number
    """Seconds of one round of a collective, however little is sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OfAll:
    """Of every engine and GPU."""

    attention: Number
    """Share of the operations in 16 bits that attention reaches."""
    latent_layer: Number
    """Seconds more of a layer with a latent."""
    state_layer: Number
    """... with a state."""
    scaled_layer: Number
    """... whose activations are scaled to fewer bits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Constants:
    """What the formulas take, of one engine, GPU and link."""

    read: Number
    expert_read: Number
    cache_read: Number
    dense_compute: Number
    expert_compute: Number
    wide_compute: Number
    dense_prefill: Number
    expert_prefill: Number
    attention: Number
    link: Number
    link_prompt: Number
    hop: Number
    layer: Number
    expert_layer: Number
    latent_layer: Number
    state_layer: Number
    scaled_layer: Number
    step: Number
    request: Number
    prompt: Number
    first: Number
    queue: Number


def combined(g: OfGpu, e: OfEngine, link: OfLink, a: OfAll, dense: Number, expert: Number) -> Constants:
    """The constants of one engine on one kind of GPU and link.

    Args:
        g: of the GPU.
        e: of the engine.
        link: of the link.
        a: of all.
        dense: what is left of the shares of peak in the type of the dense weights.
        expert: ... in the type of the experts.
    """
    return Constants(
        read=g.read * e.read,
        expert_read=e.expert_read,
        cache_read=e.cache_read,
        dense_compute=g.compute * dense,
        expert_compute=g.compute * e.expert_compute * expert,
        wide_compute=g.compute,
        dense_prefill=g.prefill * e.prefill * dense,
        expert_prefill=g.prefill * e.prefill * e.prefill_expert * expert,
        attention=a.attention,
        link=link.share,
        link_prompt=link.prompt_share,
        hop=link.hop,
        layer=e.layer,
        expert_layer=e.expert_layer,
        latent_layer=a.latent_layer,
        state_layer=a.state_layer,
        scaled_layer=a.scaled_layer,
        step=e.step,
        request=e.request,
        prompt=e.prompt,
        first=e.first,
        queue=e.queue,
    )


def _make() -> dict[str, Any]:
    import yaml

    made: dict[str, Any] = {}
    for name in ("generations.yaml", "constants.yaml"):
        with open(os.path.join(_HERE, name), encoding="utf-8") as stream:
            made |= yaml.safe_load(stream) or {}
    return made


def recipe() -> Recipe:
    """What the compiled constants are made from."""
    return Recipe("timing", [_HERE], _make)


@cache
def _kept() -> Compiled | dict[str, Any]:
    return recipe().current() or _make()


def table(name: str) -> Any:
    """One part of ``constants.yaml``."""
    kept = _kept()
    return kept[name] if isinstance(kept, dict) else kept.entry(name)


@cache
def _row(kind: type, name: str, key: str) -> Any:
    rows = table(name)
    row = rows.get(key) or rows[OTHER]
    return kind(**{f.name: row[f.name] for f in fields(kind)})


def version_of(text: str) -> tuple[int, ...]:
    """The numbers of a version: ``0.7.3`` and ``v0.7.3.post1`` begin alike."""
    return tuple(int(n) for n in re.findall(r"\d+", text)[:3])


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """Versions of an engine that are measured together, on one platform."""

    key: str
    engine: str
    platform: str
    first: str | None
    """The first version; null is the oldest."""
    reserves: bool
    """Whether room in the cache is kept for the whole answer from its beginning."""
    latency: bool
    """Whether times of single tokens were measured."""
    most_users: int | None
    """Requests at once up to which anything was measured; null is any number."""
    sure: bool = True
    """Whether what it gives is judged by the end of the range that is worse, or by the estimate itself."""


@cache
def generation(engine: str, release: str, platform: str) -> Generation:
    """The generation that a version of an engine belongs to, on a platform.

    Raises:
        UncountableError: nothing was measured of this engine on this platform.
    """
    every = [Generation(**row) for row in table("generations")]
    version = version_of(release)
    for g in every:
        if g.engine == engine and g.platform == platform and (g.first is None or version >= version_of(g.first)):
            return g
    measured = sorted({g.engine for g in every if g.platform == platform})
    where = f"; measured there: {', '.join(measured)}" if measured else ", nor of any other engine there"
    raise UncountableError(f"nothing was measured of the speed of {engine} {release} on {platform}{where}")


@cache
def constants(engine_key: str, gpu_kind: str, link_kind: str, dense_bits: int, expert_bits: int) -> Constants:
    """The constants of an engine's generation on a kind of GPU and link, with weights of so many bits."""
    gpu: OfGpu = _row(OfGpu, "gpus", gpu_kind)
    narrow = {8: gpu.compute8, 4: gpu.compute4}
    return combined(
        gpu,
        _row(OfEngine, "engines", engine_key),
        _row(OfLink, "links", link_kind),
        _row(OfAll, "all", OTHER),
        narrow.get(dense_bits, 1.0),
        narrow.get(expert_bits, 1.0),
    )
