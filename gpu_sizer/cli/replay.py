"""The command ``replay``: records of real start-ups beside the estimate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gpu_sizer.cli import options as o
from gpu_sizer.cli.output import is_terminal, print_json, print_lines


def replay(
    records: Annotated[Path, typer.Argument(metavar="RECORDS.jsonl", help="Records, one JSON object a line.")],
    as_json: o.Json = False,
) -> None:
    """Replay records of real start-ups: predicted beside measured."""
    from gpu_sizer.evidence.records import EvidenceError, read_records
    from gpu_sizer.evidence.replay import replay_all
    from gpu_sizer.evidence.summary import summary

    try:
        lines = records.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise EvidenceError(f"{records}: {getattr(error, 'strerror', None) or error}") from None
    replayed = list(replay_all(read_records(lines, str(records)), o.cards()))
    if as_json:
        print_json({"records": [r.model_dump() for r in replayed], "summary": summary(replayed)})
        return
    from gpu_sizer.reports.accuracy import replay_listing, summary_lines

    listing = replay_listing([r.model_dump() for r in replayed])
    if is_terminal():
        from gpu_sizer.reports.terminal import listing as table
        from gpu_sizer.reports.terminal import show

        show(table(listing.columns, listing.rows))
    else:
        print_lines(listing.lines())
    print_lines(["", *summary_lines(summary(replayed))])
