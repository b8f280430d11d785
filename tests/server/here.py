"""Answers computed in the process of a test, which sees what is read and can change what is called."""

from __future__ import annotations

from typing import Any

from gpu_sizer.server.answering import Outcome, outcome
from gpu_sizer.server.calls import warm_up
from gpu_sizer.server.computing import Computing


class Here(Computing):
    """Computes in this very process."""

    def start(self) -> None:
        """Loads what any answer may need, so that nothing is read later."""
        warm_up()

    async def run(self, name: str, body: Any, *, text: bool = False) -> Outcome:
        """The outcome of a call."""
        return outcome(name, body, text=text)
