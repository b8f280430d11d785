"""The modules of a question from one file: the same answer, never an old one, and nothing lost without the file."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import gpu_sizer
from gpu_sizer.fast.stored import MAGIC, SUFFIX

PACKAGE = Path(gpu_sizer.__file__).parent
QUESTION = "how many A6000s for Mixtral 8x7b"
#: Modules that come from the file where it is there: nearly all.
MOST = 60
#: Runs a question as the console script does, and tells how many modules came from the file.
PROGRAM = f"""
import os, sys
sys.argv = ["gpu-sizer", {QUESTION!r}]
def leave(code):
    loaders = [type(m.__spec__.loader).__module__ for n, m in sys.modules.items() if n.startswith("gpu_sizer.")]
    sys.stderr.write(str(loaders.count("gpu_sizer.fast.modules")))
    sys.exit(code)
os._exit = leave
from gpu_sizer.cli.entry import main
main()
"""


Ask = Callable[..., tuple[str, int]]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program in a folder of its own, whose modules a test may change."""
    place = tmp_path_factory.mktemp("program")
    shutil.copytree(PACKAGE, place / "gpu_sizer", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("model_cards", "gpu_specs"):
        if (beside := PACKAGE.parent / name).is_dir():
            (place / name).symlink_to(beside)
    return place


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's cache: one for all tests, since the catalogue takes seconds to compile."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def ask(program: Path, cache: Path) -> Ask:
    """Asks the question: what was answered, and how many modules came from the file."""

    def asked(**environment: str) -> tuple[str, int]:
        own = {"PYTHONPATH": "", "XDG_CACHE_HOME": str(cache), "PYTHONDONTWRITEBYTECODE": ""}
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM],
            capture_output=True,
            check=True,
            text=True,
            encoding="utf-8",
            cwd=program,
            env={**os.environ, "GPU_SIZER_COMPILED": "1", **own, **environment},
        )
        return done.stdout, int(done.stderr)

    for file in kept(cache):
        file.unlink()
    return asked


def kept(cache: Path) -> list[Path]:
    return sorted((cache / "gpu-sizer").glob(f"modules-*{SUFFIX}"))


def test_the_second_question_takes_its_modules_from_one_file(ask: Ask, cache: Path) -> None:
    first, none = ask()
    assert none == 0
    second, many = ask()
    assert second == first
    assert many > MOST
    assert len(kept(cache)) == 1
    assert ask(GPU_SIZER_COMPILED="0") == (first, 0)


def test_a_change_of_a_module_is_seen(ask: Ask, program: Path, request: pytest.FixtureRequest) -> None:
    module = program / "gpu_sizer" / "words" / "plan.py"
    source = module.read_text("utf-8")
    request.addfinalizer(lambda: module.write_text(source, "utf-8"))
    before, _ = ask()
    assert ask()[1] > MOST
    module.write_text(source.replace("Why not fewer", "Why it takes so many"), "utf-8")
    after, _ = ask()
    assert after == before.replace("Why not fewer", "Why it takes so many") != before


@pytest.mark.parametrize(
    "damage",
    [lambda data: data[: len(data) // 2], lambda data: data[:-4] + b"\x00" * 4, lambda data: MAGIC + b"- 1 1 1\n"],
    ids=["half", "tail", "head"],
)
def test_a_damaged_file_is_made_again(ask: Ask, cache: Path, damage: Callable[[bytes], bytes]) -> None:
    first, _ = ask()
    (file,) = kept(cache)
    file.write_bytes(damage(file.read_bytes()))
    assert ask() == (first, 0)
    assert ask()[1] > MOST


def test_what_others_can_write_is_not_run(ask: Ask, cache: Path) -> None:
    first, _ = ask()
    (file,) = kept(cache)
    file.chmod(0o666)
    assert ask() == (first, 0)
