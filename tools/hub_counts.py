"""The hub's own parameter counts of the repositories that cards name, written beside the cards.

``python tools/hub_counts.py ROWS --source 'package llmfit 1.1.17, hub metadata of 2026-10-05'`` writes
``model_cards/counts/hub.yaml`` from a dump (``tools/hub_dump.py``). Reasons that stand there are kept where they are
still needed; a count that neither follows from its card nor has a reason is printed, and ``gpu-sizer validate``
refuses it.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from gpu_sizer.cards.catalogue import Catalogue, data_folder
from gpu_sizer.cards.folders import COUNTS
from gpu_sizer.cards.hub_counts import Count, Counts, explained
from gpu_sizer.cards.loading import load_card
from gpu_sizer.cards.names import normal
from gpu_sizer.model.inventory import build_inventory
from tools.hub_dump import read_rows


def lines(models: object, given: dict[str, int], reasons: dict[str, str]) -> list[Count]:
    """A line for each repository that a card names and the dump counts."""
    made = []
    for card in models.all():  # type: ignore[attr-defined]
        for hub_id in (card.hub_id, *(r.hub_id for r in card.releases)):
            if hub_id is None or (count := given.get(normal(hub_id))) is None:
                continue
            release = card.as_release(hub_id)
            told = explained(release, count)
            reason = None if told is not None else reasons.get(hub_id)
            if told is None and reason is None:
                total = build_inventory(release).total_parameters
                print(f"{hub_id} ({card.id}): {count:,}, the card has {total:,} ({count - total:+,})")
            made.append(Count(hub_id=hub_id, count=count, reason=reason))
    return sorted(made, key=lambda line: line.hub_id.lower())


def text(source: str, counts: list[Count]) -> str:
    """The file."""
    head = ["# Made by tools/hub_counts.py; the reasons are written by hand.", f"source: {source}", "counts:"]
    for line in counts:
        head.append(f'  - {{hub_id: "{line.hub_id}", count: {line.count}}}')
        if line.reason is not None:
            head[-1] = f'  - {{hub_id: "{line.hub_id}", count: {line.count}, reason: "{line.reason}"}}'
    return "\n".join(head) + "\n"


def main() -> None:
    """Writes the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=Path)
    parser.add_argument("--source", required=True)
    asked = parser.parse_args()
    place = Path(data_folder("model_cards")) / COUNTS / "hub.yaml"
    known = load_card(place, Counts).counts if place.exists() else ()
    reasons = {line.hub_id: line.reason for line in known if line.reason is not None}
    given = {normal(row["name"]): row["parameters_raw"] for row in read_rows(asked.rows)}
    place.parent.mkdir(exist_ok=True)
    place.write_text(text(asked.source, lines(Catalogue().models, given, reasons)), encoding="utf-8")


if __name__ == "__main__":
    main()
