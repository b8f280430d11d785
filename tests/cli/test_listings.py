"""``models`` and ``gpus``: filters, order and formats, over the shipped catalogue and over small made ones."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from gpu_sizer import api
from gpu_sizer.arena.scores import rated_now
from gpu_sizer.cards.catalogue import catalogue
from gpu_sizer.cli.app import put_together
from gpu_sizer.errors import RequestError
from gpu_sizer.model.inventory import build_inventory
from gpu_sizer.planning.quantities import some_gpus
from gpu_sizer.reports import selecting
from gpu_sizer.reports.listings import GPU_KEYS, MODEL_KEYS, ModelEntry, gpu_listing, model_listing

APP = put_together()


def records(*arguments: str) -> list[dict[str, Any]]:
    done = CliRunner().invoke(APP, [*arguments, "--json"])
    assert done.exit_code == 0, done.output
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def ids(*arguments: str) -> list[str]:
    return [r.get("model") or r["gpu"] for r in records(*arguments)]


def test_every_filter_keeps_what_it_names_and_nothing_else() -> None:
    every = records("models")
    assert len(every) == len(catalogue().models.ids())

    def expected(keep: Any) -> list[str]:
        return [r["model"] for r in every if keep(r)]

    def size(r: dict[str, Any]) -> int:
        return int(r["parameters"]["total"])

    assert ids("models", "--moe") == expected(lambda r: r["parameters"]["active"] < size(r))
    assert ids("models", "--max-params", "80b") == expected(lambda r: size(r) <= 80_000_000_000)
    assert ids("models", "--min-params", "0.5t") == expected(lambda r: size(r) >= 500_000_000_000)
    assert ids("models", "--since", "2024-01") == expected(lambda r: (r["released"] or "") >= "2024-01-01")
    assert ids("models", "--until", "2023") == expected(lambda r: r["released"] and r["released"] <= "2023-12-31")
    assert ids("models", "--organization", "mistral") == expected(lambda r: r["organization"] == "Mistral AI")
    assert ids("models", "--license", "apache") == expected(lambda r: "Apache" in (r["license"] or ""))
    assert ids("models", "--open") == expected(lambda r: r["open_license"])
    assert ids("models", "--verified") == expected(lambda r: r["exact"])
    assert ids("models", "mixtral") == expected(lambda r: "mixtral" in r["model"])


def test_filters_hold_together() -> None:
    found = ids("models", "--moe", "--max-params", "80b", "--since", "2023-12", "--until", "2023-12")
    assert found == ["mixtral-8x7b"]


def test_the_listed_counts_are_the_inventory_s() -> None:
    for card in catalogue().models.all()[::7]:
        inventory, listed = build_inventory(card), ModelEntry(card)
        assert (listed.total, listed.active) == (inventory.total_parameters, inventory.active_parameters), card.id


def test_a_list_of_all_models_makes_no_tensor(monkeypatch: pytest.MonkeyPatch) -> None:
    from gpu_sizer.model import counts

    shelf = catalogue().models
    cards = shelf.all()

    def build_inventory(card: object, dtype: str | None = None) -> None:
        raise AssertionError(card)

    monkeypatch.setattr(counts, "build_inventory", build_inventory)
    listed = model_listing(cards, sort="-active", counts=shelf.counts)
    assert len(listed.records) == len(cards) == len(listed.plain.rows)


def test_what_fits_is_what_the_planner_places() -> None:
    found = set(ids("models", "--fits", "2xa6000", "--organization", "mistral"))
    for card in catalogue().models.all():
        if card.organization == "Mistral AI":
            fits = api.fits_on(card, gpu="rtx-a6000", gpu_count=2).fits
            assert (card.id in found) == fits, card.id
    assert "mistral-7b-v0.1" in found
    assert "mixtral-8x22b" not in found


def test_fits_says_for_which_load() -> None:
    done = CliRunner().invoke(APP, ["models", "mistral-7b", "--fits", "a6000"])
    last = done.stdout.splitlines()[-1]
    assert last == "on 1 × NVIDIA RTX A6000: one request at the model's full length, weights as released"


def test_verified_counts_exact_and_plausible() -> None:
    every = catalogue().models.all()
    exact = sum(card.verified and card.parameters.total is not None for card in every)
    done = CliRunner().invoke(APP, ["models", "--verified", "--max-params", "1b"])
    last = done.stdout.splitlines()[-1]
    assert last.startswith(f"{exact} of {len(every)} models are exact")
    assert last.endswith(f"{len(every) - exact} are only plausible")


def test_undated_models_are_counted_where_a_day_is_asked() -> None:
    undated = sum(card.released is None for card in catalogue().models.all())
    done = CliRunner().invoke(APP, ["models", "--since", "2023"])
    told = [line for line in done.stdout.splitlines() if "without a release date" in line]
    assert told == ([f"{undated} models without a release date are not listed"] if undated else [])
    assert all(r["released"] for r in records("models", "--since", "2023"))


@pytest.mark.parametrize("key", list(MODEL_KEYS))
def test_models_sort_both_ways_and_blanks_stand_last(key: str) -> None:
    cards = catalogue().models.all()
    values = {c.id: MODEL_KEYS[key](ModelEntry(c)) for c in cards}
    for by, down in ((key, False), (f"-{key}", True)):
        listed: list[Any] = [values[r["model"]] for r in model_listing(cards, sort=by).records]
        present = [v.lower() if isinstance(v, str) else v for v in listed if v is not None]
        assert present == sorted(present, reverse=down)
        assert None not in listed[: len(present)]


def test_a_list_by_rating_says_whose_ratings_these_are() -> None:
    done = CliRunner().invoke(APP, ["models", "qwen3", "--sort", "-rating"])
    head, first, *_, last = done.stdout.splitlines()
    assert head.split()[:2] == ["model", "rating"]
    points, rated_by = rated_now(catalogue())
    assert first.split()[1] == f"{points[first.split()[0]]:,.0f}"
    assert last == f"ratings: {rated_by}"
    best = records("models", "qwen3", "--sort", "-rating")[0]
    assert best["rating"] == max(v for k, v in points.items() if "qwen3" in k)
    assert "rating" not in records("models", "qwen3")[0]


@pytest.mark.parametrize("key", list(GPU_KEYS))
def test_gpus_sort(key: str) -> None:
    specs = {s.id: s for s in catalogue().gpus.all()}
    listed: list[Any] = [GPU_KEYS[key](specs[i]) for i in ids("gpus", "--sort", f"-{key}")]
    present = [v.lower() if isinstance(v, str) else v for v in listed if v is not None]
    assert present == sorted(present, reverse=True)
    assert len(listed) == len(specs)


def test_gpu_filters() -> None:
    every = records("gpus")
    assert ids("gpus", "--vendor", "amd") == [r["gpu"] for r in every if r["vendor"] == "AMD"] != []
    assert ids("gpus", "--min-memory", "80") == [r["gpu"] for r in every if r["marketed_gb"] >= 80]
    assert ids("gpus", "--measured") == [r["gpu"] for r in every if r["visible_basis"] == "measured"]
    assert ids("gpus", "--since", "2024") == [r["gpu"] for r in every if (r["released"] or "") >= "2024"]
    assert "rtx-a6000" in ids("gpus", "a6000")


def test_exports_hold_the_listed_values(tmp_path: Path) -> None:
    file = tmp_path / "models.csv"
    done = CliRunner().invoke(APP, ["models", "mixtral", "-o", str(file)])
    assert done.exit_code == 0
    rows = list(csv.DictReader(io.StringIO(file.read_text())))
    listed = records("models", "mixtral")
    assert [(r["model"], int(r["parameters"])) for r in rows] == [
        (r["model"], r["parameters"]["total"]) for r in listed
    ]
    page = CliRunner().invoke(APP, ["gpus", "a6000", "--format", "md"]).stdout
    assert "| rtx-a6000 " in page


def test_a_spreadsheet_wants_a_file() -> None:
    done = CliRunner().invoke(APP, ["models", "-f", "xlsx"])
    assert isinstance(done.exception, RequestError)


@pytest.mark.parametrize(
    "arguments",
    [
        ("models", "--max-params", "eighty"),
        ("models", "--since", "2024-13"),
        ("models", "--until", "soon"),
        ("models", "--sort", "beauty"),
        ("models", "--fits", ""),
        ("models", "--fits", "0xa6000"),
        ("gpus", "--sort", "price"),
        ("models", "-f", "docx"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments: tuple[str, ...]) -> None:
    assert isinstance(CliRunner().invoke(APP, list(arguments)).exception, RequestError)


@pytest.mark.parametrize(
    ("text", "count"),
    [("80b", 80 * 10**9), ("500M", 5 * 10**8), ("1.5T", 15 * 10**11), ("7", 7 * 10**9), ("46702792704", 46702792704)],
)
def test_sizes_as_people_write_them(text: str, count: int) -> None:
    assert selecting.parameters(text) == count


@given(st.dates())
@settings(deadline=None)
def test_a_day_lies_between_the_first_and_the_last_of_its_month_and_year(day: Any) -> None:
    iso = day.isoformat()
    for part in (iso, iso[:7], iso[:4]):
        assert selecting.first_day(part) <= day <= selecting.last_day(part)
    assert selecting.first_day(iso) == selecting.last_day(iso) == day


@pytest.mark.parametrize(
    ("text", "found"),
    [("2xa6000", (2, "a6000")), ("8 x H100", (8, "H100")), ("4090", (1, "4090")), ("2×4090", (2, "4090"))],
)
def test_gpus_with_a_number(text: str, found: tuple[int, str]) -> None:
    assert some_gpus(text) == found


def test_an_empty_list_is_still_a_list() -> None:
    listing = model_listing(catalogue().models.all(), selecting.ModelFilter(text="no such model"))
    assert listing.records == []
    assert len(list(listing.lines())) == 1
    assert gpu_listing([]).records == []


@pytest.mark.parametrize(
    ("command", "part"),
    [("models", "mixtral"), ("gpus", "a6000"), ("machines", "p5")],
    ids=["models", "gpus", "machines"],
)
def test_a_list_is_searched_by_the_option_that_people_try(command: str, part: str) -> None:
    plain = CliRunner().invoke(APP, [command, part])
    assert CliRunner().invoke(APP, [command, "--search", part]).output == plain.output
    assert CliRunner().invoke(APP, [command, part, "--search", part]).output == plain.output
    both = CliRunner().invoke(APP, [command, part, "--search", "other"])
    assert isinstance(both.exception, RequestError)
