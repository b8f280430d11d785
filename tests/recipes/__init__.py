"""The recipes of CONTRIBUTING.md, done: a template is copied into a package of its own, and seen where a user would."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent
HERE = Path(__file__).parent


class Package:
    """A copy of the package, to which templates are added."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copytree(ROOT / "gpu_sizer", folder / "gpu_sizer", ignore=shutil.ignore_patterns("__pycache__"))
        (folder / "model_cards").symlink_to(ROOT / "model_cards")
        shutil.copytree(ROOT / "gpu_specs", folder / "gpu_specs")

    def add(self, template: str, place: str) -> None:
        """Copies a template (a file or a folder of this room) to a place in the package."""
        source, target = HERE / template, self.folder / "gpu_sizer" / place
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)

    def lay(self, template: str, place: str) -> Path:
        """Copies a file beside the package, into a folder of data."""
        target = self.folder / place
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(HERE / template, target)
        return target

    def run(self, program: str) -> Any:
        """What a program that uses the package prints as JSON on its last line."""
        surroundings = {
            **os.environ,
            "PYTHONPATH": str(self.folder),
            "XDG_CACHE_HOME": str(self.folder / "cache"),
            "COLUMNS": "120",
        }
        prelude = "import json, gpu_sizer\n" + f"assert gpu_sizer.__file__.startswith({str(self.folder)!r})\n"
        done = subprocess.run(
            [sys.executable, "-c", prelude + program],
            capture_output=True,
            text=True,
            env=surroundings,
            cwd=self.folder,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])


#: Runs a command line, and says what it answered.
RUN = """
import contextlib, io
from gpu_sizer.cli.entry import run
def out(*words):
    kept, told = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    with contextlib.redirect_stdout(kept), contextlib.redirect_stderr(told):
        code = run(list(words))
    return [code, *(stream.buffer.getvalue().decode() for stream in (kept, told))]
"""


def steps(heading: str) -> str:
    """A recipe of CONTRIBUTING.md."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    return text.partition(f"## {heading}\n")[2].partition("\n## ")[0]
