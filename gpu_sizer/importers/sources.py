"""Where a model can be imported from: a folder, a config.json, a GGUF file, a hub id."""

from __future__ import annotations

import os
from pathlib import Path

from gpu_sizer.cards.model_card import ModelCard
from gpu_sizer.cards.names import HUB_PREFIX
from gpu_sizer.errors import CardError
from gpu_sizer.importers.checkpoint import Checkpoint
from gpu_sizer.importers.crosscheck import compare
from gpu_sizer.importers.hugging_face import card_from_config, import_folder, read_json
from gpu_sizer.importers.safetensors import INDEX, read_checkpoint
from gpu_sizer.model.inventory import build_inventory
from gpu_sizer.records import replace

#: Differences shown in a note; the rest are counted.
SHOWN = 5


def _checked(card: ModelCard, checkpoint: Checkpoint, model_type: str) -> ModelCard:
    """The card, with what its checkpoint says otherwise: differences are notes, and the card is unverified."""
    if not (differences := compare(build_inventory(card), checkpoint, model_type)):
        return card
    shown = [f"checkpoint differs: {d}"[:380] for d in differences[:SHOWN]]
    if len(differences) > SHOWN:
        shown.append(f"checkpoint differs in {len(differences) - SHOWN:,} further tensors")
    return replace(card, verified=False, notes=(*card.notes, *shown))


def _from_folder(path: Path) -> ModelCard:
    card = import_folder(path)
    folder = path if path.is_dir() else path.parent
    if (checkpoint := read_checkpoint(folder)) is None:
        if not (folder / INDEX).is_file():
            return card
        return replace(card, notes=(*card.notes, "sized from its configuration: the shards of its index are not there"))
    raw = read_json(path / "config.json" if path.is_dir() else path)
    text = raw.get("text_config") if isinstance(raw.get("text_config"), dict) else {}
    return _checked(card, checkpoint, str(raw.get("model_type") or text.get("model_type")))


def _from_gguf(path: Path) -> ModelCard:
    """A GGUF file's card: that of the release where it is unquantized and its family is known, else of the file."""
    from gpu_sizer.importers.gguf import ARCHITECTURES, PLAIN, configuration, read_model
    from gpu_sizer.importers.gguf_layers import file_card

    metadata, checkpoint = read_model(path)
    quantized = any(t.dtype not in PLAIN for t in checkpoint.tensors.values())
    if quantized or metadata.get("general.architecture") not in ARCHITECTURES:
        return file_card(path, metadata, checkpoint)
    config = configuration(path, metadata, checkpoint)
    name = str(metadata.get("general.name") or path.stem)[:80]
    card = card_from_config(config, name=name.replace(" ", "-"), source=str(path), file=str(path))
    total, ours = checkpoint.total_elements, build_inventory(card).total_parameters
    # llama.cpp keeps a table of rope factors beside the weights, and nothing else that is no parameter.
    tables = sum(t.elements for t in checkpoint.tensors.values() if t.name.startswith("rope_"))
    if total - tables != ours:
        note = f"checkpoint differs: in all {total - tables:,} values stored, {ours:,} expected"
        card = replace(card, verified=False, notes=(*card.notes, note))
    return card


def import_source(source: str) -> ModelCard:
    """The card of a source.

    Raises:
        CardError: nothing usable there.
    """
    if source.startswith(HUB_PREFIX):
        from gpu_sizer.importers.hub import import_hub

        return import_hub(source.removeprefix(HUB_PREFIX))
    from gpu_sizer.importers.gguf import is_gguf

    path = Path(os.path.expanduser(source))
    try:
        if path.suffix == ".gguf" or (path.suffix == "" and path.is_file() and is_gguf(path)):
            return _from_gguf(path)
        if path.suffix == ".safetensors" and path.is_file():
            return _from_folder(path.parent)
        if path.is_dir() or path.suffix == ".json":
            return _from_folder(path)
        missing = not path.exists()
    except (OSError, ValueError) as error:
        raise CardError(source[:80], "", str(error)[:120]) from None
    what = "no such file or folder" if missing else "not a model folder, a config.json, a .gguf file or a YAML card"
    raise CardError(source[:80], "", what)
