"""Files are read within bounds, and written whole, as any Unix tool writes."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from gpu_sizer.errors import CardError, RequestError
from gpu_sizer.files import check_output, parse_json, read_regular, whole_file, write_file


def test_a_regular_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"abc")
    (tmp_path / "link").symlink_to("x")
    assert read_regular(tmp_path / "link", 3) == b"abc"


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        pytest.param(lambda p: None, "No such file", id="nothing"),
        pytest.param(lambda p: p.mkdir(), "a folder", id="a folder"),
        pytest.param(lambda p: os.mkfifo(p), "a FIFO", id="a FIFO that nobody writes into"),
        pytest.param(lambda p: p.symlink_to("/dev/zero"), "a device", id="a link to a device without an end"),
        pytest.param(lambda p: p.symlink_to("gone"), "No such file", id="a dangling link"),
        pytest.param(lambda p: p.write_bytes(b"abcd"), "larger than 3 bytes", id="too large"),
    ],
)
def test_nothing_else_is_read(tmp_path: Path, make, reason: str) -> None:
    make(tmp_path / "x")
    with pytest.raises(CardError, match=reason):
        read_regular(tmp_path / "x", 3)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[" * 50_000, "nested too deeply"),
        ("1" * 5000, "thousands of digits"),
        (b'"\xff"', "not UTF-8"),
        ("{,}", "line 1, column 2"),
    ],
)
def test_what_is_no_json_is_told_in_words(text: str | bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_json(text)


def test_a_link_is_written_through(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("old")
    (tmp_path / "link").symlink_to("target")
    write_file(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_bytes() == b"new"


def test_a_dangling_link_gets_its_target(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("target")
    write_file(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_bytes() == b"new"


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o755])
def test_a_file_keeps_its_mode(tmp_path: Path, mode: int) -> None:
    (tmp_path / "x").write_text("a longer text than the new one")
    (tmp_path / "x").chmod(mode)
    write_file(tmp_path / "x", b"new")
    assert stat.S_IMODE((tmp_path / "x").stat().st_mode) == mode
    assert (tmp_path / "x").read_bytes() == b"new"


def test_other_names_of_a_file_stay_its_names(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("a longer text than the new one")
    os.link(tmp_path / "x", tmp_path / "y")
    write_file(tmp_path / "x", b"new")
    assert (tmp_path / "y").read_bytes() == b"new"


def test_a_fifo_is_written_into(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append((tmp_path / "pipe").read_bytes()))
    reader.start()
    write_file(tmp_path / "pipe", b"new")
    reader.join(timeout=10)
    assert read == [b"new"]
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


def test_a_device_is_written_into(tmp_path: Path) -> None:
    (tmp_path / "null").symlink_to("/dev/null")
    write_file(tmp_path / "null", b"new")
    assert stat.S_ISCHR((tmp_path / "null").stat().st_mode)


def test_a_fault_in_the_middle_leaves_the_old_file(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("old")

    def half() -> None:
        with whole_file(tmp_path / "x") as stream:
            stream.write(b"half")
            raise KeyError

    with pytest.raises(KeyError):
        half()
    assert [p.name for p in tmp_path.iterdir()] == ["x"]
    assert (tmp_path / "x").read_text() == "old"


def test_missing_folders_are_made_where_that_is_asked_for(tmp_path: Path) -> None:
    place = tmp_path / "a" / "b" / "x.yaml"
    with pytest.raises(RequestError, match="there is no folder"):
        check_output(place)
    check_output(place, parents=True)
    assert not place.parent.exists()
    write_file(place, b"new", parents=True)
    assert place.read_bytes() == b"new"


@pytest.mark.parametrize(
    ("place", "reason"),
    [("", "is a folder; name a file"), ("gone/x", "there is no folder"), ("file/x", "."), ("x\0y", "null byte")],
)
def test_a_place_that_cannot_be_written_is_told_before(tmp_path: Path, place: str, reason: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RequestError, match=reason):
        check_output(tmp_path / place)
