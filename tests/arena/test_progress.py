"""The tracker and the frontier, on the bundled history."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpu_sizer.arena.frontier import capability
from gpu_sizer.arena.history import History, Snapshot, read_history
from gpu_sizer.arena.history_files import Listed, read_tables
from gpu_sizer.arena.progress import fit_trend, frontier, progress
from gpu_sizer.arena.sentences import progress_sentences, stale
from gpu_sizer.arena.standings import Entrant, Register, Standing, entrants, table
from gpu_sizer.cards.catalogue import catalogue
from gpu_sizer.cards.light_card import light_cards
from gpu_sizer.errors import CardError, RequestError
from gpu_sizer.records import replace

#: Open models: id, release, the Arena's name, A6000s.
OPEN = [
    ("vicuna-13b", "2023-03-30", "vicuna-13b", 1),
    ("llama-2-70b", "2023-07-18", "llama-2-70b-chat", 4),
    ("mistral-7b", "2023-09-27", "mistral-7b-instruct", 1),
    ("mixtral-8x7b", "2023-12-11", "mixtral-8x7b-instruct-v0.1", 3),
    ("qwen1.5-72b", "2024-02-04", "qwen1.5-72b-chat", 4),
    ("command-r-plus", "2024-04-04", "command-r-plus", 6),
    ("mixtral-8x22b", "2024-04-17", "mixtral-8x22b-instruct-v0.1", 7),
    ("llama-3-8b", "2024-04-18", "llama-3-8b-instruct", 1),
    ("llama-3-70b", "2024-04-18", "llama-3-70b-instruct", 4),
    ("llama-3.1-405b", "2024-07-23", "llama-3.1-405b-instruct-bf16", 20),
    ("deepseek-r1", "2025-01-20", "deepseek-r1", 17),
]
KNOWN = (
    *(Entrant(i, i, None, date.fromisoformat(d), True, (n,), (i,)) for i, d, n, _ in OPEN),
    *entrants((), light_cards()),
)
#: The last day of the history before the Arena's own tables; every name of it is known by a card or a light card.
FEBRUARY = date(2025, 2, 27)
COUNTS = {i: count for i, _, _, count in OPEN}


def standing(name: str, day: str, rating: float, opened: bool = True) -> Standing:
    return Standing(name, name, None, date.fromisoformat(day), opened, rating, name)


@pytest.mark.parametrize("day", [date(2024, 5, 1), FEBRUARY], ids=str)
def test_the_frontiers_hold_the_models_that_led(day: date) -> None:
    found = progress(table(read_history(), KNOWN, day))
    assert {"gpt-4-1106-preview", "claude-3-opus"} <= {s.id for s in found.proprietary.members}
    assert {"llama-3-70b", "mixtral-8x7b", "command-r-plus"} <= {s.id for s in found.open.members}


@pytest.mark.parametrize(
    ("best", "other", "told"),
    [
        (1491.4, 1533.6, "1491.4 1533.6 42.2"),  # 1491 and 1534 would be 43 apart.
        (1507.0, 1587.2, "1507 1587 80"),
        (1400.0, 1400.0, "1400 1400 0"),
        (1500.44, 1501.46, "1500 1501 1"),
        (1520.26, 1500.14, "1520 1500 20"),
        (1500.04, 1500.96, "1500 1501 1"),
    ],
)
def test_a_reader_can_subtract_the_ratings_of_a_gap(best: float, other: float, told: str) -> None:
    rows = [standing("a", "2026-01-01", best), standing("b", "2026-01-01", other, opened=False)]
    made = replace(table(read_history(), KNOWN, FEBRUARY), standings=tuple(rows))
    sentence = next(s for s in progress_sentences(progress(made)) if "best open model" in s)
    assert re.findall(r"[\d.]+\d|\d", sentence) == told.split()


def test_a_fine_tune_of_a_card_stands_under_its_own_name() -> None:
    cards = [catalogue().models.get(i) for i in ("openhermes-2.5-mistral-7b", "llama-3-8b")]
    names = {e.name for e in entrants(cards, ())}
    assert {"OpenHermes 2.5 Mistral 7B", "Starling-LM-7B-beta", "Llama 3 8B"} <= names


@pytest.mark.parametrize(
    ("table_day", "asked", "newest", "told"),
    [
        # Of a day: as far as that day is behind its table.
        ("2024-05-15", "2024-07-14", None, None),
        ("2024-05-15", "2024-07-15", None, "between 2024-05-15 and 2024-07-15 (61 days)"),
        # Of today: as far as the newest model is behind the newest table.
        ("2026-10-02", "2026-10-02", "2026-12-01", None),
        ("2026-10-02", "2026-10-02", "2026-12-02", "of 2026-10-02, 61 days older than the newest model"),
    ],
)
def test_a_table_more_than_sixty_days_old_is_told(
    table_day: str, asked: str, newest: str | None, told: str | None
) -> None:
    day, as_of = date.fromisoformat(table_day), date.fromisoformat(asked)
    made = replace(table(read_history(), KNOWN, FEBRUARY), listed=day, as_of=as_of)
    found = stale(made, date.fromisoformat(newest) if newest else None)
    assert (found is None) if told is None else (told in str(found) and "gpu-sizer update arena" in str(found))


#: Days between the last table of the MIT copy and the newest, and which bundled table stands for each.
BETWEEN = {
    "2025-06-01": "2025-05-22", "2025-09-01": "2025-08-18", "2025-12-01": "2025-11-16", "2026-01-10": "2025-12-30",
    "2026-03-01": "2026-02-26", "2026-05-01": "2026-04-14", "2026-06-10": "2026-05-27", "2026-08-15": "2026-07-30",
}  # fmt: skip


@pytest.mark.parametrize("day", BETWEEN)
def test_the_arenas_own_tables_stand_between(day: str) -> None:
    found = table(read_history(), KNOWN, date.fromisoformat(day))
    assert found.listed == found.rated == date.fromisoformat(BETWEEN[day])
    assert found.names == 60
    assert not found.outside
    told = progress(found)
    # Open models trailed on each of these days; by how much is the difference of two printed figures.
    assert 20 < told.gap < 60


def test_early_days_are_rated_by_the_first_bradley_terry_table() -> None:
    found = table(read_history(), KNOWN, date(2024, 5, 1))
    assert (found.listed, found.rated, found.method) == (date(2024, 5, 1), date(2024, 6, 29), "Bradley–Terry")
    raw = table(read_history(), KNOWN, date(2024, 5, 1), "listed")
    assert (raw.rated, raw.method) == (date(2024, 5, 1), "online Elo")
    assert {s.id for s in raw.standings} == {s.id for s in found.standings}
    assert found.joined + len(found.unjoined) + len(found.undated) + len(found.unrated) == 92


def test_gap_and_lag_of_february_2025() -> None:
    found = progress(table(read_history(), KNOWN, FEBRUARY))
    assert found.gap == pytest.approx(1403.46 - 1362.66)
    assert found.behind[-1].proprietary.id == "chatgpt-4o-latest-20241120"
    assert found.lag_days == (date(2025, 1, 20) - date(2024, 11, 20)).days
    unreached = [lag for lag in found.lags if lag.open is None]
    assert unreached[-1].proprietary.id == "grok-3-early"
    assert unreached[-1].days == 10
    json.dumps(found.model_dump())


def test_nothing_is_said_of_who_leads_where_a_name_above_is_of_unknown_kind() -> None:
    # Without what later tables tell of a name by their licence column.
    history = replace(read_history(), told={})
    assert progress(table(history, KNOWN, FEBRUARY)).above == ()
    for missing, name in (("deepseek-r1", "deepseek-r1"), ("grok-3-early", "early-grok-3")):
        found = progress(table(history, [e for e in KNOWN if e.id != missing], FEBRUARY))
        assert name in found.above
        text = " ".join(progress_sentences(found))
        assert "Who leads cannot be told" in text
        assert name in text
        assert not re.search(r"trails|leads the|days after|points a year", text)
        data = found.model_dump()
        assert (data["gap"], data["lag_days"], data["lags"], data["behind"]) == (None, None, [], [])
        assert data["open"]["points_a_year"] is data["proprietary"]["points_a_year"] is None
        assert name in data["reason"]


#: A name, what is known of its kind, its rating, whether its date is known.
NAMES = st.tuples(st.sampled_from([True, False, None]), st.integers(1000, 1500), st.booleans())


@given(st.lists(NAMES, min_size=1, max_size=12))
def test_a_headline_rests_on_the_whole_table(drawn: list[tuple[bool | None, int, bool]]) -> None:
    rows = {
        f"m{n}": Listed(rating, license={True: "MIT", False: "Proprietary", None: None}[kind])
        for n, (kind, rating, _) in enumerate(drawn)
    }
    known = [
        Entrant(f"m{n}", f"M{n}", None, date(2026, 1, 1 + n), kind, (f"m{n}",))
        for n, (kind, _, dated) in enumerate(drawn)
        if dated and kind is not None
    ]
    snapshot = Snapshot(date(2026, 6, 1), {n: r.score for n, r in rows.items()}, "Bradley–Terry", rows)
    if not any(kind is not None for kind, _, _ in drawn):
        with pytest.raises(RequestError, match="whether it is open"):
            table(History("overall", (snapshot,), "drawn"), known)
        return
    found = progress(table(History("overall", (snapshot,), "drawn"), known))
    best = {k: max((r for kind, r, _ in drawn if kind is k), default=None) for k in (True, False)}
    unknown = [r for kind, r, _ in drawn if kind is None]
    lower = min(r for r in best.values() if r is not None)
    certain = None not in best.values() and not any(r > lower for r in unknown)
    # The gap is that of the two bests, or none; with none there is a reason, in the text too.
    assert found.gap == (best[False] - best[True] if certain else None)
    assert (found.reason is None) is certain
    text = " ".join(progress_sentences(found))
    assert ("Who leads cannot be told" in text) is not certain
    if not certain:
        assert not re.search(r"trails|leads the|days after", text)
        assert not found.lags
        assert not found.behind
    if any(r > lower for r in unknown):
        assert found.open.trend is found.proprietary.trend is None
    for kind, frontier_ in ((True, found.open), (False, found.proprietary)):
        assert (frontier_.best.rating if frontier_.best else None) == best[kind]
        if not frontier_.dated:
            assert frontier_.trend is None
            assert found.lag_days is None


def test_the_arenas_own_licence_column_says_what_is_open() -> None:
    found = table(read_history(), KNOWN)
    assert found.listed >= date(2026, 10, 2)
    assert not found.outside
    best_open, best_closed = found.best(True), found.best(False)
    assert (best_open.arena_name, best_closed.arena_name) == ("mimo-v2.6-pro", "gemini-4-argon-high")
    told = progress(found)
    assert told.gap == pytest.approx(1533.5 - 1491.0)


def test_every_proprietary_model_of_the_newest_table_that_a_headline_needs_has_a_date() -> None:
    found = table(read_history(), KNOWN)
    told = progress(found)
    assert told.dates_reason is None
    assert told.lag_days is not None
    without = {s.arena_name for s in found.timeless if not s.open}
    # What is left has no release of its own: never sold, or known to the Arena alone.
    assert len(without) <= 15
    best_open = found.best(True)
    assert not [s for s in found.timeless if s.rating >= best_open.rating]
    # Without them, who was first with a score cannot be told.
    fewer = progress(table(read_history(), [e for e in KNOWN if e.id != "claude-opus-4.6"]))
    assert fewer.gap == told.gap
    assert fewer.lag_days is None
    assert "claude-opus-4-6" in str(fewer.dates_reason)


def test_a_card_that_the_tables_licence_contradicts_is_not_taken() -> None:
    rows = {"qwen3.8-max": Listed(1481.8, "alibaba", "Proprietary"), "glm-9-high": Listed(1400, "zai", "MIT")}
    history = History(
        "overall", (Snapshot(date(2026, 10, 2), {n: r.score for n, r in rows.items()}, "Bradley–Terry", rows),), "x"
    )
    known = [Entrant(i, i, None, date(2026, 8, 1), True, (), (i,)) for i in ("qwen3.8", "glm-9")]
    found = table(history, known)
    assert [(s.id, s.open) for s in found.standings] == [("glm-9", True)]
    assert [(s.id, s.open, s.released) for s in found.timeless] == [(None, False, None)]


def test_names_of_more_or_less_thinking_are_one_model() -> None:
    known = Register([Entrant("kimi-k2.5", "K", None, date(2026, 1, 27), True, (), ("kimi-k2.5",))])
    for name in (
        "kimi-k2.5",
        "kimi-k2.5-thinking",
        "kimi-k2.5-high-32k",
        "Kimi-K2.5 (thinking-minimal)",
        "kimi-k2.5-max",
    ):
        assert known.find(name) is not None, name
    for name in ("kimi-k2.5-vision", "kimi-k2", "max", "-high"):
        assert known.find(name) is None, name


def test_leaders_tied_and_trend_by_hand() -> None:
    found = frontier(
        [
            standing("a", "2024-01-01", 1000),
            standing("b", "2024-03-01", 1010),
            standing("c", "2024-03-01", 1006),
            standing("d", "2024-04-01", 1004),
            standing("e", "2025-01-01", 1100),
        ]
    )
    assert [s.id for s in found.leaders] == ["a", "b", "e"]
    assert [s.id for s in found.tied] == ["c"]
    assert found.trend is not None
    assert found.trend.at(date(2024, 1, 1)) < 1000 < found.trend.at(date(2024, 7, 1))
    assert fit_trend([standing(x, "2024-01-01", 1000) for x in "abc"]) is None


def test_a_least_score_hides_models_and_says_how_many() -> None:
    found = progress(table(read_history(), KNOWN, FEBRUARY), min_score=1200)
    assert all(s.rating >= 1200 for s in (*found.shown, *found.open.leaders, *found.proprietary.leaders))
    assert found.hidden > 0


def test_llama_3_8b_breaks_the_trend_on_the_day_of_its_release() -> None:
    found = capability(table(read_history(), KNOWN, date(2024, 4, 18)).standings, COUNTS.get)
    last = found.breaks[-1]
    assert (last.need.standing.id, last.need.gpus) == ("llama-3-8b", 1)
    assert (last.before.standing.id, last.before.gpus) == ("command-r-plus", 6)
    assert [n.standing.id for n in found.pareto] == ["llama-3-8b", "llama-3-70b"]
    assert found.best_on(3) == found.pareto[0]
    # Until then, each open model that led took more than the one before it.
    before = [n for n in found.leaders if n.standing.released < date(2024, 4, 18)]
    assert [n.gpus for n in before] == [1, 4, 3, 4, 6]


def test_a_model_better_than_all_before_is_set_against_the_best_of_them() -> None:
    needs = {"old": 8, "weak": 1, "new": 2, "huge": 5}
    found = capability(
        [
            standing("old", "2024-01-01", 1200),
            standing("weak", "2024-01-01", 1000),
            standing("new", "2024-02-01", 1250),
            standing("huge", "2024-03-01", 1300),
        ],
        needs.get,
    )
    assert [(b.need.standing.id, b.before.standing.id, b.best_yet) for b in found.breaks] == [("new", "old", True)]


def test_models_that_fit_nowhere_are_told() -> None:
    found = capability([standing("big", "2024-01-01", 1300), standing("small", "2024-01-01", 1000)], {"small": 1}.get)
    assert [s.id for s in found.unplaced] == ["big"]


def test_light_cards_are_sourced_and_join() -> None:
    cards = light_cards()
    listed = {name for s in read_history().snapshots for name in s.scores}
    register = Register(entrants((), cards))
    assert len(cards) >= 140
    for card in cards:
        assert all(s.url.startswith("https://") for s in card.sources)
        assert {register.find(name).id for name in card.arena_names} == {card.id}
        # Later names may stand in tables alone that are not bundled, or there with an effort of thought at their end.
        assert card.released > FEBRUARY or set(card.arena_names) <= listed


def test_light_cards_are_strict(tmp_path: Path) -> None:
    folder = tmp_path / "proprietary" / "x"
    folder.mkdir(parents=True)
    (folder / "x.yaml").write_text(
        "id: x\nname: X\norganization: O\nreleased: 2024-01-01\narchitecture: {}\nsources: []\n"
    )
    with pytest.raises(CardError, match="architecture"):
        light_cards(str(tmp_path))
    (folder / "x.yaml").write_text("id: x\nname: X\norganization: O\nreleased: 2024-01-01\nsources: []\n")
    with pytest.raises(CardError, match="at least one source"):
        light_cards(str(tmp_path))


def test_a_release_gives_its_own_date() -> None:
    from gpu_sizer.cards.model_card import Release
    from gpu_sizer.importers.sources import import_source

    config = Path(__file__).parents[1] / "oracle" / "configs" / "mistralai__Mixtral-8x7B-v0.1.json"
    card = replace(
        import_source(str(config)),
        id="m",
        released=date(2023, 12, 8),
        arena_names=("mixtral-8x7b-instruct-v0.1",),
        releases=(Release(hub_id="mistralai/Mixtral-8x7B-Instruct-v0.1", released=date(2023, 12, 11)),),
    )
    found = table(read_history(), entrants([card], ()), FEBRUARY)
    assert [(s.id, s.released) for s in found.standings] == [("m", date(2023, 12, 11))]


def test_a_fine_tune_without_a_date_of_its_own_has_none() -> None:
    from gpu_sizer.cards.model_card import Release
    from gpu_sizer.importers.sources import import_source

    config = Path(__file__).parents[1] / "oracle" / "configs" / "mistralai__Mixtral-8x7B-v0.1.json"
    tuned = "NousResearch/Nous-Hermes-2-Mixtral-8x7B-DPO"
    card = replace(
        import_source(str(config)),
        id="mixtral-8x7b",
        name="Mixtral 8x7B",
        hub_id="mistralai/Mixtral-8x7B-v0.1",
        released=date(2023, 12, 11),
        releases=(Release(hub_id=tuned), Release(hub_id="mistralai/Mixtral-8x7B-Instruct-v0.1")),
    )
    found = table(read_history(), entrants([card], ()), FEBRUARY)
    assert [(s.arena_name, s.released) for s in found.standings] == [
        ("mixtral-8x7b-instruct-v0.1", date(2023, 12, 11)),
    ]
    assert found.undated == ("nous-hermes-2-mixtral-8x7b-dpo",)
    dated = replace(card, releases=(Release(hub_id=tuned, released=date(2024, 1, 15)), *card.releases[1:]))
    found = table(read_history(), entrants([dated], ()), FEBRUARY)
    assert {s.organization for s in found.standings} == {card.organization, "NousResearch"}


def test_open_models_with_a_light_card_alone_stand_in_the_table() -> None:
    found = table(read_history(), entrants((), light_cards()), date(2023, 9, 5))
    ours = {s.id: s for s in found.standings}
    assert ours["vicuna-33b"].open
    assert not ours["gpt-4-0314"].open
    assert ours["vicuna-33b"].released == date(2023, 6, 22)


def test_a_model_card_goes_before_a_light_card_of_the_same_name() -> None:
    known = (Entrant("sized", "Sized", None, date(2023, 1, 1), True, ("vicuna-33b",)), *entrants((), light_cards()))
    found = table(read_history(), known, date(2023, 9, 5))
    assert [s.id for s in found.standings if s.arena_name == "vicuna-33b"] == ["sized"]


def test_histories_of_ones_own(tmp_path: Path) -> None:
    file = tmp_path / "mine.csv"
    file.write_text("model,snapshot_date,arena_score,category\nm,2025-03-01,1200,coding\nm,2025-03-01,1300,\n")
    assert read_history(file).snapshots[0].scores == {"m": 1300}
    assert read_history(file, "coding").snapshots[0].scores == {"m": 1200}
    file = tmp_path / "scores.json"
    file.write_text(json.dumps({"20250301": {"text": {"overall": {"m": 1300.0}}, "vision": {}}}))
    assert read_history(file).at().day == date(2025, 3, 1)


ROWS = [
    {"model_name": "a", "organization": "o", "license": "MIT", "rating": 1400.5, "rating_lower": 1390.0,
     "rating_upper": 1410.0, "variance": 9.0, "vote_count": 812, "rank": 1, "category": "overall",
     "leaderboard_publish_date": "2026-10-02"},
    {"model_name": "b", "organization": "p", "license": "Proprietary", "rating": 1500.0, "rating_lower": 1490.0,
     "rating_upper": 1510.0, "variance": 9.0, "vote_count": 7, "rank": 2, "category": "coding",
     "leaderboard_publish_date": "2026-10-02"},
]  # fmt: skip


@pytest.mark.parametrize("form", ["csv", "tsv", "jsonl", "json", "viewer", "parquet", "tracker"])
def test_the_arenas_dataset_is_read_in_every_form_it_is_published_in(tmp_path: Path, form: str) -> None:
    file = tmp_path / f"full.{'json' if form == 'viewer' else 'csv' if form == 'tracker' else form}"
    head = list(ROWS[0])
    if form in ("csv", "tsv"):
        lines = [head, *([str(v) for v in row.values()] for row in ROWS)]
        file.write_text("\n".join(("," if form == "csv" else "\t").join(line) for line in lines))
    elif form == "tracker":
        file.write_text(
            "date,model,organization,license,rating,lower,upper,votes,rank\n2026-10-02,a,o,MIT,1400.5,1,2,812,1\n"
        )
    elif form == "jsonl":
        file.write_text("\n".join(map(json.dumps, ROWS)))
    elif form == "parquet":
        pyarrow = pytest.importorskip("pyarrow")
        from pyarrow import parquet

        parquet.write_table(pyarrow.Table.from_pylist(ROWS), file)
    else:
        data = {"features": [], "rows": [{"row_idx": n, "row": row} for n, row in enumerate(ROWS)]}
        file.write_text(json.dumps(data if form == "viewer" else ROWS))
    tables = read_tables(file)
    day = date(2026, 10, 2)
    assert tables["overall"] == {day: {"a": Listed(1400.5, "o", "MIT", 812)}}
    assert tables["overall"][day]["a"].open is True
    if form != "tracker":
        assert tables["coding"][day]["b"].open is False


def test_licences_say_what_is_open() -> None:
    said = {"Proprietary": False, "Propretary": False, "MIT": True, "Llama 4": True, "-": None, "": None, None: None}
    assert {text: Listed(1.0, license=text).open for text in said} == said


def test_a_table_of_the_arena_takes_its_day_from_the_name_of_the_file(tmp_path: Path) -> None:
    made = {"full": {"m": {"rating": 1300.5, "rating_q975": 1310, "rating_q025": 1290}}, "coding": {"m": {"rating": 1}}}
    file = tmp_path / "leaderboard-text-2025-12-11.json"
    file.write_text(json.dumps(made))
    snapshot = read_history(file).at()
    assert (snapshot.day, snapshot.scores) == (date(2025, 12, 11), {"m": 1300.5})
    assert read_history(file, "coding").at().scores == {"m": 1.0}
    undated = file.rename(tmp_path / "leaderboard-text.json")
    with pytest.raises(RequestError, match="put it into the file's name"):
        read_history(undated)
    undated.write_text(json.dumps({"full": {"m": {"rating": 1}, "n": 2}}))
    with pytest.raises(RequestError, match="put it into"):
        read_history(undated)
    broken = undated.rename(tmp_path / "table 20251211.json")
    with pytest.raises(RequestError, match="nor the JSON of lmarena-history"):
        read_history(broken)


BAD = {
    "category": (None, "coding", "the bundled history: no category 'coding'; it holds: overall"),
    "columns": ("a,b\n1,2\n", "overall", "a column for each of model: model_name, model, name; score"),
    "date": ("model,snapshot_date,arena_score\nm,soon,1\n", "overall", "'soon' is no date"),
    "score": ("model,snapshot_date,arena_score\nm,2025-01-01,nan\n", "overall", "'nan' is no score"),
    "row": ("model,2025-01-01\nm\n", "overall", "row 2 has 1 columns, not 2"),
    "empty": ("model,2025-01-01\n", "overall", "no score in it"),
}


@pytest.mark.parametrize("name", BAD)
def test_unusable_histories_are_refused(tmp_path: Path, name: str) -> None:
    text, category, told = BAD[name]
    file = None
    if text is not None:
        file = tmp_path / "history.csv"
        file.write_text(text)
    with pytest.raises(RequestError, match=told):
        read_history(file, category)


def test_days_before_the_history_are_refused() -> None:
    with pytest.raises(RequestError, match="begins on 2023-05-08"):
        table(read_history(), KNOWN, date(2023, 1, 1))
    with pytest.raises(RequestError, match="of none of the 1 models"):
        table(History("overall", (Snapshot(date(2026, 1, 1), {"m": 1.0}, "Bradley–Terry"),), "x"), ())
