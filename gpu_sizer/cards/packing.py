"""Cards packed for an installation: the documents of a folder's files in a few files of it.

A thousand small files take more room in a wheel by their names, checksums and separate compression than by what they
say. A checkout keeps a file for each card; wheels and the page's program hold these, and every reader of folders takes
both (:func:`gpu_sizer.cards.loading.read_documents`).
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from pathlib import Path

from gpu_sizer.cards.catalogue import Shelf
from gpu_sizer.cards.fleet import Fleet
from gpu_sizer.cards.folders import DRAFTS, MACHINES, PASSED_BY, RERELEASES
from gpu_sizer.cards.gpu_spec import GpuSpec
from gpu_sizer.cards.light_card import recipe as light_cards
from gpu_sizer.cards.loading import MOST_BYTES
from gpu_sizer.cards.model_card import ModelCard
from gpu_sizer.cards.rerelease_shelf import Rereleases
from gpu_sizer.fast.compiled import Recipe
from gpu_sizer.fast.stamps import yaml_files

#: The folders of cards that an installation brings.
FOLDERS = ("model_cards", "gpu_specs")
#: What stands between two documents (https://yaml.org/spec/1.2.2/#912-document-markers).
_BETWEEN = "---\n"
_DOCUMENT = re.compile(f"^{_BETWEEN}", re.MULTILINE)
#: The line by which editors find the schema: a path of the checkout.
_SCHEMA = re.compile(r"\A# yaml-language-server: .*\n")


def packed(folder: str) -> dict[str, bytes]:
    """The files of a folder by their paths in it, the documents of what is read together in as few as can be read.

    Packing what is packed gives the same files.

    Args:
        folder: one of ``FOLDERS``.
    """
    together: dict[str, list[str]] = defaultdict(list)
    for file in map(Path, yaml_files([folder])):
        top = file.relative_to(folder).parts[0]
        texts = _DOCUMENT.split(_SCHEMA.sub("", file.read_text(encoding="utf-8")))
        together[f"{top}/" if top in PASSED_BY else ""] += texts
    made = {}
    for place, texts in together.items():
        for number, text in enumerate(_filled(texts), start=1):
            made[f"{place}cards-{number:02}.yaml"] = text.encode()
    return made


def _filled(texts: list[str]) -> list[str]:
    """Documents in as few texts as no reader refuses."""
    filled: list[str] = []
    for text in texts:
        whole = f"{filled[-1]}{_BETWEEN}{text}" if filled else text
        if filled and len(whole.encode()) <= MOST_BYTES:
            filled[-1] = whole
        else:
            filled.append(text)
    return filled


def write(source: str, target: str) -> None:
    """Writes the folders of ``source``, packed, into ``target``."""
    for name in FOLDERS:
        for path, data in packed(os.path.join(source, name)).items():
            file = Path(target, name, path)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)


def recipes(root: str) -> tuple[Recipe, ...]:
    """What the compiled catalogue of the cards below a folder is made from.

    Args:
        root: a folder that holds ``FOLDERS``.
    """
    cards, specs = (os.path.join(root, name) for name in FOLDERS)
    return (
        Shelf(ModelCard, (cards,)).recipe(),
        Shelf(ModelCard, (os.path.join(cards, DRAFTS),), None, "draft").recipe(),
        Shelf(GpuSpec, (specs,)).recipe(),
        Fleet((os.path.join(specs, MACHINES),)).recipe(),
        Rereleases((os.path.join(cards, RERELEASES),)).recipe(),
        light_cards(cards),
    )
