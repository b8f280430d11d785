"""Repositories that are a known model again: found by hub id, sized as their card, and told so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gpu_sizer import size
from gpu_sizer.cards.catalogue import catalogue
from gpu_sizer.cards.rerelease_files import tables
from gpu_sizer.cli.entry import run
from gpu_sizer.errors import UnknownModelError

MINE = """\
source: made up for this test
cards:
  qwen3-8b:
    - {hub_id: "Our-Team/support.bot", count: 8190735360}
    - {hub_id: "our-team/long", context: 1048576}
    - {hub_id: "our-team/small", format: float8-channel}
"""


def own(tmp_path: Path, text: str = MINE) -> Path:
    folder = tmp_path / "rereleases"
    folder.mkdir()
    (folder / "mine.yaml").write_text(text)
    return tmp_path


def test_a_shipped_line_is_sized_as_its_card() -> None:
    table = catalogue().rereleases
    card, line, source = table.find("typhoon-ai/Typhoon2.5-qwen3-30b-a3b")
    assert card.startswith("qwen3-30b-a3b")
    assert "llmfit 1.1.17" in source
    again = catalogue().model(line.hub_id)
    assert again.architecture == catalogue().model(card).architecture
    assert (again.hub_id, again.name, again.released) == (line.hub_id, "typhoon2.5-qwen3-30b-a3b", None)
    plan = size(line.hub_id, gpu="h200", context=4096)
    assert plan.gpu_count == size(card, gpu="h200", context=4096).gpu_count
    assert any("is sized as" in w and "llmfit" in w for w in plan.to_dict()["warnings"])


def test_formats_context_and_case_of_ones_own_lines(tmp_path: Path) -> None:
    cards = catalogue(str(own(tmp_path)))
    base = cards.model("qwen3-8b")
    plain, long, small = (cards.model(f"our-team/{n}") for n in ("SUPPORT.BOT", "long", "small"))
    assert plain.context == base.context
    assert long.context.native == 1048576
    assert [r.format for r in small.weights.rules] == ["float8-channel"]
    assert not small.verified
    with pytest.raises(UnknownModelError):
        cards.model("other-team/support.bot")
    with pytest.raises(UnknownModelError):
        cards.model("support.bot")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (MINE.replace("qwen3-8b", "qwen9-8b"), "cards.qwen9-8b: no card is called so"),
        (MINE.replace("our-team/long", "Qwen/Qwen3-8B"), "has a card or release of its own"),
        (MINE.replace("our-team/long", "nowhere"), "is no hub id"),
        (MINE.replace("qwen3-8b", "qwen3-8b-fp8").replace("float8-channel", "nvfp4"), "no card is called so|already"),
        (MINE.replace("float8-channel", "float7"), "format"),
        (MINE.replace("context: 1048576", "context: -1"), "context"),
        (MINE.replace("long", "support.bot"), "stands twice"),
    ],
)
def test_mistakes_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, told: str) -> None:
    import re

    own(tmp_path, text)
    assert run(["validate", str(tmp_path / "rereleases" / "mine.yaml")]) == 2
    assert re.search(told, capsys.readouterr().err)


def test_no_hub_id_stands_in_a_line_and_in_a_card() -> None:
    from gpu_sizer.cards.names import normal
    from gpu_sizer.cards.rerelease_files import contents

    lines = contents(catalogue().rereleases.folders)
    assert len(lines) > 2_500
    assert not [key for key in lines if key in catalogue().models.index]
    assert all(normal(hub_id) == key for key, (_, _, hub_id, *_) in lines.items())


@pytest.mark.parametrize(
    ("hub_id", "card"),
    [
        ("QuantTrio/Qwen3-Coder-30B-A3B-Instruct-AWQ", "qwen3-30b-a3b"),
        ("cyankiwi/granite-4.1-8b-AWQ-INT4", "granite-4.1-8b"),
        ("RedHatAI/Phi-3-medium-128k-instruct-quantized.w4a16", "phi-3-medium-128k"),
        ("unsloth/phi-4", "phi-4"),
        ("principled-intelligence/Qwen3.5-0.8B-text-only", "qwen3.5-0.8b"),
        ("unsloth/Qwen3.5-2B-Base", "qwen3.5-2b"),
        ("dmis-lab/llama-3.1-medprm-reward-v1.0", "llama-3.1-8b"),
        ("Qwen/Qwen-72B", "qwen1.5-72b"),
        ("openchat/openchat-3.5-1210", "openhermes-2.5-mistral-7b"),
        ("humain-ai/ALLaM-7B-Instruct-preview", "llama-2-7b"),
        ("llm-jp/llm-jp-4-8b-base", "llama-3-8b"),
    ],
)
def test_of_cards_with_one_shape_a_line_leads_to_the_one_that_its_name_says(hub_id: str, card: str) -> None:
    assert catalogue().rereleases.find(hub_id)[0] == card


@pytest.mark.parametrize("hub_id", ["Qwen/Qwen2.5-7B-Instruct-GPTQ-Int8", "cyankiwi/gemma-4-31B-it-AWQ-8bit"])
def test_a_method_of_four_bits_with_eight_in_its_name_is_eight_bits(hub_id: str) -> None:
    assert catalogue().rereleases.find(hub_id)[1].format == "int8-channel"


def test_no_line_of_eight_bits_is_taken_for_four() -> None:
    told = re.compile(r"int8|8[-_]?bit|w8a", re.IGNORECASE)
    for _, table in tables(catalogue().rereleases.folders):
        for lines in table.cards.values():
            assert not [x.hub_id for x in lines if x.format == "int4-group128" and told.search(x.hub_id)]


def test_qwen_of_2023_is_found_by_its_whole_name_alone() -> None:
    """``qwen 7b`` is the newest of that size: the first of the family is not what most mean."""
    card = catalogue().model("Qwen/Qwen-7B")
    assert card.hub_id == "Qwen/Qwen-7B"
    assert any("is sized as Qwen1.5 7B" in note for note in card.notes)
    assert {catalogue().model(name).id for name in ("qwen 7b", "qwen-7b")} == {"qwen2.5-7b"}
    with pytest.raises(UnknownModelError):
        catalogue().model("Qwen/Qwen-VL-Chat-Int4")
