"""Reading battles: three formats, and every row accounted for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gpu_sizer.arena.battles import LOSS, TIE, WIN
from gpu_sizer.arena.vote_files import read_battles
from gpu_sizer.errors import RequestError

ROWS = [
    {"model_a": "a", "model_b": "b", "winner": "model_a", "tstamp": 3.0},
    {"model_a": "b", "model_b": "c", "winner": "tie (bothbad)", "tstamp": 1.0},
    {"model_a": "c", "model_b": "a", "winner": "model_b", "tstamp": 2.0},
    {"model_a": "a", "model_b": "c", "winner": "tie", "tstamp": 4.0},
]


def write(folder: Path, suffix: str, rows: list[dict[str, object]]) -> Path:
    file = folder / f"battles{suffix}"
    if suffix == ".csv":
        head = list(rows[0])
        file.write_text("\n".join([",".join(head), *(",".join(str(r[k]) for k in head) for r in rows)]) + "\n")
    elif suffix == ".jsonl":
        file.write_text("".join(json.dumps(r) + "\n" for r in rows))
    else:
        file.write_text(json.dumps(rows, indent=1))
    return file


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".json"])
def test_every_format_gives_the_same_battles_in_order_of_time(tmp_path: Path, suffix: str) -> None:
    battles = read_battles(write(tmp_path, suffix, ROWS))
    named = [(battles.models[a], battles.models[b]) for a, b in zip(battles.first, battles.second, strict=True)]
    assert named == [("b", "c"), ("c", "a"), ("a", "b"), ("a", "c")]
    assert battles.outcome.tolist() == [TIE, LOSS, WIN, TIE]
    assert battles.timed
    assert not battles.problems


def test_iso_times_and_missing_times(tmp_path: Path) -> None:
    rows = [{**r, "tstamp": f"2024-05-0{int(r['tstamp'])}T00:00:00"} for r in ROWS]
    assert read_battles(write(tmp_path, ".csv", rows)).outcome.tolist() == [TIE, LOSS, WIN, TIE]
    rows[0]["tstamp"] = "yesterday"
    untimed = read_battles(write(tmp_path, ".csv", rows))
    assert not untimed.timed
    assert untimed.outcome.tolist() == [WIN, TIE, LOSS, TIE]


def test_a_large_array_is_read_piece_by_piece(tmp_path: Path) -> None:
    rows = [{**ROWS[i % 4], "note": "x" * 200, "tstamp": i} for i in range(20_000)]
    told: list[int] = []
    file = write(tmp_path, ".json", rows)
    assert len(read_battles(file, advance=told.append)) == 20_000
    assert sum(told) == file.stat().st_size


def test_malformed_rows_are_told_with_their_numbers(tmp_path: Path) -> None:
    file = tmp_path / "battles.csv"
    file.write_text("model_a,model_b,winner\na,b,model_a\na,b\n\na,b,nobody\na,a,tie\n,b,tie\na,b,model_b\n")
    battles = read_battles(file)
    assert len(battles) == 2
    assert [str(p) for p in battles.problems] == [
        "1 row left out: not 3 columns (row 3)",
        "1 row left out: an empty row (row 4)",
        "1 row left out: winner is none of model_a, model_b, tie, tie (bothbad) (row 5)",
        "1 row left out: a model met itself (row 6)",
        "1 row left out: a model has no name (row 7)",
    ]


def test_malformed_lines_of_json(tmp_path: Path) -> None:
    file = tmp_path / "battles.jsonl"
    file.write_text('{"model_a": "a", "model_b": "b", "winner": "tie"}\n[1]\nnonsense\n\n{"model_a": "a"}\n')
    battles = read_battles(file)
    assert len(battles) == 1
    assert [p.reason for p in battles.problems] == ["not a JSON object", "not JSON", "an empty row", "no key model_b"]


BAD = {
    "no columns.csv": ("a,b\n1,2\n", "missing: model_a, model_b, winner"),
    "empty.csv": ("", "missing: model_a, model_b, winner"),
    "header.csv": ("model_a,model_b,winner\n", "no battle in it"),
    "all wrong.csv": ("model_a,model_b,winner\na,a,tie\n", "no battle in it; 1 row left out: a model met itself"),
    "empty.json": ("[]", "no battle in it"),
    "object.json": ('{"a": 1}', "no JSON array of objects"),
    "cut.json": (
        '[{"model_a": "a", "model_b": "b", "winner": "tie"}, {"mod',
        "breaks off or is spoilt after 1 battles",
    ),
    "followed.json": ("[] []", "something follows it"),
    "nothing.json": ("", "breaks off or is spoilt at its beginning"),
    "bytes.csv": (b"model_a,model_b,winner\n\xff\xfe,b,tie\n", "not UTF-8"),
    "battles.txt": ("", "battles come as .csv, .tsv, .jsonl, .json or .parquet"),
}


@pytest.mark.parametrize("name", BAD)
def test_unusable_files_are_refused(tmp_path: Path, name: str) -> None:
    content, told = BAD[name]
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(RequestError, match=told):
        read_battles(tmp_path / name)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="No such file"):
        read_battles(tmp_path / "nowhere.csv")


@pytest.mark.parametrize(
    ("suffix", "text", "reason"),
    [
        pytest.param(".csv", "model_a,model_b,winner\n" + "a," * 3_000_000, "more than 4,194,304", id="a CSV row"),
        pytest.param(".csv", 'model_a,model_b,winner\n"' + "a\n" * 3_000_000, "4,194,304", id="a quoted row"),
        pytest.param(".jsonl", '{"model_a": "' + "a" * 4_300_000, "more than 4,194,304", id="a line"),
        pytest.param(".json", '[{"model_a": "' + "a" * 9_000_000, "more than 4,194,304", id="a string"),
        pytest.param(".json", "[" + " " * 3_000_000 + "]", "no battle in it", id="spaces"),
        pytest.param(".json", "[]" + " " * 3_000_000 + "x", "something follows", id="spaces and more"),
    ],
)
def test_no_row_is_held_that_is_longer_than_any_battle(tmp_path: Path, suffix: str, text: str, reason: str) -> None:
    file = tmp_path / f"votes{suffix}"
    file.write_text(text)
    with pytest.raises(RequestError, match=reason):
        read_battles(file)


def test_a_time_of_four_hundred_digits_is_none(tmp_path: Path) -> None:
    rows = [{**r, "tstamp": 10**400} for r in ROWS]
    assert not read_battles(write(tmp_path, ".json", rows)).timed


def test_names_without_end_are_no_models(tmp_path: Path) -> None:
    rows = [{"model_a": f"a{i}", "model_b": f"b{i}", "winner": "tie"} for i in range(10_100)]
    with pytest.raises(RequestError, match="more than 20,000 models"):
        read_battles(write(tmp_path, ".jsonl", rows))
