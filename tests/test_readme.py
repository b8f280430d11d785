"""The README shows what the command prints."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gpu_sizer.cli.entry import run

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")


def test_the_first_screen_is_what_the_command_prints(capsys: pytest.CaptureFixture[str]) -> None:
    question = re.search(r'gpu-sizer "([^"]+)"', README)
    shown = re.search(r"```text\n(.*?)```", README, flags=re.DOTALL)
    assert question is not None
    assert shown is not None
    assert run([question[1]]) == 0
    assert capsys.readouterr().out == shown[1]
