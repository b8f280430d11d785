"""The whole catalogue, or one file of it, checked: what ``gpu-sizer validate`` asks."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from gpu_sizer.cards.catalogue import Catalogue, data_folder
from gpu_sizer.cards.checks import check_card, check_draft, check_drafts, check_language_model
from gpu_sizer.cards.fleet import machine_folders
from gpu_sizer.cards.folders import COUNTS, DRAFTS, LIGHT_FOLDERS
from gpu_sizer.cards.gpu_slices import Slices, check_wholes
from gpu_sizer.cards.gpu_spec import GpuSpec
from gpu_sizer.cards.hub_counts import Counts, Explained
from gpu_sizer.cards.light_card import light_cards, load_light_cards
from gpu_sizer.cards.loading import kind_of, load_card
from gpu_sizer.cards.machine import Provider
from gpu_sizer.cards.machine_files import check_gpus, load_provider, providers
from gpu_sizer.cards.model_card import ModelCard
from gpu_sizer.cards.provenance import check_addresses, check_sources
from gpu_sizer.cards.rerelease_files import check, contents, tables
from gpu_sizer.cards.rerelease_table import Table
from gpu_sizer.cards.spec_checks import check_day, check_rates
from gpu_sizer.errors import CardError
from gpu_sizer.fast.stamps import yaml_files


class Checked(NamedTuple):
    """How much was checked."""

    cards: int
    """Model cards, those of drafts, GPU specs and light cards."""
    machines: int
    providers: int
    rereleases: int


def check_catalogue(cards: Catalogue) -> Checked:
    """Every card, spec, table and count, those of one's own included.

    Raises:
        CardError: the first mistake.
    """
    cards.models.index, cards.gpus.index  # noqa: B018 - building an index checks that names are unique
    models, specs, light = cards.models.all(), cards.gpus.all(), light_cards()
    for model in models:
        check_card(model, cards.models.files[model.id])
        check_language_model(model, cards.models, cards.models.files[model.id])
        if _is_shipped(cards.models.files[model.id]):
            check_sources(model, cards.models.files[model.id])
        if model.draft is not None:
            raise CardError(cards.models.files[model.id], "draft", f"a draft's card stands in {DRAFTS}/")
    drafts = check_drafts(cards)
    for draft in cards.drafts.all():
        if _is_shipped(cards.drafts.files[draft.id]):
            check_sources(draft, cards.drafts.files[draft.id])
    for spec in specs:
        check_rates(spec, cards.gpus.files[spec.id])
        if _is_shipped(cards.gpus.files[spec.id]):
            check_addresses(spec.sources, cards.gpus.files[spec.id])
            check_day(spec, cards.gpus.files[spec.id])
    for entry in light:
        check_addresses(entry.sources, entry.id)
    found = providers(machine_folders(cards.folders))
    check_gpus(found.values(), cards.gpus.files)
    explained = explained_counts(cards)
    for file, table in tables(cards.rereleases.folders):
        check(file, table, cards.models, explained)
    again = len(contents(cards.rereleases.folders, cards.rereleases.newer))
    machines = sum(len(p.machines) for p in found.values())
    return Checked(len(models) + drafts + len(specs) + len(light), machines, len(found), again)


def specs_among(files: Iterable[Path]) -> frozenset[str]:
    """Ids of the GPU specs among some files; broken ones are left to be told by their own check."""
    found = set()
    for file in files:
        with suppress(CardError):
            if kind_of(file) is GpuSpec:
                found.add(load_card(file, GpuSpec).id)
    return frozenset(found)


def check_file(file: Path, cards: Catalogue, beside: frozenset[str] = frozenset()) -> None:
    """One file, of whatever kind; those of the shipped catalogue by its own rules for sources as well.

    Args:
        file: the file.
        cards: what else there is.
        beside: ids of GPU specs that are checked with it, which machines may have.

    Raises:
        CardError: its first mistake.
    """
    if file.resolve().parent.parent.name in LIGHT_FOLDERS:
        for light in load_light_cards(file):
            check_addresses(light.sources, file)
    elif (kind := kind_of(file)) is ModelCard:
        card = load_card(file, ModelCard)
        if card.draft is not None:
            check_draft(card, cards.models, file)
        check_card(card, file)
        check_language_model(card, cards.models, file)
        if _is_shipped(file):
            check_sources(card, file)
    elif kind is Provider:
        check_gpus([load_provider(file)], beside.union(cards.gpus.files), str(file))
    elif kind is Table:
        check(file, load_card(file, Table), cards.models, explained_counts(cards))
    elif kind is Counts:
        Explained(cards.models).check_table(file, load_card(file, Counts))
    elif kind is Slices:
        table = load_card(file, Slices)
        check_wholes(table, file, cards.gpus.files)
        if _is_shipped(file):
            check_addresses(table.sources, file)
    else:
        spec = load_card(file, GpuSpec)
        check_rates(spec, file)
        if _is_shipped(file):
            check_addresses(spec.sources, file)
            check_day(spec, file)


def explained_counts(cards: Catalogue) -> Explained:
    """What the shipped counts say of the cards, each checked.

    Raises:
        CardError: the first that is another than its card's without a reason.
    """
    explained = Explained(cards.models)
    for file in map(Path, yaml_files([str(Path(data_folder("model_cards"), COUNTS))])):
        explained.check_table(file, load_card(file, Counts))
    return explained


def _is_shipped(file: Path | str) -> bool:
    """Whether a file lies in the program's own catalogue."""
    folders = (Path(data_folder(name)).resolve() for name in ("model_cards", "gpu_specs"))
    return any(Path(file).resolve().is_relative_to(folder) for folder in folders)
