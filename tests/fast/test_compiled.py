"""Compiled files say what the YAML says: never stale, never trusted where damaged, and safe to lose."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gpu_sizer.cards.catalogue import Catalogue
from gpu_sizer.errors import CardError
from gpu_sizer.fast import compiled, stamps, stored
from gpu_sizer.fast.compiled import Recipe

LONG_AGO = 1_700_000_000
ENTRIES = 3

QUESTIONS = [
    "how many A6000s for Mixtral 8x7b",
    "how many H100s for DeepSeek V3 with 8 users at 32k",
    "what is the longest context for gpt-oss-120b on 2 H100",
    "how many H100s for Mixtrall 8x7b",
    "does Llama 3 70B fit on 2 A100 40GB",
]


class Kitchen:
    """A folder of YAML, a recipe for it, and how often it was made."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.made = folder, 0
        for name in ("a", "b", "c"):
            self.write(name, f"value: {name}\n")

    def write(self, name: str, text: str, *, time: int = LONG_AGO) -> None:
        file = self.folder / "deep" / f"{name}.yaml"
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
        os.utime(file, (time, time))

    def make(self) -> dict[str, object]:
        self.made += 1
        return {f.stem: f.read_text() for f in sorted(self.folder.rglob("*.yaml"))}

    def now(self) -> dict[str, object]:
        found = Recipe("dishes", [str(self.folder)], self.make).current()
        assert found is not None
        return {key: found.entry(key) for key in ("a", "b", "c") if key in found}

    @property
    def file(self) -> Path:
        (found,) = Path(stored.cache_folder()).glob(f"dishes-*{stored.SUFFIX}")
        return found


@pytest.fixture
def kitchen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kitchen:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv(compiled.SWITCH, raising=False)
    # Files of a test are always new: what is made of them is kept all the same.
    monkeypatch.setattr(compiled, "TICK_NS", -(1 << 62))
    (tmp_path / "yaml").mkdir()
    return Kitchen(tmp_path / "yaml")


def test_it_is_made_once(kitchen: Kitchen) -> None:
    assert kitchen.now() == kitchen.now() == {n: f"value: {n}\n" for n in "abc"}
    assert kitchen.made == 1


def changed(k: Kitchen) -> None:
    k.write("b", "value: B\n", time=LONG_AGO)


def added(k: Kitchen) -> None:
    k.write("c", "value: c\n")
    k.write("d", "value: d\n")


def removed(k: Kitchen) -> None:
    (k.folder / "deep" / "a.yaml").unlink()


def renamed(k: Kitchen) -> None:
    (k.folder / "deep" / "a.yaml").rename(k.folder / "deep" / "z.yaml")


@pytest.mark.parametrize("change", [changed, added, removed, renamed])
def test_a_change_of_the_yaml_is_seen_whatever_its_size_and_times(
    kitchen: Kitchen, change: Callable[[Kitchen], None]
) -> None:
    kitchen.now()
    change(kitchen)
    assert kitchen.now() == {k: v for k, v in kitchen.make().items() if k in "abc"}
    assert kitchen.made == ENTRIES  # made twice, and once more here to compare


def test_files_touched_or_copied_without_a_change_are_not_made_again(kitchen: Kitchen) -> None:
    kitchen.now()
    kitchen.write("a", "value: a\n", time=LONG_AGO + 5)
    assert len(kitchen.now()) == ENTRIES
    assert kitchen.made == 1


def test_a_change_of_the_code_that_makes_it_is_seen(kitchen: Kitchen, tmp_path: Path) -> None:
    code = tmp_path / "code"
    code.mkdir()
    (code / "module.py").write_text("a = 1\n")
    recipe = Recipe("dishes", [str(kitchen.folder)], kitchen.make, code=[str(code)])
    recipe.current()
    (code / "module.py").write_text("a = 2\n")
    stamps._MODULES.clear()  # as in the next process: this one has loaded the code as it was
    recipe.current()
    recipe.current()
    assert kitchen.made == 2
    (code / "another.py").write_text("b = 1\n")
    recipe.current()
    assert kitchen.made == 3


def damaged_head(data: bytes) -> bytes:
    assert data.startswith(stored.MAGIC)
    return data.replace(b"gpu-sizer compiled", b"gpu-sizer complied", 1)


def damaged_table(data: bytes) -> bytes:
    assert b"'a'\t" in data
    return data.replace(b"'a'\t", b"'x'\t")


def damaged_entry(data: bytes) -> bytes:
    assert b"value: b" in data
    return data.replace(b"value: b", b"value: 8")


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[: len(data) // 2],
        lambda data: data[:-4],
        lambda data: b"\x00" * len(data),
        damaged_head,
        damaged_table,
        damaged_entry,
    ],
    ids=["empty", "half", "tail", "zeros", "head", "table", "entry"],
)
def test_a_damaged_file_is_made_again(kitchen: Kitchen, damage: Callable[[bytes], bytes]) -> None:
    good = kitchen.now()
    kitchen.file.write_bytes(damage(kitchen.file.read_bytes()))
    assert kitchen.now() == good


def test_it_is_safe_to_delete(kitchen: Kitchen) -> None:
    good = kitchen.now()
    kitchen.file.unlink()
    assert kitchen.now() == good


def test_a_cache_folder_that_cannot_be_written_is_no_error(
    kitchen: Kitchen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert len(kitchen.now()) == ENTRIES


def test_the_shipped_file_is_taken_where_the_contents_are_equal(
    kitchen: Kitchen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = tmp_path / "shipped"
    monkeypatch.setattr(compiled, "shipped_folder", lambda: str(shipped))
    Recipe("dishes", [str(kitchen.folder)], kitchen.make).ship(str(shipped))
    assert kitchen.made == 1
    assert len(kitchen.now()) == ENTRIES
    assert kitchen.made == 1
    kitchen.write("a", "value: A\n")
    assert kitchen.now()["a"] == "value: A\n"
    assert kitchen.made == 2


@pytest.mark.parametrize("damage", [lambda data: data[:-1], lambda data: data + b"x", lambda data: b""])
def test_a_damaged_shipped_file_is_none(
    kitchen: Kitchen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: Callable[[bytes], bytes]
) -> None:
    monkeypatch.setattr(compiled, "shipped_folder", lambda: str(tmp_path))
    Recipe("dishes", [str(kitchen.folder)], kitchen.make).ship(str(tmp_path))
    file = tmp_path / f"dishes{stored.SUFFIX}"
    file.write_bytes(damage(file.read_bytes()))
    assert len(kitchen.now()) == ENTRIES
    assert kitchen.made == 2


def test_a_file_that_changed_just_now_is_not_kept(kitchen: Kitchen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "TICK_NS", 3_600_000_000_000)
    kitchen.now()
    kitchen.now()
    assert kitchen.made == 2


def test_files_of_environments_that_are_gone_are_removed(kitchen: Kitchen, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    (gone / "a.yaml").write_text("value: a\n")
    Recipe("dishes", [str(gone)], lambda: {"a": 1}).current()
    old = kitchen.file
    (gone / "a.yaml").unlink()
    kitchen.now()
    assert not old.exists()


def test_switched_off_there_is_none(kitchen: Kitchen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(compiled.SWITCH, "0")
    assert Recipe("dishes", [str(kitchen.folder)], kitchen.make).current() is None


def test_every_card_is_the_same_from_the_yaml_and_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(compiled.SWITCH, raising=False)
    quick = Catalogue()
    assert quick.models.all()
    assert quick.gpus.all()
    monkeypatch.setenv(compiled.SWITCH, "0")
    slow = Catalogue()
    assert quick.models.all() == slow.models.all()
    assert quick.gpus.all() == slow.gpus.all()
    for shelf, other in ((quick.models, slow.models), (quick.gpus, slow.gpus)):
        assert shelf.index == other.index
        assert shelf.ambiguous == other.ambiguous
        assert {k: os.path.realpath(v) for k, v in shelf.files.items()} == {
            k: os.path.realpath(v) for k, v in other.files.items()
        }


PROGRAM = """
import sys
from gpu_sizer.cli.entry import run
for question in sys.argv[1:]:
    run([question])
    run([question, "--json"])
"""


def answers(**environment: str) -> bytes:
    """What the questions print in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *QUESTIONS],
        capture_output=True,
        check=True,
        env={**os.environ, **environment},
    )
    return done.stdout


def test_answers_are_the_same_byte_for_byte_with_and_without(tmp_path: Path) -> None:
    cache = {"XDG_CACHE_HOME": str(tmp_path)}
    first, again = answers(**cache, GPU_SIZER_COMPILED="1"), answers(**cache, GPU_SIZER_COMPILED="1")
    assert len(first) > 1000
    assert list((tmp_path / "gpu-sizer").glob(f"models-*{stored.SUFFIX}"))
    assert first == again == answers(**cache, GPU_SIZER_COMPILED="0")


def test_many_processes_at_once_agree(tmp_path: Path) -> None:
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path), "GPU_SIZER_COMPILED": "1"}
    running = [
        subprocess.Popen([sys.executable, "-c", PROGRAM, QUESTIONS[0]], stdout=subprocess.PIPE, env=environment)
        for _ in range(4)
    ]
    said = {process.communicate()[0] for process in running}
    assert len(said) == 1
    assert b"needs 3" in said.pop()
    assert not list((tmp_path / "gpu-sizer").glob("*.part"))


def test_what_was_damaged_is_mended_for_the_next_start(kitchen: Kitchen) -> None:
    kitchen.now()
    kitchen.file.write_bytes(damaged_entry(kitchen.file.read_bytes()))
    kitchen.now()
    kitchen.now()
    assert kitchen.made == 2


@pytest.mark.parametrize(
    "lengths", [b"x 1000000000000000000 5 5", b"x " + b"1" + b"0" * 30 + b" 5 5", b"x 5 1000000000000 5", b"x y z"]
)
def test_a_head_that_claims_too_much_is_not_believed(kitchen: Kitchen, lengths: bytes) -> None:
    good = kitchen.now()
    kitchen.file.write_bytes(stored.MAGIC + lengths + b"\n" + b"0" * 100)
    kitchen.file.chmod(0o600)
    assert kitchen.now() == good
    assert kitchen.made == 2


def test_a_fifo_in_its_place_is_not_waited_for(kitchen: Kitchen) -> None:
    good, file = kitchen.now(), kitchen.file
    file.unlink()
    os.mkfifo(file, 0o600)
    assert kitchen.now() == good


@pytest.mark.parametrize("home", ["", "relative", "~"])
def test_nothing_is_read_from_where_the_program_happens_to_run(
    kitchen: Kitchen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", home)
    monkeypatch.setenv("HOME", "relative")
    assert stored.cache_folder() is None
    before = set(tmp_path.rglob("*"))
    assert len(kitchen.now()) == ENTRIES
    assert set(tmp_path.rglob("*")) == before


def test_what_others_can_write_is_not_read(kitchen: Kitchen) -> None:
    kitchen.now()
    kitchen.file.chmod(0o666)
    kitchen.now()
    assert kitchen.made == 2
    assert kitchen.file.stat().st_mode & 0o077 == 0


def test_a_folder_that_others_can_write_is_closed_before_it_is_used(kitchen: Kitchen) -> None:
    kitchen.now()
    kitchen.file.parent.chmod(0o777)
    kitchen.now()
    assert kitchen.made == 2
    assert kitchen.file.parent.stat().st_mode & 0o022 == 0
    kitchen.now()
    assert kitchen.made == 2


def test_what_another_owns_is_not_read(kitchen: Kitchen, monkeypatch: pytest.MonkeyPatch) -> None:
    kitchen.now()
    monkeypatch.setattr(os, "geteuid", lambda: kitchen.file.stat().st_uid + 1)
    if kitchen.file.stat().st_uid == 0:
        os.chown(kitchen.file, 12345, 12345)
    kitchen.now()
    assert kitchen.made == 2


def test_files_of_another_version_are_left_while_it_may_be_used(kitchen: Kitchen) -> None:
    folder = Path(stored.cache_folder() or "")
    folder.mkdir(parents=True)
    (folder / "models-1.compiled").write_bytes(b"gpu-sizer compiled 1\n")
    kitchen.now()
    assert (folder / "models-1.compiled").exists()


def test_old_files_are_removed(kitchen: Kitchen) -> None:
    folder = Path(stored.cache_folder() or "")
    folder.mkdir(parents=True)
    names = ("models-1.compiled", "dishes-2.compiled", "x.part")
    for name in names:
        (folder / name).write_bytes(b"gpu-sizer compiled 1\n")
        os.utime(folder / name, (LONG_AGO, LONG_AGO))
    kitchen.now()
    assert not any((folder / name).exists() for name in names)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        pytest.param(lambda p: p.mkdir(), "is a folder", id="a folder"),
        pytest.param(lambda p: os.mkfifo(p), "is a FIFO", id="a FIFO"),
        pytest.param(lambda p: p.symlink_to("gone"), "No such file", id="a dangling link"),
        pytest.param(lambda p: p.symlink_to("/dev/zero"), "leads out of the folder", id="a link to a device"),
    ],
)
def test_only_files_of_the_folder_are_opened(tmp_path: Path, make: Callable[[Path], None], reason: str) -> None:
    make(tmp_path / "x.yaml")
    with pytest.raises(CardError, match=reason):
        Catalogue((str(tmp_path),)).models.ids()
    with pytest.raises(CardError, match="/x"):
        stamps.yaml_files([str(tmp_path)])


def test_a_folder_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(CardError, match="no such file or directory"):
        stamps.yaml_files([str(tmp_path / "gone")])
