"""Names: every spelling finds one card, a misspelt one finds none, and what could mean several is asked back."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gpu_sizer import CardError, UnknownGpuError, UnknownModelError, load_gpu, load_model
from gpu_sizer.cards.catalogue import Catalogue, Shelf, catalogue
from gpu_sizer.cards.model_card import ModelCard
from gpu_sizer.fast import compiled, stamps
from tests.cards.test_loading import GOOD

TINY = Path(__file__).parent.parent / "importers" / "tiny"


@pytest.mark.parametrize(
    ("name", "identity"),
    [
        ("mixtral-8x7b", "mixtral-8x7b"),
        ("Mixtral 8x7B", "mixtral-8x7b"),
        ("mistralai/Mixtral-8x7B-v0.1", "mixtral-8x7b"),
        ("Mixtral-8x7B-Instruct-v0.1", "mixtral-8x7b"),
        ("meta-llama/Meta-Llama-3-70B", "llama-3-70b"),
        ("gpt oss 120b", "gpt-oss-120b"),
        ("Command R+", "command-r-plus"),
        ("Qwen3-Coder-30B-A3B", "qwen3-30b-a3b"),
        ("Qwen/Qwen2.5-Coder-7B-Instruct", "qwen2.5-7b"),
        ("NousResearch/Hermes-3-Llama-3.1-405B", "llama-3.1-405b"),
    ],
)
def test_models_are_found(name: str, identity: str) -> None:
    assert load_model(name).id == identity


@pytest.mark.parametrize(
    ("name", "identity"),
    [
        ("a6000", "rtx-a6000"),
        ("RTX A6000", "rtx-a6000"),
        ("h100", "h100-80gb"),
        ("a100", "a100-80gb"),
        ("NVIDIA A100-SXM4-80GB", "a100-80gb"),
        ("4090", "rtx-4090"),
        ("RTX 4090 48GB", "rtx-4090-48gb"),
        ("RTX 4070 Ti", "rtx-4070-ti"),
    ],
)
def test_gpus_are_found(name: str, identity: str) -> None:
    assert load_gpu(name).id == identity


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("mixtrl 8x7b", "mixtral-8x7b"), ("lama-3-70b", "llama-3-70b"), ("deepsek-v3", "deepseek-v3")],
)
def test_a_misspelt_model_is_refused_with_what_it_nearly_is(name: str, nearest: str) -> None:
    with pytest.raises(UnknownModelError, match="did you mean") as caught:
        load_model(name)
    assert nearest in caught.value.suggestions


@pytest.mark.parametrize(
    "name",
    [
        "pixtral",
        "mistral",
        "deepseek coder",
        "olmo",
        "nemotron nano",
        "toksuite/microsoft-Phi-3-mini-4k-instruct",
    ],
)
def test_a_model_of_another_size_name_or_organisation_is_not_believed(name: str) -> None:
    with pytest.raises(UnknownModelError):
        load_model(name)


NEIGHBOURS = [
    ("NVIDIA A800", "a800-80gb"),
    ("A800 40GB", "a800-40gb"),
    ("rx 7900 xt", "rx-7900-xt"),
    ("7900 xt", "rx-7900-xt"),
    ("titan xp", "titan-xp"),
    ("Quadro P6000", "quadro-p6000"),
    ("NVIDIA L2", "l2"),
    ("V100S", "v100s"),
    ("RTX 4000 SFF Ada", "rtx-4000-sff-ada"),
    ("RTX PRO 6000 Max-Q", "rtx-pro-6000-max-q"),
    ("4090D", "rtx-4090-d"),
    ("4080 Super", "rtx-4080-super"),
    ("NVIDIA GeForce RTX 4090 Laptop GPU", "rtx-4090-laptop"),
    ("RTX 3080", "rtx-3080-10gb"),
    ("Apple M2 Ultra 192GB", "m2-ultra-192gb"),
]


@pytest.mark.parametrize(("name", "identity"), NEIGHBOURS, ids=[n for n, _ in NEIGHBOURS])
def test_a_gpu_is_not_taken_for_its_neighbour(name: str, identity: str) -> None:
    assert load_gpu(name).id == identity


@pytest.mark.parametrize("name", ["4060 Ti", "5060 Ti", "RTX A2000", "RTX 2060", "MI50", "M2 Ultra"])
def test_a_gpu_sold_with_several_memories_is_asked_back(name: str) -> None:
    with pytest.raises(UnknownGpuError) as caught:
        load_gpu(name)
    assert caught.value.kind == "ambiguous"
    assert len(caught.value.suggestions) > 1


def test_a_copy_under_another_organisation_says_what_it_is_taken_for() -> None:
    copy = load_model("somebody/Llama-3.2-3B-Instruct")
    assert copy.id == "llama-3.2-3b"
    assert any("'somebody/Llama-3.2-3B-Instruct' is taken for a copy of Llama 3.2 3B" in n for n in copy.notes)
    assert not any("is taken for" in n for n in load_model("meta-llama/Llama-3.2-3B-Instruct").notes)


def test_a_near_spelling_needs_every_number_right() -> None:
    with pytest.raises(UnknownModelError) as caught:
        load_model("llama-3-80b")
    assert "llama-3-70b" in caught.value.suggestions or "llama-3-8b" in caught.value.suggestions


def test_a_name_that_could_mean_several_is_asked_back() -> None:
    with pytest.raises(UnknownGpuError) as caught:
        load_gpu("rtx 6000")
    assert caught.value.kind == "ambiguous"
    assert set(caught.value.suggestions) == {"rtx-a6000", "rtx-6000-ada", "rtx-pro-6000"}


@pytest.mark.parametrize("name", ["devstral", "Mistral Small", "gpt-oss"])
def test_a_model_that_could_be_several_is_asked_back(name: str) -> None:
    with pytest.raises(UnknownModelError, match="could mean several models") as caught:
        load_model(name)
    assert len(caught.value.suggestions) > 1


def test_a_last_word_of_one_letter_is_no_slip() -> None:
    with pytest.raises(UnknownModelError):
        load_model("command q")


def test_a_name_without_its_ending_finds_the_release() -> None:
    release = load_model("qwen3-coder-30b-a3b")
    assert release.hub_id == "Qwen/Qwen3-Coder-30B-A3B-Instruct"
    assert release.context.native == 262_144
    assert load_model("qwen3-30b-a3b").context.native == 40_960


def test_an_unknown_name_says_what_is_near() -> None:
    with pytest.raises(UnknownModelError, match="unknown model 'frobnicate 12b'"):
        load_model("frobnicate 12b")


def test_a_folder_of_ones_own_is_searched_too(tmp_path: Path) -> None:
    (tmp_path / "tiny.yaml").write_text(GOOD, encoding="utf-8")
    assert Catalogue((str(tmp_path),)).model("tiny").name == "Tiny"


def test_an_id_in_two_files_is_refused(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.yaml").write_text(GOOD, encoding="utf-8")
    with pytest.raises(CardError, match="also stands in"):
        Catalogue((str(tmp_path),)).model("tiny")


def test_an_alias_of_two_cards_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(GOOD + "aliases: [shared name]\n", encoding="utf-8")
    (tmp_path / "b.yaml").write_text(
        GOOD.replace("tiny", "tinier").replace("Tiny", "Tinier") + "aliases: [shared name]\n", encoding="utf-8"
    )
    with pytest.raises(CardError, match="also a name of"):
        Catalogue((str(tmp_path),)).model("tiny")


@pytest.mark.parametrize("spec", catalogue().gpus.all(), ids=lambda s: s.id)
def test_a_program_never_sees_more_than_what_is_sold(spec: object) -> None:
    from gpu_sizer.cards.gpu_spec import GpuSpec

    assert isinstance(spec, GpuSpec)
    least = 0.66 if spec.platform == "metal" else 0.74  # macOS gives two thirds of small memories
    assert least * spec.memory.marketed_gb * 1024 < spec.memory.visible_mib <= 1.005 * spec.memory.marketed_gb * 1024
    if spec.memory.nvidia_smi_mib:
        assert spec.memory.visible_mib <= spec.memory.nvidia_smi_mib


@pytest.mark.parametrize(
    ("name", "note"),
    [
        ("meta-llama/Meta-Llama-3-8B", "read from the folder meta-llama/Meta-Llama-3-8B, not from the catalogue"),
        ("./mixtral-8x7b", None),
        ("mixtral-8x7b", "taken from the catalogue; ./mixtral-8x7b is the folder of that name here"),
    ],
)
def test_a_folder_that_bears_a_known_name_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, note: str | None
) -> None:
    """A hub id's folder and a path are read, a bare name is the catalogue's; the answer says which was taken."""
    monkeypatch.chdir(tmp_path)
    for folder in ("meta-llama/Meta-Llama-3-8B", "mixtral-8x7b"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "config.json").write_bytes((TINY / "llama" / "config.json").read_bytes())
    card = load_model(name)
    assert (card.architecture.hidden_size < 1000) is (name != "mixtral-8x7b")
    if note is None:
        assert not any("catalogue" in n for n in card.notes)
    else:
        assert card.notes[-1] == note


class Installed:
    """A folder of two cards where an installer writes, and a shelf of it as each start has it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shipped = catalogue().models.files
        for name in ("mixtral-8x7b", "llama-3.1-8b"):
            (folder / f"{name}.yaml").write_bytes(Path(shipped[name]).read_bytes())

    def shelf(self) -> Shelf[ModelCard]:
        return Shelf(ModelCard, (str(self.folder),))

    def edit(self, name: str, old: str, new: str) -> None:
        """Changes a card in place: its folder tells nothing of that."""
        file = self.folder / f"{name}.yaml"
        text = file.read_text("utf-8")
        assert old in text
        with file.open("r+", encoding="utf-8") as stream:
            stream.write(text.replace(old, new, 1))
            stream.truncate()


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installed:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv(compiled.SWITCH, raising=False)
    monkeypatch.setattr(compiled, "TICK_NS", -(1 << 62))
    monkeypatch.setattr(compiled, "INSTALLED", str(tmp_path / "cards") + os.sep)
    (tmp_path / "cards").mkdir()
    found = Installed(tmp_path / "cards")
    found.shelf().ids()
    return found


def test_of_what_was_installed_the_card_that_is_asked_for_is_looked_at(
    installed: Installed, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    state = stamps._state
    monkeypatch.setattr(stamps, "_state", lambda path: [seen.append(path), state(path)][1])
    shelf = installed.shelf()
    assert shelf.get(shelf.resolve("Mixtral 8x7B")).name == "Mixtral 8x7B"
    assert [Path(p).name for p in seen if p.endswith(".yaml")] == ["mixtral-8x7b.yaml"]


def test_an_edit_in_place_is_seen_when_the_card_is_asked_for(installed: Installed) -> None:
    installed.edit("mixtral-8x7b", "name: Mixtral 8x7B", "name: Mixtral 8x7B edited")
    assert installed.shelf().get("llama-3.1-8b").id == "llama-3.1-8b"
    assert installed.shelf().get("mixtral-8x7b").name == "Mixtral 8x7B edited"


def test_a_name_that_was_added_in_place_is_found(installed: Installed) -> None:
    installed.edit("mixtral-8x7b", "name: Mixtral 8x7B", "name: Brand New Name")
    assert installed.shelf().resolve("brand new name") == "mixtral-8x7b"
    with pytest.raises(UnknownModelError):
        installed.shelf().resolve("another new name")


def test_a_listing_looks_at_every_card(installed: Installed) -> None:
    installed.edit("mixtral-8x7b", "id: mixtral-8x7b", "id: mixtral-8x7c")
    assert installed.shelf().ids() == ["llama-3.1-8b", "mixtral-8x7c"]
    assert [c.id for c in installed.shelf().all()] == ["llama-3.1-8b", "mixtral-8x7c"]


def test_a_card_that_lost_its_id_in_place_is_gone(installed: Installed) -> None:
    shelf = installed.shelf()
    identity = shelf.resolve("mixtral-8x7b")
    installed.edit("mixtral-8x7b", "id: mixtral-8x7b", "id: mixtral-8x7c")
    with pytest.raises(UnknownModelError):
        shelf.get(identity)
