"""``gpu-sizer update cards``: an archive's cards go before the shipped ones, whole or not at all."""

from __future__ import annotations

import gzip
import io
import re
import tarfile
import zipfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from gpu_sizer.cards import newer
from gpu_sizer.cards.archives import MOST_FILES, MOST_UNPACKED, read_archive
from gpu_sizer.cards.catalogue import catalogue, data_folder
from gpu_sizer.cards.updating import fetched
from gpu_sizer.cli.entry import run
from gpu_sizer.errors import CardError, RequestError
from tools.pack_cards import packed

LLAMA = Path(data_folder("model_cards"), "meta-llama", "llama-2-7b.yaml").read_text(encoding="utf-8")
NEW = (
    "id: brand-new-7b\nname: Brand New 7B\nhub_id: brand/New-7B\n"
    + LLAMA[LLAMA.index("context:") : LLAMA.index("sources:")]
    + "sources:\n  - url: https://example.org\n    facts: everything\n"
)
AGAIN = 'source: made up\ncards:\n  brand-new-7b:\n    - {hub_id: "our-team/newer"}\n'
CARDS = {"model_cards/brand/brand-new-7b.yaml": NEW, "model_cards/rereleases/brand.yaml": AGAIN}


def sums(files: dict[str, str]) -> str:
    return "".join(f"{sha256(text.encode()).hexdigest()}  {path}\n" for path, text in files.items())


def with_sums(files: dict[str, str]) -> dict[str, str]:
    return {**files, "SHA256SUMS": sums(files)}


def in_zip(files: dict[str, str]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return stream.getvalue()


def in_tar(files: dict[str, str], *more: tarfile.TarInfo) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for path, text in files.items():
            made = tarfile.TarInfo(path)
            made.size = len(text.encode())
            archive.addfile(made, io.BytesIO(text.encode()))
        for made in more:
            archive.addfile(made)
    return stream.getvalue()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The user's own folder of cards, which is not there yet."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    catalogue.cache_clear()
    yield tmp_path / "data" / "gpu-sizer" / "cards"
    catalogue.cache_clear()


def take(tmp_path: Path, data: bytes, *more: str) -> int:
    file = tmp_path / "cards.archive"
    file.write_bytes(data)
    done = run(["update", "cards", str(file), *more])
    catalogue.cache_clear()
    return done


def test_a_new_model_needs_no_new_program(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["size", "brand/New-7B", "--gpu", "a6000"]) == 2
    data = in_zip(with_sums(CARDS))
    assert take(tmp_path, data, "--sha256", sha256(data).hexdigest().upper()) == 0
    assert "1 model cards, 0 GPU specs and 1 re-releases" in capsys.readouterr().out
    for name in ("brand-new-7b", "Brand New 7B", "our-team/newer"):
        assert run(["size", name, "--gpu", "a6000"]) == 0
    assert [p.name for p in home.iterdir() if p.is_dir()] == [sha256(data).hexdigest()[:12]]


def test_a_card_of_a_known_id_takes_its_place_until_the_program_is_newer(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    newest = LLAMA.replace("name: Llama 2 7B", "name: Llama 2 7B as corrected", 1)
    assert take(tmp_path, in_zip(with_sums({"meta-llama/llama-2-7b.yaml": newest}))) == 0
    assert catalogue().model("llama-2-7b").name == "Llama 2 7B as corrected"
    # A second update takes the place of the first.
    assert take(tmp_path, in_zip(with_sums(CARDS))) == 0
    assert catalogue().model("llama-2-7b").name == "Llama 2 7B"
    assert len([p for p in home.iterdir() if p.is_dir()]) == 1
    monkeypatch.setattr(newer, "__version__", "99.0")
    catalogue.cache_clear()
    assert "brand-new-7b" not in catalogue().models.files


def test_the_whole_catalogue_can_be_packed_and_taken(home: Path, tmp_path: Path) -> None:
    data = packed()
    assert data == packed()
    before = len(catalogue().models.ids()), len(catalogue().gpus.ids())
    assert take(tmp_path, data) == 0
    assert (len(catalogue().models.ids()), len(catalogue().gpus.ids())) == before
    assert catalogue().newer is not None
    assert catalogue().rereleases.find("unsloth/phi-4") is not None


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname = kind, link
    return made


def linked_zip() -> bytes:
    stream = io.BytesIO(in_zip(with_sums(CARDS)))
    with zipfile.ZipFile(stream, "a") as archive:
        info = zipfile.ZipInfo("model_cards/x.yaml")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, "/etc/passwd")
    return stream.getvalue()


def lying_zip() -> bytes:
    """A member that claims one byte and holds half a megabyte."""
    data = bytearray(in_zip({"a.yaml": "x" * (1 << 19)}))
    for mark, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = data.index(mark) + offset
        data[at : at + 4] = (1).to_bytes(4, "little")
    return bytes(data)


#: Paths that lead elsewhere, or mean another thing on some system.
PATHS = ("../x.yaml", "/etc/x.yaml", "a/../../x.yaml", "C:/x.yaml", ".ssh/x.yaml", "nul.yaml", "a b.yaml", "a//b.yaml")
HOSTILE = {
    "no archive": (b"no archive", "is no archive of cards"),
    "a broken zip": (b"PK\x03\x04broken", "cannot be read"),
    "a broken gzip": (b"\x1f\x8bbroken", "cannot be read"),
    "cut off": (in_tar(with_sums(CARDS))[:-60], "cannot be read"),
    "no checksums": (in_zip(CARDS), "has no SHA256SUMS"),
    "a file beside the list": (in_zip({**with_sums(CARDS), "more.yaml": NEW}), "has no line in SHA256SUMS"),
    "a file gone": (in_zip({**CARDS, "SHA256SUMS": sums({**CARDS, "gone.yaml": NEW})}), r"gone\.yaml.*is not there"),
    "another content": (
        in_zip({**with_sums(CARDS), "model_cards/brand/brand-new-7b.yaml": NEW + "\n"}),
        "is not what SHA256SUMS says",
    ),
    "no checksum": (in_zip({**CARDS, "SHA256SUMS": "0123  x.yaml\n"}), "must be a checksum and a path"),
    **{f"zip {path}": (in_zip({path: NEW}), "is no path of a card") for path in PATHS},
    **{f"tar {path}": (in_tar({path: NEW}), "is no path of a card") for path in PATHS},
    "a link": (in_tar({}, member("x.yaml", tarfile.SYMTYPE, "/etc/passwd")), "a link or a device"),
    "a hard link": (in_tar({}, member("x.yaml", tarfile.LNKTYPE, "y.yaml")), "a link or a device"),
    "a device": (in_tar({}, member("x.yaml", tarfile.CHRTYPE)), "a link or a device"),
    "a link in a zip": (linked_zip(), "a link or a device"),
    "names that differ in case": (in_tar({"A.yaml": NEW, "a.yaml": NEW}), "stands twice"),
    "a large file": (in_zip({"a.yaml": " " * (2 << 20)}), "larger than 1 MiB"),
    "a head that lies": (lying_zip(), "larger than its head says|cannot be read"),
    "a bomb": (gzip.compress(bytes(MOST_UNPACKED + 1), 1), "holds more than 128 MiB"),
    "many files": (in_zip({f"{i}.txt": "" for i in range(MOST_FILES + 1)}), "more than 20,000 files"),
    "no card": (in_zip(with_sums({"README.md": "none"})), "holds no card"),
    "a file as a folder": (in_zip(with_sums({"a.yaml/b.yaml": NEW, "a.yaml": NEW})), "directory|exists"),
    "a count": (in_zip(with_sums({"x.yaml": NEW.replace("total: 6738415616", "total: 1")})), "1 published"),
    "an unknown key": (in_zip(with_sums({"x.yaml": NEW + "foo: 1\n"})), r"x\.yaml:\d+: foo: unknown key"),
    "a name taken": (in_zip(with_sums({"x.yaml": NEW.replace("brand/New-7B", "Qwen/Qwen3-8B")})), "is also a name of"),
    "nothing that is kept": (in_zip(with_sums({"proprietary/x.yaml": NEW})), "holds no model card"),
}


@pytest.mark.parametrize(("data", "told"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_archive_changes_nothing(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], data: bytes, told: str
) -> None:
    assert take(tmp_path, data) == 2
    said = capsys.readouterr().err
    assert re.search(told, said), said
    assert said.count("\n") == 1
    assert str(home) not in said or told == "directory|exists"
    assert not home.exists() or not list(home.iterdir())
    assert {p.name for p in tmp_path.iterdir()} <= {"cards.archive", "data"}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nowhere.tar.gz"], "No such file"),
        (["http://example.org/cards.tar.gz"], "over https only"),
        (["ftp://example.org/cards.tar.gz"], "over https only"),
        (["{file}", "--sha256", "0" * 64], "nothing was taken"),
        (["{file}", "--sha256", "abc"], "takes 64 digits"),
        (["."], "is a folder"),
    ],
)
def test_what_makes_no_sense_is_one_sentence(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], told: str
) -> None:
    file = tmp_path / "cards.zip"
    file.write_bytes(in_zip(with_sums(CARDS)))
    assert run(["update", "cards", *(a.format(file=file) for a in arguments)]) == 2
    assert told in capsys.readouterr().err
    assert not home.exists()


def test_an_address_that_does_not_answer_is_one_sentence() -> None:
    with pytest.raises(RequestError, match="cannot be fetched"):
        fetched("https://127.0.0.1:1/cards.tar.gz")


@pytest.mark.parametrize("text", ["../../../../x", "0123456789ab", ""])
def test_a_pointer_that_was_tampered_with_leads_nowhere(home: Path, text: str) -> None:
    home.mkdir(parents=True)
    Path(newer.pointer(str(home))).write_text(text)
    assert newer.newer_folder() is None


def test_an_archive_is_read_as_its_list_says() -> None:
    assert read_archive(in_tar(with_sums(CARDS)), "x") == read_archive(in_zip(with_sums(CARDS)), "x")
    with pytest.raises(CardError, match="larger than 32 MiB"):
        read_archive(b"PK" + bytes(33 << 20), "x")
