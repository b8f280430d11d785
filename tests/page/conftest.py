"""What the page took, at the end of the tests' report: requests, bytes and time, asserted by no clock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

_FIGURES: list[str] = []


@pytest.fixture
def told() -> Callable[[str], None]:
    """Takes a line for the report."""
    return _FIGURES.append


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Prints the figures."""
    if _FIGURES:
        terminalreporter.section("the page in figures")
        for line in _FIGURES:
            terminalreporter.write_line(line)
