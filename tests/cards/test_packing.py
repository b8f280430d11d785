"""Cards in few files, as a wheel and the page's program bring them: the same cards, and packed again the same files."""

from __future__ import annotations

from pathlib import Path

import pytest

from gpu_sizer.cards import packing
from gpu_sizer.cards.catalogue import Shelf, catalogue, data_folder
from gpu_sizer.cards.fleet import Fleet, fleet
from gpu_sizer.cards.folders import LIGHT_FOLDERS, MACHINES, RERELEASES
from gpu_sizer.cards.gpu_spec import GpuSpec
from gpu_sizer.cards.light_card import light_cards
from gpu_sizer.cards.loading import load_card
from gpu_sizer.cards.model_card import ModelCard
from gpu_sizer.cards.rerelease_files import contents
from gpu_sizer.errors import CardError
from gpu_sizer.fast.compiled import SWITCH

ROOT = str(Path(data_folder("model_cards")).parent)


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("packed")
    packing.write(ROOT, str(folder))
    return folder


def test_packed_cards_are_the_same(packed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SWITCH, "0")
    cards = catalogue()
    assert Shelf(ModelCard, (str(packed / "model_cards"),)).all() == cards.models.all()
    assert Shelf(ModelCard, (str(packed / "model_cards" / "drafts"),)).all() == cards.drafts.all()
    assert Shelf(GpuSpec, (str(packed / "gpu_specs"),)).all() == cards.gpus.all()
    assert Fleet((str(packed / "gpu_specs" / MACHINES),)).all() == fleet(cards).all()
    assert contents([str(packed / "model_cards" / RERELEASES)]) == contents(cards.rereleases.folders)
    light = [light_cards(str(packed / "model_cards" / name)) for name in LIGHT_FOLDERS]
    assert sorted((c for found in light for c in found), key=lambda c: (c.released, c.id)) == list(light_cards())


def test_they_are_few_files_and_packed_again_the_same(packed: Path) -> None:
    files = {str(f.relative_to(packed)): f.read_bytes() for f in packed.rglob("*.yaml")}
    assert len(files) <= 12
    again = {
        f"{name}/{path}": data for name in packing.FOLDERS for path, data in packing.packed(str(packed / name)).items()
    }
    assert again == files


def test_one_card_is_taken_where_one_is_asked_for(packed: Path) -> None:
    with pytest.raises(CardError, match="holds several cards"):
        load_card(packed / "gpu_specs" / "cards-01.yaml", GpuSpec)
