"""Rows of public hub metadata: what the tools that compare the catalogue with the hub read.

The rows stand, as one JSON array, inside the program of the PyPI package llmfit (1.1.17: 16,849 repositories, read by
its authors up to 2026-10-05). ``python tools/hub_dump.py WHEEL -o rows.json`` takes them out of its wheel.
"""

from __future__ import annotations

import argparse
import json
import re
import zipfile
from pathlib import Path
from typing import Any

#: Facts of a row that say which shape a repository has.
SHAPE = (
    "architecture",
    "num_hidden_layers",
    "num_attention_heads",
    "num_key_value_heads",
    "hidden_size",
    "vocab_size",
)


def rows_of_wheel(wheel: Path) -> list[dict[str, Any]]:
    """The rows of a wheel of llmfit: the first array of objects that tell a parameter count, duplicates left out."""
    with zipfile.ZipFile(wheel) as archive:
        name = next(n for n in archive.namelist() if n.endswith("scripts/llmfit"))
        content = archive.read(name)
    decode = json.JSONDecoder().raw_decode
    for match in re.finditer(rb'\[\s*\{\s*"name": "', content):
        try:
            rows, _ = decode(content[match.start() :].decode("utf-8", "ignore"))
        except ValueError:
            continue
        if any("parameters_raw" in row for row in rows):
            return list({row["name"]: row for row in rows}.values())
    raise SystemExit(f"{wheel}: no rows of repositories in it")


def read_rows(file: Path) -> list[dict[str, Any]]:
    """Rows from a wheel, or from the JSON made of one."""
    if file.suffix == ".whl":
        return rows_of_wheel(file)
    rows: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))
    return rows


def shape(row: dict[str, Any]) -> tuple[Any, ...] | None:
    """What of a row tells its shape; null where a fact is missing."""
    found = tuple(row.get(key) for key in SHAPE)
    return None if None in found else found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("wheel", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    asked = parser.parse_args()
    asked.output.write_text(json.dumps(rows_of_wheel(asked.wheel)), encoding="utf-8")
