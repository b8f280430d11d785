"""What an article is about: the spec of its table, with the article's own defaults."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gpu_sizer.errors import RequestError, UnknownModelError
from gpu_sizer.reports.tables.spec import make_spec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gpu_sizer.cards.catalogue import Catalogue
    from gpu_sizer.reports.tables.spec import TableSpec

#: Columns of the article's table.
COLUMNS = ("name", "organization", "released", "parameters", "active", "context", "dtype", "weights", "gpus", "tensor")
#: Columns of prices that may be added.
PRICED = frozenset(("price", "month", "machines"))
#: Whose machines are priced unless another is named: the company in whose story the A6000 is counted.
COMPANY = "massedcompute"
#: The first models after ChatGPT: where the story begins unless told otherwise.
BEGINS = "2023-01-01"
#: The smallest models that people compare with the large ones.
SMALLEST = "6b"
#: The GPU that is counted where none is named.
GPU = "rtx-a6000"


def asked(**options: Any) -> TableSpec:
    """The article's table, from options as keys of a spec; those that are missing or null get the article's defaults.

    Raises:
        RequestError: a value that makes no sense.
    """
    given = {key: value for key, value in options.items() if value is not None}
    chosen: dict[str, Any] = {} if given.get("models") else {"min_params": SMALLEST, "since": BEGINS}
    chosen |= {"gpus": [GPU], "columns": COLUMNS, "sort": ["released", "name"], "title": _title(given.get("as_of"))}
    if PRICED & set(given.get("columns", ())):
        chosen["provider"] = COMPANY
    return make_spec(chosen | given)


def _title(as_of: str | None) -> str:
    day = f", as of {as_of}" if as_of else ""
    return f"Open language models and the GPUs that each takes{day}"


def known(names: Sequence[str] | None, cards: Catalogue) -> tuple[list[str] | None, list[str]]:
    """Names that have a card, and those that have none: a table without them is better than no table.

    Raises:
        RequestError: none has a card.
    """
    from gpu_sizer import api

    if names is None:
        return None, []
    ids: list[str] = []
    unknown: list[str] = []
    for name in names:
        try:
            ids.append(api.load_model(name, cards=cards).id)
        except UnknownModelError:
            unknown.append(name)
    if not ids:
        raise RequestError(f"none of these models has a card: {', '.join(unknown)[:200]}", about="model")
    return ids, unknown
