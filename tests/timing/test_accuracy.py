"""The estimate against benchmarks on which nothing was fitted (half 1)."""

from __future__ import annotations

from collections import defaultdict
from functools import cache
from pathlib import Path
from statistics import median

import pytest

from gpu_sizer.cards.catalogue import catalogue
from gpu_sizer.evidence.benchmarks import read_benchmarks
from gpu_sizer.evidence.speed_replay import SpeedReplayed, speed_replay
from gpu_sizer.timing.answer import Figure
from gpu_sizer.timing.constants import OTHER, table

RECORDS = Path(__file__).parent.parent / "evidence" / "speed.jsonl"


@cache
def replayed() -> list[SpeedReplayed]:
    with RECORDS.open(encoding="utf-8") as stream:
        held_out = [b for b in read_benchmarks(stream, RECORDS.name) if b.half == 1]
    return [speed_replay(b, catalogue()) for b in held_out]


def of_servers(key: str) -> list[tuple[Figure, float]]:
    """Figures of one machine of NVIDIA's, where layout and load are told."""
    return [
        (figure, value)
        for r in replayed()
        if r.speed is not None and r.benchmark.engine != "llama.cpp" and not (r.benchmark.gpu_id or "").startswith("mi")
        if (r.benchmark.gpu_count or 1) <= 8
        for name, figure, value in r.pairs()
        if name == key
    ]


@pytest.mark.parametrize(("key", "half_within", "within_30"), [("output_tok_s", 0.17, 0.70), ("tpot_ms", 0.20, 0.65)])
def test_unseen_benchmarks_are_met(key: str, half_within: float, within_30: float) -> None:
    errors = [abs(figure.about / value - 1) for figure, value in of_servers(key)]
    assert len(errors) > 300
    assert median(errors) <= half_within
    assert sum(e <= 0.30 for e in errors) >= within_30 * len(errors)


def test_ranges_hold_what_was_measured_and_are_narrow() -> None:
    pairs = of_servers("output_tok_s") + of_servers("tpot_ms")
    assert sum(f.low <= v <= f.high for f, v in pairs) >= 0.80 * len(pairs)
    assert median(f.high / f.low for f, _ in pairs) <= 4


def test_next_to_nothing_beats_what_physics_allows() -> None:
    estimated = [r for r in replayed() if r.speed is not None]
    assert sum(r.impossible is not None for r in estimated) <= 0.01 * len(estimated)


def test_a_rate_that_is_surely_met_is_met() -> None:
    """Whoever asks for what the lower end gives is disappointed in few cases: by source and model, in the median."""
    rates = (10, 20, 30, 50, 100)
    wrong: dict[tuple[str | None, str | None], list[bool]] = defaultdict(list)
    for r in replayed():
        if r.speed is None or r.speed.tokens_per_second_per_user is None:
            continue
        for key, _, value in r.pairs():
            if key == "tpot_ms":
                sure = [rate for rate in rates if r.speed.tokens_per_second_per_user.low >= rate]
                wrong[r.benchmark.source, r.benchmark.card] += [1e3 / value < rate for rate in sure]
    every = [w for group in wrong.values() for w in group]
    assert len(every) > 1000
    assert sum(every) <= 0.02 * len(every)


def test_every_constant_names_the_records_behind_it() -> None:
    for name in ("gpus", "engines", "links"):
        rows = table(name)
        assert rows[OTHER]["n"] == 0
        assert all(row["n"] > 0 for key, row in rows.items() if key != OTHER)
