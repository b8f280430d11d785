"""Votes as they are published: every form, the Arena's own choice of them, filters, copies, style."""

from __future__ import annotations

import csv
import gzip
import io
import json
from pathlib import Path
from typing import Any

import pytest

from gpu_sizer.arena.battles import LOSS, TIE, WIN
from gpu_sizer.arena.choosing import make_choice
from gpu_sizer.arena.ratings import rate
from gpu_sizer.arena.vote_files import read_battles
from gpu_sizer.cli.entry import run
from gpu_sizer.errors import RequestError


def metadata(a: tuple[int, ...], b: tuple[int, ...]) -> dict[str, Any]:
    """As the files of 100k and 140k votes have it."""
    made: dict[str, Any] = {}
    for side, (length, headings, lists, bold) in (("a", a), ("b", b)):
        made[f"sum_assistant_{side}_tokens"] = length
        made[f"header_count_{side}"] = {"h1": headings, "h2": 0}
        made[f"list_count_{side}"] = {"ordered": lists, "unordered": lists}
        made[f"bold_count_{side}"] = {"**": bold, "__": 0}
    return made


ROWS: list[dict[str, Any]] = [
    {"model_a": "a", "model_b": "b", "winner": "model_a", "tstamp": 1.0, "anony": True, "language": "English",
     "dedup_tag": {"high_freq": False, "sampled": True}, "category_tag": {"math": True},
     "conv_metadata": metadata((300, 2, 1, 0), (100, 0, 1, 0))},
    {"model_a": "b", "model_b": "a", "winner": "model_a", "tstamp": 2.0, "anony": True, "language": "German",
     "dedup_tag": {"high_freq": False, "sampled": True}, "category_tag": {"math": False},
     "conv_metadata": metadata((100, 1, 1, 4), (100, 1, 1, 0))},
    {"model_a": "a", "model_b": "b", "winner": "tie", "tstamp": 3.0, "anony": False, "language": "English",
     "dedup_tag": {"high_freq": False, "sampled": True}, "category_tag": {"math": True},
     "conv_metadata": metadata((1, 0, 0, 0), (1, 0, 0, 0))},
    {"model_a": "a", "model_b": "b", "winner": "model_b", "tstamp": 4.0, "anony": True, "language": "English",
     "dedup_tag": {"high_freq": True, "sampled": False}, "category_tag": {"math": True},
     "conv_metadata": metadata((1, 0, 0, 0), (1, 0, 0, 0))},
]  # fmt: skip
#: The file of 55k votes: a mark for each outcome, and no time.
ONE_HOT = [
    {"id": 1, "model_a": "a", "model_b": "b", "winner_model_a": 1, "winner_model_b": 0, "winner_tie": 0},
    {"id": 2, "model_a": "a", "model_b": "b", "winner_model_a": 0, "winner_model_b": 1, "winner_tie": 0},
    {"id": 3, "model_a": "b", "model_b": "a", "winner_model_a": 0, "winner_model_b": 0, "winner_tie": 1},
    {"id": 4, "model_a": "b", "model_b": "a", "winner_model_a": 0, "winner_model_b": 0, "winner_tie": 0},
]
FORMS = (".csv", ".tsv", ".jsonl", ".json", ".parquet", ".csv.gz", ".tsv.gz", ".jsonl.gz", ".json.gz")


def write(folder: Path, form: str, rows: list[dict[str, Any]]) -> Path:
    file = folder / f"votes{form}"
    kind = form.removesuffix(".gz")
    if kind == ".parquet":
        pyarrow = pytest.importorskip("pyarrow")
        from pyarrow import parquet

        parquet.write_table(pyarrow.Table.from_pylist(rows), file)
        return file
    if kind in (".csv", ".tsv"):
        stream = io.StringIO()
        writer = csv.writer(stream, delimiter="," if kind == ".csv" else "\t", lineterminator="\n")
        writer.writerow(rows[0])
        # As pandas writes them: a mapping in a cell as Python has it.
        writer.writerows([str(v) for v in row.values()] for row in rows)
        text = stream.getvalue()
    elif kind == ".jsonl":
        text = "".join(json.dumps(row) + "\n" for row in rows)
    else:
        text = json.dumps(rows)
    file.write_bytes(gzip.compress(text.encode()) if form.endswith(".gz") else text.encode())
    return file


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_votes(tmp_path: Path, form: str) -> None:
    file = write(tmp_path, form, ROWS)
    found = read_battles(file, make_choice(control="style"))
    assert found.outcome.tolist() == [WIN, WIN]
    assert [p.count for p in found.left_out] == [1, 1]
    assert "anony is false" in found.left_out[0].reason
    assert "dedup_tag" in found.left_out[1].reason
    assert not found.problems
    assert found.features.tolist() == [[0.5, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]]
    everything = read_battles(file, make_choice(every_vote=True))
    assert everything.outcome.tolist() == [WIN, WIN, TIE, LOSS]
    assert not everything.left_out


@pytest.mark.parametrize("form", [".csv", ".parquet", ".jsonl"])
def test_the_marks_of_the_file_of_55k(tmp_path: Path, form: str) -> None:
    found = read_battles(write(tmp_path, form, ONE_HOT))
    assert found.outcome.tolist() == [WIN, LOSS, TIE]
    assert [p.reason for p in found.problems] == ["winner is none of model_a, model_b, tie, tie (bothbad)"]


@pytest.mark.parametrize(
    ("filters", "kept"),
    [
        (["language=English"], 3),
        (["language=english", "category_tag.math=true"], 3),
        (["category_tag.math=false"], 1),
        (["language=German"], 1),
    ],
)
@pytest.mark.parametrize("form", [".csv", ".jsonl", ".parquet"])
def test_filters(tmp_path: Path, form: str, filters: list[str], kept: int) -> None:
    found = read_battles(write(tmp_path, form, ROWS), make_choice(filters, every_vote=True))
    assert len(found) == kept
    assert sum(p.count for p in found.left_out) == len(ROWS) - kept


def test_copies_are_told_and_counted(tmp_path: Path) -> None:
    row = {"model_a": "a", "model_b": "b", "winner": "model_a", "tstamp": 1.0}
    other = {**row, "winner": "model_b"}
    file = write(tmp_path, ".jsonl", [row, other, row, {**row, "tstamp": 2.0}, row, other])
    found = read_battles(file)
    assert found.copies == 3
    assert len(found) == 6
    assert "3 votes are exact copies of another" in " ".join(rate(found).warnings)


BAD = [
    ("votes.csv.gz", b"no gzip", (), "not a whole gzip file"),
    ("votes.json.gz", gzip.compress(b"[]" * 50, mtime=0)[:-6], (), "not a whole gzip file"),
    ("votes.parquet", b"PAR1nonsense", (), "no readable parquet"),
    ("votes.parquet.gz", b"", (), "battles come as"),
    ("votes.csv", b"model_a,model_b,winner\na,b,tie\n", ("language=English",), "no such column; the file has model_a"),
    ("votes.csv", b"model_a,model_b,winner_tie\na,b,1\n", (), "missing: winner"),
]


@pytest.mark.parametrize(("name", "content", "filters", "told"), BAD)
def test_unusable_files_are_refused(
    tmp_path: Path, name: str, content: bytes, filters: tuple[str, ...], told: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(RequestError, match=told):
        read_battles(tmp_path / name, make_choice(filters))


def test_what_the_file_does_not_tell_of_style_is_refused_or_told(tmp_path: Path) -> None:
    plain = [{k: v for k, v in row.items() if k != "conv_metadata"} for row in ROWS]
    with pytest.raises(RequestError, match="--control length needs the columns sum_assistant_a_tokens"):
        read_battles(write(tmp_path, ".csv", plain), make_choice(control="length"))
    partly = [ROWS[0], {**ROWS[1], "conv_metadata": {"sum_assistant_a_tokens": 5}}]
    found = read_battles(write(tmp_path, ".jsonl", partly), make_choice(control="length"))
    assert len(found) == 1
    assert "does not tell the length of both answers" in found.left_out[0].reason
    for text in ("language", "=x", "a="):
        with pytest.raises(RequestError, match="COLUMN=VALUE"):
            make_choice([text])


def test_the_command_says_what_kind_of_rating_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [*ROWS[:2], *({**r, "tstamp": 9.0 + i} for i, r in enumerate(ROWS * 20))]
    file = write(tmp_path, ".jsonl.gz", rows)
    assert run(["arena", "rate", str(file), "--rounds", "5"]) == 0
    out, err = capsys.readouterr()
    assert "not controlled for style" in out
    assert "21 rows" not in out
    assert "20 rows left out: the voter saw" in err
    assert run(["arena", "rate", str(file), "--control", "style", "--weights", "pair", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert (data["control"], data["weights"], list(data["style"])) == (
        "style",
        "pair",
        ["length", "headings", "lists", "bold"],
    )
    assert run(["arena", "rate", str(file), "--control", "style", "--rounds", "10"]) == 2
    assert run(["arena", "rate", str(file), "--control", "looks"]) == 2
    assert run(["arena", "rate", str(file), "--strict", "--rounds", "0"]) == 0
