"""Ratings, frontiers and lags as lists of rows."""

from __future__ import annotations

import math

from gpu_sizer.arena.frontier import Capability
from gpu_sizer.arena.matrix import Wins
from gpu_sizer.arena.progress import Progress
from gpu_sizer.arena.ratings import Ratings
from gpu_sizer.reports.arena.formats import Listing, Rows


def _limit(value: float | None, centre: float) -> str:
    if value is None:
        return ""
    return f"{value - centre:+.1f}" if math.isfinite(value) else ("+∞" if value > 0 else "-∞")


def rating_listing(ratings: Ratings) -> Listing:
    """One row for each model, those without a rating last."""
    columns = (("rank", True), ("model", False), ("rating", True), ("interval", True), ("battles", True))
    rows = []
    for r in ratings.rated:
        interval = f"{_limit(r.high, r.rating)} / {_limit(r.low, r.rating)}" if r.low is not None else ""
        rows.append((str(r.rank), r.model, f"{r.rating:.1f}", interval, f"{r.battles:,}"))
    for u in ratings.unrated:
        rows += [("", model, "none", "", f"{battles:,}") for model, battles in u.counted]
    return Listing(columns, tuple(rows))


def rating_rows(ratings: Ratings) -> Rows:
    """The ratings for programs: an open end of an interval is ``inf``, a model without a rating has its reason."""

    def limit(value: float | None) -> str:
        return "" if value is None else f"{value:.4f}"

    rated = [
        (str(r.rank), r.model, f"{r.rating:.4f}", limit(r.low), limit(r.high), str(r.battles), "")
        for r in ratings.rated
    ]
    unrated = [("", m, "", "", "", str(b), u.reason) for u in ratings.unrated for m, b in u.counted]
    return ("rank", "model", "rating", "low", "high", "battles", "not_rated"), rated + unrated


def progress_rows(progress: Progress) -> Rows:
    """Every model shown, for programs: by date, with its part in the frontier."""
    parts = {id(s): "tied" for f in (progress.open, progress.proprietary) for s in f.tied}
    parts |= {id(s): "leader" for f in (progress.open, progress.proprietary) for s in f.leaders}
    rows = [
        (
            str(s.released),
            "open" if s.open else "proprietary",
            s.name,
            s.organization or "",
            f"{s.rating:.2f}",
            parts.get(id(s), ""),
        )
        for s in sorted(progress.shown, key=lambda s: (str(s.released), s.name))
    ]
    return ("released", "kind", "model", "organization", "arena_score", "frontier"), rows


def capability_rows(capability: Capability) -> Rows:
    """Every model sized, for programs."""
    best = {id(n) for n in capability.pareto}
    broke = {id(b.need): b.before for b in capability.breaks}
    rows = []
    for n in capability.needs:
        before = broke.get(id(n))
        rows.append(
            (
                str(n.gpus),
                n.standing.name,
                f"{n.standing.rating:.2f}",
                str(n.standing.released or ""),
                "best" if id(n) in best else "",
                str(before.gpus) if before else "",
                before.standing.name if before else "",
            )
        )
    return ("gpus", "model", "arena_score", "released", "frontier", "gpus_before", "model_before"), rows


def matrix_listing(wins: Wins, most: int) -> Listing:
    """The first rows and columns of the matrix of wins."""
    models = wins.models[:most]
    columns = (("", True), ("model", False), *((str(i), True) for i in range(1, len(models) + 1)))
    rows = []
    for i, model in enumerate(models):
        cells = [wins.fractions[i][j] for j in range(len(models))]
        rows.append((str(i + 1), model, *("" if c is None else f"{c:.0%}" for c in cells)))
    return Listing(columns, tuple(rows))


def frontier_listing(progress: Progress) -> Listing:
    """The members of both frontiers by date of release."""
    columns = (
        ("released", False),
        ("kind", False),
        ("model", False),
        ("organization", False),
        ("rating", True),
        ("", False),
    )
    tied = {id(s) for f in (progress.open, progress.proprietary) for s in f.tied}
    members = sorted((*progress.open.members, *progress.proprietary.members), key=lambda s: (str(s.released), s.rating))
    rows = tuple(
        (
            str(s.released),
            "open" if s.open else "proprietary",
            s.name,
            s.organization or "",
            f"{s.rating:.0f}",
            "tied" if id(s) in tied else "",
        )
        for s in members
    )
    return Listing(columns, rows)


def lag_listing(progress: Progress) -> Listing:
    """When open models reached the scores of the proprietary leaders."""
    columns = (
        ("score", True),
        ("proprietary", False),
        ("released", False),
        ("first open", False),
        ("released", False),
        ("lag in days", True),
    )
    rows = tuple(
        (
            f"{lag.score:.0f}",
            lag.proprietary.name,
            str(lag.proprietary.released),
            lag.open.name if lag.open else "none yet",
            str(lag.open.released) if lag.open else "",
            f"{lag.days:,}" if lag.open else f"over {lag.days:,}",
        )
        for lag in progress.lags
    )
    return Listing(columns, rows)


def capability_listing(capability: Capability, gpu: str) -> Listing:
    """Every rated open model by the GPUs it needs."""
    columns = (
        (gpu, True),
        ("model", False),
        ("arena score", True),
        ("released", False),
        ("", False),
    )
    best = {id(n) for n in capability.pareto}
    broke = {id(b.need): b.before.gpus for b in capability.breaks}
    rows = tuple(
        (
            str(n.gpus),
            n.standing.name,
            f"{n.standing.rating:.0f}",
            str(n.standing.released or ""),
            " ".join(
                w
                for w in (
                    "best" if id(n) in best else "",
                    f"(broke the trend: {broke[id(n)]} before)" if id(n) in broke else "",
                )
                if w
            ),
        )
        for n in capability.needs
    )
    return Listing(columns, rows)
