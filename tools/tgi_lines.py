"""Writes which line of TGI's source prints which statement, by version: ``gpu_sizer/engines/tgi/log_lines.yaml``.

The router names the file and the line of every statement ("router/src/main.rs:354: Setting max batch total tokens to"),
which tells the releases whose source has it there. Run with a clone of the repository, whose tags are read:

    git clone https://github.com/huggingface/text-generation-inference
    python tools/tgi_lines.py text-generation-inference
"""

from __future__ import annotations

import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import yaml

OUT = Path(__file__).parent.parent / "gpu_sizer" / "engines" / "tgi" / "log_lines.yaml"
#: The first release whose rules are known.
FIRST = (1, 0, 0)
#: What stands in the statements, and where the code of the router lies.
STATEMENTS = ("Warming up model", "Setting max batch total tokens to")
PLACES = ("router/src/main.rs", "router/src/server.rs", "backends/v3/src/lib.rs")
HEAD = """\
# Written by tools/tgi_lines.py from the tags of the repository; do not edit. By statement: the file, and the line that
# prints it, with the releases that have it there. A start-up's log names both.
source: https://github.com/huggingface/text-generation-inference
"""


def git(repository: str, *arguments: str) -> str:
    """What git prints."""
    return subprocess.run(["git", "-C", repository, *arguments], capture_output=True, text=True).stdout


def number(tag: str) -> tuple[int, ...]:
    """The version of a tag."""
    return tuple(int(part) for part in tag.removeprefix("v").split("."))


def main(repository: str) -> None:
    """Reads the tags and writes the file."""
    table: dict[str, dict[str, dict[int, list[str]]]] = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
    tags = [tag for tag in git(repository, "tag").split() if number(tag) >= FIRST]
    for tag in sorted(tags, key=number):
        for place in PLACES:
            for line, text in enumerate(git(repository, "show", f"{tag}:{place}").splitlines(), 1):
                for statement in STATEMENTS:
                    if f'tracing::info!("{statement}' in text:
                        table[statement][Path(place).name][line].append(tag.removeprefix("v"))
    plain = {s: {f: {n: list(v) for n, v in ls.items()} for f, ls in fs.items()} for s, fs in table.items()}
    text = yaml.safe_dump({"statements": plain}, sort_keys=False, width=120, default_flow_style=None)
    OUT.write_text(HEAD + text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
