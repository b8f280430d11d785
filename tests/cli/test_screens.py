"""Every screen of the terminal at 60, 80 and 120 columns: as it was looked at, no wider, and no cell broken."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from gpu_sizer.cli.entry import run
from tests.cli.screens import FOLDER, SCREENS, WIDTHS, file, screen


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", SCREENS)
def test_a_screen_is_as_it_was_looked_at(name: str, width: int) -> None:
    shown = screen(SCREENS[name], width)
    assert shown == file(name, width).read_text(encoding="utf-8"), "look at it; `make screens` writes it anew"
    assert max(len(line) for line in shown.split("\n") if "://" not in line) <= width


def test_no_screen_is_left_behind() -> None:
    assert {f.name for f in FOLDER.iterdir()} == {file(n, w).name for n in SCREENS for w in WIDTHS}


#: Lists of the whole catalogue, and where their JSON has what the first column must show whole.
LISTS: dict[str, tuple[list[str], Callable[[Any], list[str]]]] = {
    "models": (["models"], lambda found: [r["model"] for r in found]),
    "gpus": (["gpus"], lambda found: [r["gpu"] for r in found]),
    "machines": (["machines", "--gpu", "h100"], lambda found: [r["name"] for r in found["machines"]]),
    "what-fits": (["what-fits", "--gpu", "a6000", "-n", "2"], lambda found: [r["model"] for r in found["models"]][:20]),
    "which-gpu": (["which-gpu", "llama-3.1-70b"], lambda found: [r["gpu"] for r in found["options"]]),
    "rent": (["rent", "llama-3.1-70b"], lambda found: [r["name"] for r in found["machines"]][:12]),
    "memory": (["memory", "mixtral-8x7b"], lambda found: [r["gpu"] for r in found["options"]]),
}


@pytest.mark.parametrize("width", [60, 80, 97])
@pytest.mark.parametrize(("arguments", "ids"), LISTS.values(), ids=LISTS)
def test_no_list_breaks_an_id(
    arguments: list[str], ids: object, width: int, capsys: pytest.CaptureFixture[str]
) -> None:

    assert run([*arguments, "--json"]) == 0
    wanted = ids(json.loads(capsys.readouterr().out))  # type: ignore[operator]
    shown = screen(arguments, width)
    assert max(map(len, shown.split("\n"))) <= width
    words = set(shown.split())
    assert wanted
    assert [i for i in wanted if i not in words] == []
