"""Imports point one way, and nothing in the project reads what is outside of it."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "gpu_sizer"

#: Rooms from left to right: a room may import its own and what stands left of it.
ORDER = [
    {"errors", "exits", "units", "records"},
    {"files"},
    {"json_objects"},
    {"discovery", "fast", "own"},
    {"model"},
    {"cards"},
    {"importers", "load"},
    {"memory"},
    {"timing"},
    {"engines"},
    {"planning"},
    {"words"},
    {"arena"},
    {"evidence"},
    {"queries", "reports", "deploy"},
    {"answers"},
    {"api"},
    {"page"},
    {"server"},
    {"cli"},
]
#: How every room reads files.
GROUND = {"files", "json_objects"}
ALLOWED_ACROSS = {
    # Terraform asks by names, which the library's front door finds.
    ("deploy", "api"),
}


def rank(room: str) -> int:
    return next(i for i, rooms in enumerate(ORDER) if room in rooms)


def imports(file: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        names = [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
        names += [a.name for a in node.names] if isinstance(node, ast.Import) else []
        found |= {n.split(".")[1] for n in names if n.startswith("gpu_sizer.")}
    return found


FILES = [f for f in sorted(PACKAGE.rglob("*.py")) if f.parent != PACKAGE or f.stem not in ("__init__", "__main__")]


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(PACKAGE)))
def test_imports_point_left(file: Path) -> None:
    parts = file.relative_to(PACKAGE).parts
    room = parts[0].removesuffix(".py")
    for other in imports(file) - {room, "__init__"} - (GROUND if room == "importers" else set()):
        if room == "importers":
            assert other in ("cards", "model", "errors", "files", "json_objects", "units", "records", "discovery"), (
                f"importers may not see {other}"
            )
        elif (room, other) not in ALLOWED_ACROSS:
            assert rank(other) < rank(room), f"{room} may not import {other}"


def module(file: Path) -> str:
    return ".".join(file.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")


def imported(file: Path, modules: set[str]) -> set[str]:
    """Modules that a file imports, within functions too; what is for type checkers alone is left out."""
    skipped: set[ast.AST] = set()
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
            skipped.update(inner for statement in node.body for inner in ast.walk(statement))
        if node in skipped:
            continue
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {full if (full := f"{node.module}.{a.name}") in modules else node.module for a in node.names}
        elif isinstance(node, ast.Import):
            found |= {a.name for a in node.names}
    return (found & modules) - {module(file)}


def test_no_imports_run_in_a_circle() -> None:
    modules = {module(f): f for f in PACKAGE.rglob("*.py")}
    left = {name: imported(file, set(modules)) for name, file in modules.items()}
    # What imports nothing that is left stands in no circle; nor does what is left once it is gone.
    while free := {name for name, others in left.items() if not others & left.keys()}:
        left = {name: others for name, others in left.items() if name not in free}
    assert left == {}


ENGINES = {file.parent.name for file in (PACKAGE / "engines").glob("*/profile.yaml")}


def modules_named(file: Path) -> set[str]:
    """Every module of the package that a file imports, those of ``from package import module`` too."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{a.name}" for a in node.names)}
        elif isinstance(node, ast.Import):
            found |= {a.name for a in node.names}
    return found


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(PACKAGE)))
def test_an_engine_is_known_to_its_own_folder_alone(file: Path) -> None:
    own = file.parent.name if file.parent.parent == PACKAGE / "engines" else None
    named = {m.split(".")[2] for m in modules_named(file) if m.startswith("gpu_sizer.engines.")}
    assert named & ENGINES <= {own}


def test_engines_are_named_in_no_table_but_their_profiles() -> None:
    from gpu_sizer.engines.registry import engine_names

    names = {*engine_names(), *ENGINES}
    for file in PACKAGE.rglob("*.py"):
        if not file.is_relative_to(PACKAGE / "engines"):
            constants = (n.value for n in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(n, ast.Constant))
            assert len(names & {c for c in constants if isinstance(c, str)}) < 3, file


def test_nothing_reads_the_shared_folder() -> None:
    here = Path(__file__)
    for file in [*PACKAGE.rglob("*"), *here.parent.rglob("*.py")]:
        if file.is_file() and file.suffix in (".py", ".yaml") and file != here:
            assert "/shared/" not in file.read_text(encoding="utf-8"), file


def test_a_question_waits_for_nothing_heavy() -> None:
    heavy = ("fastapi", "mcp", "numpy", "prometheus_client", "pydantic", "rich", "starlette", "typer", "uvicorn")
    program = (
        "import sys\n"
        "from gpu_sizer.cli.entry import run\n"
        "run(['how many A6000s for Mixtral 8x7b'])\n"
        f"sys.stderr.write(' '.join(m for m in {heavy!r} if m in sys.modules))"
    )
    # The first run may compile the catalogue, which takes what reads YAML; the second is a question like any other.
    for _ in range(2):
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr == ""
