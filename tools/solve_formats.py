"""Which matrices of a re-release are converted, and how, solved from the hub's count of what its files store.

A name tells a format, not what is left as it was. A matrix in NVFP4 stores half as many bytes as values and a scale
for 16 of them; llm-compressor's files add one or two numbers a matrix (the scales of all its values and of the
activations), and the hub leaves all scales of modelopt's out of its count. Float8 adds its scales: one for a block of
128 x 128 values, or one a row. So a count differs from that of the unquantized release by a sum over whole kinds of
matrices, and mostly a single set of kinds makes it to the value. It is taken where it is the only one, and what remains
is no more than the numbers beside its matrices (a cache's scales among them).

Where such numbers are not counted, attention in float8 cannot be told from attention as released: a set without it is
then taken only where a card of the same layers, which was read from its configuration, has that very count.

``python tools/solve_formats.py ROWS`` prints what it finds; ``tools/match_rereleases.py`` writes it.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from itertools import combinations, product
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parent.parent))

from gpu_sizer.cards.model_card import ModelCard
from gpu_sizer.cards.rereleases import LAYER_KINDS
from gpu_sizer.model.formats import SCALE_BLOCK
from gpu_sizer.model.inventory import Inventory, build_inventory
from gpu_sizer.model.tensor import Tensor
from gpu_sizer.units import ceil_div

#: How a name's format may be meant: float8 without more says no shape of its scales.
MEANT: dict[str, tuple[str, ...]] = {
    "nvfp4": ("nvfp4",),
    "float8-tensor": ("float8-block", "float8-channel"),
    "float8-channel": ("float8-channel", "float8-block"),
    "float8-block": ("float8-block", "float8-channel"),
}
#: Values under one scale of NVFP4.
GROUP = 16
_HEAD_AS_IT_WAS = re.compile(r"bf16[-_]?lm[-_]?head", re.IGNORECASE)
#: The most numbers beside a matrix: the scales of all its values and of its activations; beside a layer: of a cache.
BESIDE_MATRIX = BESIDE_LAYER = 2
#: Kinds that modelopt has in float8 in releases whose other matrices are in four bits.
MAYBE_FLOAT8 = frozenset({"attention", "linear_attention", "mlp", "shared_experts"})


class Stored(NamedTuple):
    """One kind of matrices: its values, their scales, and how many matrices there are."""

    values: int
    scales: int
    matrices: int


def _named(inventory: Inventory) -> Iterator[tuple[str, Tensor, int]]:
    """Each tensor by the name that rules know it by, with the number of layers that have it."""
    for block, layers in Counter(inventory.layer_names).items():
        for tensor in inventory.blocks[block]:
            yield f"layers.{block}.{tensor.name}", tensor, layers
    if not inventory.tied:
        for tensor in inventory.head:
            yield tensor.name, tensor, 1


def _scales(fmt: str, rows: int, columns: int) -> int:
    """Scales of one matrix."""
    if fmt == "nvfp4":
        return rows * columns // GROUP
    return rows if fmt == "float8-channel" else ceil_div(rows, SCALE_BLOCK) * ceil_div(columns, SCALE_BLOCK)


def kinds(inventory: Inventory, fmt: str) -> dict[str, Stored]:
    """What of a model a tool may convert, by kind."""
    made: dict[str, Stored] = {}
    for name, tensor, layers in _named(inventory):
        if not (tensor.is_linear or tensor.part == "lm_head") or len(tensor.shape) < len(("rows", "columns")):
            continue
        kind = next((k for k, patterns in LAYER_KINDS.items() if any(fnmatchcase(name, p) for p in patterns)), None)
        if kind is not None:
            *outer, rows, columns = tensor.shape
            matrices, old = prod(outer) * tensor.copies * layers, made.get(kind, Stored(0, 0, 0))
            scales = old.scales + matrices * _scales(fmt, rows, columns)
            made[kind] = Stored(old.values + matrices * rows * columns, scales, old.matrices + matrices)
    return made


def _unquantized(inventory: Inventory) -> set[int]:
    """What a repository may count before anything is converted."""
    head = sum(prod(t.shape) * t.copies for t in inventory.head) if inventory.tied else 0
    tower = sum(prod(t.shape) * t.copies for t in inventory.towers if not t.is_parameter)
    ahead = sum(prod(t.shape) * t.copies for t in inventory.mtp)
    buffers = sum(prod(t.shape) * t.copies * n for t, n in inventory.everything() if not t.is_parameter) - tower
    sums = product(*({0, n} for n in (head, tower, ahead, buffers)))
    return {inventory.total_parameters + sum(parts) for parts in sums}


def _sets(of: Iterable[str]) -> Iterator[tuple[str, ...]]:
    names = list(of)
    for size in range(1, len(names) + 1):
        yield from combinations(names, size)


def _solved(inventory: Inventory, fmt: str, count: int) -> set[tuple[str, ...]]:
    """The sets of kinds that make the count in one format."""
    stored, before, found = kinds(inventory, fmt), _unquantized(inventory), set()
    caches = BESIDE_LAYER * len(inventory.layer_names)
    for chosen in _sets(stored):
        parts = [stored[kind] for kind in chosen]
        if fmt != "nvfp4":
            if any(count == whole + sum(p.scales for p in parts) for whole in before):
                found.add(chosen)
            continue
        matrices = sum(p.matrices for p in parts)
        packed, scales = sum(p.values // 2 for p in parts), sum(p.scales for p in parts)
        # Where the numbers beside matrices are counted, those of float8 would be, too.
        least = (0,) if not MAYBE_FLOAT8 & (stored.keys() - set(chosen)) else (matrices, BESIDE_MATRIX * matrices)
        most = [n + caches if n else BESIDE_MATRIX * matrices + caches for n in least]
        for without in (count - whole + packed for whole in before):
            is_bare = without == 0 and least == (0,)
            if is_bare or any(low <= without - scales <= high for low, high in zip(least, most, strict=True)):
                found.add(chosen)
    return found


def solved(card: ModelCard, fmt: str, count: int) -> dict[str, str] | None:
    """The format of each converted kind; null where no set or several make the count.

    Args:
        card: the release that was converted, unquantized.
        fmt: the format that the repository's name tells.
        count: what the hub counts of its files.
    """
    inventory = build_inventory(card)
    found = [(meant, chosen) for meant in MEANT.get(fmt, ()) for chosen in _solved(inventory, meant, count)]
    return dict.fromkeys(found[0][1], found[0][0]) if len(found) == 1 else None


def as_known(card: ModelCard, count: int, exact: Iterable[tuple[ModelCard, int]]) -> dict[str, str] | None:
    """The formats of an NVFP4 card of the same layers whose own repository has the same count; null without one."""
    layers = (card.architecture.blocks, card.architecture.stack)
    for known, counted in exact:
        if counted == count and (known.architecture.blocks, known.architecture.stack) == layers:
            return {
                kind: rule.format
                for rule in known.weights.rules
                for kind, patterns in LAYER_KINDS.items()
                if any(fnmatchcase(name, p) for name in rule.tensors for p in patterns)
            }
    return None


def formats_of(
    card: ModelCard, name: str, fmt: str | None, count: int | None, exact: Iterable[tuple[ModelCard, int]] = ()
) -> dict[str, str] | None:
    """What of a re-release is in which format, as far as its count tells; null where it does not.

    Args:
        card: the release that was converted, unquantized.
        name: what the re-release is called.
        fmt: the format that this tells.
        count: what the hub counts of its files.
        exact: cards whose recipe is known, with the counts of their own repositories.
    """
    if fmt is None or not count or card.weights.rules:
        return None
    found = (as_known(card, count, exact) if fmt == "nvfp4" else None) or solved(card, fmt, count)
    # Metadata that contradict the name are another repository's.
    return None if found is not None and "lm_head" in found and _HEAD_AS_IT_WAS.search(name) else found


def exact_cards(models: Any, rows: Iterable[dict[str, Any]]) -> list[tuple[ModelCard, int]]:
    """The cards of NVFP4 releases with the hub's counts of their repositories, where those are of packed values."""
    counts = {row["name"].lower(): row["parameters_raw"] for row in rows}
    cards = [card for card in models.all() if any(rule.format == "nvfp4" for rule in card.weights.rules)]
    made = [(card, counts.get((card.hub_id or "").lower())) for card in cards]
    return [(card, count) for card, count in made if count and count < build_inventory(card).total_parameters]


def main() -> None:
    """Prints what is solved of the tables' lines."""
    from gpu_sizer.cards.catalogue import Catalogue, data_folder
    from gpu_sizer.cards.folders import RERELEASES
    from gpu_sizer.cards.rerelease_files import tables
    from tools.hub_dump import read_rows

    rows = read_rows(Path(sys.argv[1]))
    counts = {row["name"]: row["parameters_raw"] for row in rows}
    models = Catalogue().models
    exact = exact_cards(models, rows)
    for _, table in tables([str(Path(data_folder("model_cards")) / RERELEASES)]):
        for name, lines in table.cards.items():
            card = models.get(models.resolve(name)).as_release(name)
            for line in lines:
                if line.format is not None and (
                    found := formats_of(card, line.hub_id, line.format, counts.get(line.hub_id), exact)
                ):
                    print(f"{line.hub_id} ({card.id}): {found}")


if __name__ == "__main__":
    main()
