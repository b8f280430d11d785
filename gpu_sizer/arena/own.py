"""Tables of the Arena in the user's own folder, taken from a file or from the Arena's dataset on the hub."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

from gpu_sizer.arena.history_files import OVERALL, Tables, read_tables
from gpu_sizer.errors import RequestError
from gpu_sizer.own import own_folder
from gpu_sizer.records import dataclass

#: The Arena's own dataset (CC BY 4.0), and its file of text ratings without style control.
DATASET = "lmarena-ai/leaderboard-dataset"
DATASET_FILE = "text/full-00000-of-00001.parquet"
_HEADER = ("model_name", "organization", "license", "rating", "vote_count", "category", "leaderboard_publish_date")


@dataclass(frozen=True, slots=True)
class Taken:
    """What an update holds: one category's tables as CSV in the form of the Arena's dataset."""

    category: str
    days: int
    first: str
    last: str
    content: bytes

    @property
    def name(self) -> str:
        """The file's name in the user's folder."""
        return f"{self.category}.csv"


def folder() -> Path | None:
    """The folder of the user's own tables."""
    place = own_folder("arena")
    return None if place is None else Path(place)


def taken(tables: Tables, category: str, source: str) -> Taken:
    """One category of what a file holds, as it will lie in the user's folder.

    Raises:
        RequestError: the file lacks the category, or its name would be no file name.
    """
    days = {day: rows for day, rows in tables.get(category, {}).items() if rows}
    if not days:
        known = ", ".join(sorted(tables)) or "none"
        raise RequestError(f"{source}: no category {category[:40]!r}; it holds: {known}")
    if not category.replace("_", "").replace("-", "").isalnum():
        raise RequestError(f"{category[:40]!r} is no name of a category")
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(_HEADER)
    for day in sorted(days):
        for name, row in days[day].items():
            writer.writerow([name, row.organization, row.license, row.score, row.votes, category, day.isoformat()])
    return Taken(category, len(days), str(min(days)), str(max(days)), stream.getvalue().encode())


def from_file(file: Path, category: str = OVERALL) -> Taken:
    """An update from a file that :func:`gpu_sizer.arena.history_files.read_tables` reads.

    Raises:
        RequestError: the file cannot be used.
    """
    return taken(read_tables(file), category, str(file))


def from_hub(category: str = OVERALL) -> Taken:
    """An update from the Arena's dataset on the Hugging Face hub.

    Raises:
        RequestError: the packages that this takes are missing, or the hub cannot be reached.
    """
    try:
        import huggingface_hub
    except ImportError:
        raise RequestError(
            "fetching the Arena's dataset needs two more packages: pip install 'gpu-sizer[hub,parquet]'; or name a file"
        ) from None
    hub: Any = huggingface_hub
    try:
        file = hub.hf_hub_download(DATASET, DATASET_FILE, repo_type="dataset")
    except Exception as error:
        # The client raises errors of many classes, its transport's among them.
        raise RequestError(
            f"{DATASET} cannot be had ({type(error).__name__}); save its {DATASET_FILE} and name the file"
        ) from None
    return taken(read_tables(Path(file)), category, DATASET)
