"""The commands of ``arena``: answers, exit codes, one clear line for bad input."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from gpu_sizer.cli.entry import run

VOTES = (
    "model_a,model_b,winner\n" + "a,b,model_a\nb,a,model_a\nb,c,tie\na,c,model_a\nc,a,model_a\n" * 20 + "a,b,nobody\n"
)


@pytest.fixture
def votes(tmp_path: Path) -> str:
    file = tmp_path / "votes.csv"
    file.write_text(VOTES)
    return str(file)


def test_rate_as_json(votes: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        run(["arena", "rate", votes, "--anchor", "b", "--score", "1114", "--versus", "a", "c", "--matrix", "--json"])
        == 0
    )
    data = json.loads(capsys.readouterr().out)
    assert {r["model"] for r in data["ratings"]} == {"a", "b", "c"}
    assert next(r for r in data["ratings"] if r["model"] == "b")["rating"] == 1114
    assert data["rounds"] == 100
    assert 0 < data["win_rate"]["predicted"] < 1
    assert len(data["wins"]["fractions"]) == 3
    assert "1 row left out" in data["warnings"][0]


def test_rate_as_text_tells_what_it_left_out(votes: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["arena", "rate", votes, "--method", "elo", "--matrix", "--versus", "a", "b"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("3 models from 100 battles: online Elo")
    assert "is predicted to win" in out
    assert "1 row left out: winner is none of" in err
    assert "in the order of the file" in err


def test_progress_needs_no_open_card(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["arena", "progress", "--as-of", "2024-05-01"]) == 0
    out, err = capsys.readouterr()
    assert "Bradley–Terry ratings of 2024-06-29 for the models listed on 2024-05-01" in out
    assert "Claude 3 Opus" in out
    assert "joined to a card" in err


def test_progress_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["arena", "progress", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["listed"] >= "2026-10-02"
    best = {kind: data[kind]["best"] for kind in ("open", "proprietary")}
    assert (best["proprietary"]["arena_name"], best["proprietary"]["organization"]) == ("gemini-4-argon-high", "Google")
    assert (best["open"]["arena_name"], best["open"]["released"]) == ("mimo-v2.6-pro", "2026-09-22")
    assert (data["gap"], data["reason"]) == (42.5, None)
    # Who was first with its score: Claude Opus 4.6, which the table lists at three efforts of thought.
    assert (data["lag_days"], data["lag_reason"]) == (229, None)
    assert data["open"]["points_a_year"] > 0 < data["proprietary"]["points_a_year"]


def test_data_alone_needs_no_chart_library(tmp_path: Path) -> None:
    file = tmp_path / "data.csv"
    assert run(["arena", "progress", "-o", str(file)]) == 0
    assert file.read_text().startswith("released,kind,model,organization,arena_score,frontier\n")


def test_ratings_in_every_format(votes: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    odd = tmp_path / "odd.csv"
    odd.write_text(Path(votes).read_text() + "\x1b[31md|e,a,model_a\n")
    asked = ["arena", "rate", str(odd), "--rounds", "0", "--format"]
    assert run([*asked, "csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [bool(r["rank"]) for r in rows] == [True, True, True, False]
    assert rows[-1]["model"] == "\x1b[31md|e"
    assert rows[-1]["not_rated"].startswith("never lost")
    assert run([*asked, "markdown"]) == 0
    out, err = capsys.readouterr()
    assert "|  |  \\[31md\\|e | none |  | 1 |" in out
    assert "\x1b" not in out + err
    assert run([*asked, "table"]) == 0
    assert "\x1b" not in capsys.readouterr().out
    assert run([*asked, "json"]) == 0
    assert json.loads(capsys.readouterr().out)["unrated"][0]["battles"] == [1]


def test_llama_3_8b_broke_the_trend_on_the_day_of_its_release(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["arena", "frontier", "--gpu", "a6000", "--as-of", "2024-04-18"]
    assert run([*asked, "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    broke = {b["model"]: b for b in data["breaks"]}["llama-3-8b"]
    assert (broke["released"], broke["gpus"]) == ("2024-04-18", 1)
    assert broke["before_gpus"] >= 4
    assert (data["pareto"][0]["model"], data["pareto"][0]["gpus"]) == ("llama-3-8b", 1)
    assert "llama-3-70b" in {n["model"] for n in data["pareto"]}
    # Sized, or told that it is not.
    assert "Vicuna 33B" in data["not_sized"] or "vicuna-33b" in {m["arena_name"] for m in data["models"]}
    assert run([*asked, "--format", "md"]) == 0
    assert "| 1 | Llama 3 8B Instruct | 1152 | 2024-04-18 | best (broke the trend:" in capsys.readouterr().out


def test_the_real_cards_hold_the_leaders_of_both_kinds(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["arena", "progress", "--as-of", "2024-05-01", "--format", "csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    leading = {r["model"] for r in rows if r["frontier"]}
    assert {"GPT-4-Turbo", "Claude 3 Opus"} <= leading
    assert any(m.startswith("Llama 3 70B") for m in leading)
    assert any(m.startswith("Mixtral 8x7B") for m in leading)
    assert any(m.startswith("Command R+") for m in leading)


BAD = [
    ("arena", "rate"),
    ("arena", "rate", "nowhere.csv"),
    ("arena", "rate", "/etc/passwd"),
    ("arena", "rate", "VOTES", "--method", "guess"),
    ("arena", "rate", "VOTES", "--method", "elo", "--rounds", "10"),
    ("arena", "rate", "VOTES", "--rounds", "-1"),
    ("arena", "rate", "VOTES", "--level", "2"),
    ("arena", "rate", "VOTES", "--anchor", "nobody"),
    ("arena", "rate", "VOTES", "--versus", "a", "nobody"),
    ("arena", "rate", "VOTES", "--strict"),
    ("arena", "rate", "VOTES", "--format", "xml"),
    ("arena", "progress", "--format", "pdf"),
    ("arena", "progress", "--as-of", "yesterday"),
    ("arena", "progress", "--as-of", "2020-01-01"),
    ("arena", "progress", "--category", "coding"),
    ("arena", "progress", "--scores", "raw"),
    ("arena", "progress", "--tie", "-1"),
    ("arena", "progress", "--history", "nowhere.csv"),
    ("arena", "progress", "-o", "chart.docx"),
    ("arena", "progress", "-o", "chart.svg", "--theme", "pink"),
    ("arena", "frontier"),
    ("arena", "frontier", "--gpu", "zx81"),
    ("arena", "frontier", "--gpu", "a6000", "--min-score", "9999"),
    ("arena", "nonsense"),
]


@pytest.mark.parametrize("arguments", BAD, ids=" ".join)
def test_bad_input_gets_one_line_and_exit_code_2(
    arguments: tuple[str, ...], votes: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([votes if a == "VOTES" else a for a in arguments]) == 2
    out, err = capsys.readouterr()
    assert "Traceback" not in out + err
    assert err.startswith("gpu-sizer: ")
