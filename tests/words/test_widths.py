"""No cell of a table is broken: columns go by rank, and the table says which."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gpu_sizer.words.blocks import Column
from gpu_sizer.words.widths import GAP, PROSE, fitted

COLUMNS = st.builds(Column, st.text("abc ", min_size=1, max_size=12), st.booleans(), st.integers(0, 5), st.booleans())


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[Column], list[list[str]]]:
    columns = draw(st.lists(COLUMNS, min_size=1, max_size=7))
    cells = st.text("xyz0123 -", max_size=30)
    return columns, draw(st.lists(st.tuples(*[cells] * len(columns)).map(list), max_size=4))


@settings(suppress_health_check=[HealthCheck.too_slow])  # which a busy machine is
@given(tables(), st.integers(20, 120))
def test_what_is_shown_has_room_and_what_has_none_is_named(
    table: tuple[list[Column], list[list[str]]], room: int
) -> None:
    columns, rows = table
    made = fitted(columns, rows, room)
    assert sorted(made.shown) == list(made.shown)
    whole = sum(made.widths) + GAP * (len(made.widths) - 1)
    ranked = [columns[i].rank for i in made.shown if columns[i].rank]
    # Only where nothing more may be left out is there no room.
    assert whole <= room or not ranked
    for i, wide in zip(made.shown, made.widths, strict=True):
        for row in rows:
            need = max(PROSE, *map(len, row[i].split()), 0) if columns[i].flow else len(row[i])
            assert len(row[i]) <= wide or (columns[i].flow and wide >= min(need, len(row[i])))
    out = [i for i in range(len(columns)) if i not in made.shown]
    assert [columns[i].title for i in out] == list(made.left_out)
    assert all(columns[i].rank for i in out)
    # None is left out while one of a higher rank stays.
    assert not out or not ranked or max(ranked) <= min(columns[i].rank for i in out)
    assert all(title in made.remark() for title in made.left_out)


def test_the_least_wanted_goes_first() -> None:
    columns = [
        Column("model"),
        Column("count", right=True, rank=1),
        Column("price of", rank=2),
        Column("layout", rank=3),
    ]
    rows = [["llama-3.1-405b", "13", "2026-08-26", "tensor parallel 8 x pipeline of 2"]]
    assert fitted(columns, rows, 200).left_out == ()
    assert fitted(columns, rows, 60).left_out == ("layout",)
    assert fitted(columns, rows, 30).left_out == ("price of", "layout")
    assert fitted(columns, rows, 5).shown == (0,)
