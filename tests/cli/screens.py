"""Every screen of the terminal as a person sees it, at three widths. ``make screens`` writes them anew."""

from __future__ import annotations

import contextlib
import io
import os
import re
import sys
from pathlib import Path
from unittest import mock

FOLDER = Path(__file__).parent / "screens"
WIDTHS = (60, 80, 120)
LOG = Path(__file__).parents[1] / "evidence" / "logs" / "vllm-v1-two-workers.log"
#: Command lines by the name of their screen. What depends on the whole catalogue is narrowed where it can be.
SCREENS: dict[str, list[str]] = {
    "question": ["how many A6000s for Mixtral 8x7b"],
    "question-several": ["how many a6000 for mixtral 8x7b and llama 3 70b"],
    "size": ["size", "llama-3-70b", "--gpu", "a6000", "--users", "4"],
    "size-contexts": ["size", "llama-3.1-70b", "--gpu", "a6000"],
    "size-brief": ["size", "mixtral-8x7b", "--gpu", "a6000", "--brief"],
    "size-why": ["size", "mixtral-8x7b", "--gpu", "a6000", "--why"],
    "size-none": ["size", "llama-3.1-405b", "--gpu", "t4", "--max-gpus", "8"],
    "size-rate": ["size", "llama-3.3-70b", "--gpu", "h100", "--users", "50", "--tokens-per-second", "30", "--brief"],
    "size-engines": ["size", "mixtral-8x7b", "--gpu", "a6000", "--engine", "all"],
    "fit": ["fit", "mixtral-8x7b", "--gpu", "a6000", "--tp", "4"],
    "fit-refused": ["fit", "mixtral-8x7b", "--gpu", "a6000", "--tp", "3"],
    "fit-count": ["fit", "mixtral-8x7b", "--gpu", "a6000", "-n", "2"],
    "context": ["context", "llama-3-8b", "--gpu", "l4"],
    "users": ["users", "llama-3.1-8b", "--gpu", "h100", "-n", "2"],
    "speed": ["speed", "llama-3-8b", "--gpu", "h100", "--users", "8"],
    "which-gpu": ["which-gpu", "mixtral-8x7b", "--provider", "lambda"],
    "compare": ["compare", "qwen3-32b", "--gpu", "a6000", "--gpu", "l40s", "--gpu", "t4"],
    "rent": ["rent", "mixtral-8x7b", "--provider", "lambda", "--as-of", "2026-11-30"],
    "models": ["models", "mixtral"],
    "gpus": ["gpus", "a6000"],
    "machines": ["machines", "--provider", "lambda", "--gpu", "a6000"],
    "engines": ["engines"],
    "explain": ["explain", "mixtral-8x7b"],
    "table": ["table", "--models", "mixtral-8x7b,llama-3-70b,deepseek-v3", "--gpu", "a6000,h100"],
    "table-transposed": ["table", "--models", "mixtral-8x7b,llama-3-70b", "--gpu", "a6000", "--transpose"],
    "sweep": ["sweep", "--models", "mixtral-8x7b", "--gpu", "a6000,h100", "--context", "4k,32k", "--users", "1,40"],
    "chart-memory": ["chart", "memory", "mixtral-8x7b", "--gpu", "a6000", "--gpu", "h100"],
    "chart-context": ["chart", "context", "llama-3-8b", "--gpu", "l4"],
    "check-log": ["check-log", str(LOG), "--gpu", "h100"],
}
_STYLE = re.compile(r"\x1b\[[0-9;]*m")


def screen(arguments: list[str], width: int) -> str:
    """What a terminal of a width shows, without its styles."""
    from gpu_sizer.cli.entry import run

    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
    shown = {"COLUMNS": str(width), "TERM": "xterm", "FORCE_COLOR": "1", "NO_COLOR": "1"}
    with mock.patch.dict(os.environ, shown), contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
        assert run(arguments) in (0, 3), arguments
    text = out.buffer.getvalue().decode()  # type: ignore[attr-defined]
    return "\n".join(line.rstrip() for line in _STYLE.sub("", text).split("\n"))


def file(name: str, width: int) -> Path:
    """Where a screen is kept."""
    return FOLDER / f"{name}-{width}.txt"


if __name__ == "__main__":
    for name, arguments in SCREENS.items():
        if sys.argv[1:] and name not in sys.argv[1:]:
            continue
        for width in WIDTHS:
            file(name, width).write_text(screen(arguments, width), encoding="utf-8")
