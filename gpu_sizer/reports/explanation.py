"""Where a model's bytes go: its parameters by part, its cache by layer, with the formulas."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from math import prod
from typing import Any

from gpu_sizer.cards.model_card import ModelCard
from gpu_sizer.engines.registry import engine
from gpu_sizer.model.caches import LayerKeeps
from gpu_sizer.model.formats import storage_bytes
from gpu_sizer.model.inventory import Inventory, build_inventory
from gpu_sizer.units import gb, gib


def _weights(inventory: Inventory) -> Iterator[str]:
    sizes: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    formats: dict[str, Counter[str]] = {}
    for tensor, layers in inventory.everything():
        size = storage_bytes(tensor.shape, tensor.fmt) * tensor.copies * layers
        sizes[tensor.part] += size
        # A tower that the parameters leave out is loaded all the same.
        held = prod(tensor.shape) * tensor.copies if tensor.part == "tower" else tensor.parameters
        counts[tensor.part] += held * layers
        formats.setdefault(tensor.part, Counter())[tensor.fmt] += size
    width = max(len(p) for p in sizes)
    for part, size in sizes.most_common():
        kinds = ", ".join(f for f, _ in formats[part].most_common(2))
        yield f"  {part.replace('_', ' '):<{width}}  {counts[part]:>17,}  {gib(size):>10}  {kinds}"
    total = sum(sizes.values())
    yield f"  {'in all':<{width}}  {sum(counts.values()):>17,}  {gib(total):>10}  = {gb(total)}"


def _formula(card: ModelCard, name: str) -> str:
    mixer = card.architecture.blocks[name].mixer
    return mixer.words() if mixer is not None else "nothing: a feed-forward alone"


def _sizes(k: LayerKeeps, layers: int) -> Iterator[str]:
    """What so many layers of a kind keep: of every token, of a window, of a whole sequence."""
    # Windows beside or of compressed states are told whole: what a token takes there ends after some tokens.
    whole = k.token_bytes or k.latent
    windows = k.windows_bytes if whole else k.window_bytes
    if k.token_bytes:
        yield f"{k.token_bytes * layers:,.0f} bytes a token"
    if windows:
        yield f"{windows * layers:,.0f} bytes {'a sequence in windows' if whole else 'a token'}"
    if k.state_bytes and not k.token_bytes and not windows:
        yield f"{gib(k.state_bytes * layers)} a sequence"


def _cache(card: ModelCard) -> Iterator[str]:
    keeps = engine().layers_keep(card)
    for name, layers in Counter(card.architecture.layer_names).items():
        size = " and ".join(_sizes(keeps[name], layers)) or "0 bytes"
        yield f"  {layers:>3} x {name}: {_formula(card, name)}: {size}"


def _beside(inventory: Inventory) -> str:
    """What of a checkpoint the parameters leave out, in words."""
    tower = sum(prod(t.shape) * t.copies for t in inventory.towers if not t.is_parameter)
    ahead = sum(t.parameters for t in inventory.mtp)
    parts = ((tower, "of its tower"), (ahead, "of layers that predict ahead"))
    return " and ".join(f"{count:,} {words}" for count, words in parts if count)


def explain_model(card: ModelCard, *, weights_dtype: str | None = None, **load: Any) -> Iterator[str]:
    """Parameters, bytes and cache of a model, line by line; all else of a load changes none of them."""
    inventory = build_inventory(card, weights_dtype)
    yield f"{card.name}: {inventory.total_parameters:,} parameters, {inventory.active_parameters:,} active per token"
    if (without := inventory.active_without_embedding) != inventory.active_parameters:
        yield f"  {without:,} of these compute a token: no table that is looked up, no tower"
    if (held := inventory.checkpoint_parameters) != inventory.total_parameters:
        yield f"  {held:,} in the checkpoint, {_beside(inventory)} beside these"
    yield ""
    yield "Weights, as they are stored"
    yield from _weights(inventory)
    if inventory.mtp:
        kept_apart = sum(t.parameters for t in inventory.mtp)
        yield f"  beside these, {kept_apart:,} for multi-token prediction, not loaded without speculation"
    yield ""
    yield f"Cache of one sequence ({card.weights.cache_dtype}), by kind of layer, on one GPU"
    yield from _cache(card)
