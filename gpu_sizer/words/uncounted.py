"""What a list leaves out since it cannot be counted, and a line for each reason."""

from __future__ import annotations

from gpu_sizer.units import amount

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gpu_sizer.planning.uncounted import Uncounted

#: GPUs and models that a line names.
MOST_NAMES = 8


def uncounted_lines(uncounted: Iterable[Uncounted]) -> Iterator[str]:
    """What cannot be counted, and a line for each reason with the models and GPUs that it is of.

    Reasons that begin alike and differ in what a GPU is or has (``...; A10 has 8.6``) are one, without that clause.
    """
    pairs = dict.fromkeys(uncounted)
    if not pairs:
        return
    models, gpus = dict.fromkeys(p.model for p in pairs), {p.gpu for p in pairs}
    alone = len(models) == 1 and len(gpus) > 1
    if alone:
        yield f"{next(iter(models))} cannot be counted on {amount(len(gpus), 'kind')} of GPU:"
    else:
        yield f"{amount(len(models), 'model')} cannot be counted:"
    alike: dict[str, list[Uncounted]] = {}
    for pair in pairs:
        alike.setdefault(pair.reason.partition("; ")[0], []).append(pair)
    for same in alike.values():
        on = _names(p.gpu for p in same)
        where = f"on {on}" if alone else f"{_names(p.model for p in same)} on {on}"
        said = [p.reason.split("; ") for p in same]
        yield f"  {where}: {'; '.join(clause for clause in said[0] if all(clause in other for other in said))}"


def uncounted_text(uncounted: Iterable[Uncounted]) -> str:
    """The same in one sentence; empty where everything was counted."""
    first, *rest = [line.strip() for line in uncounted_lines(uncounted)] or [""]
    return f"{first} {'; '.join(rest)}." if rest else ""


def _names(names: Iterable[str]) -> str:
    """The first names of some, and how many more there are."""
    unique = list(dict.fromkeys(names))
    more = f" and {len(unique) - MOST_NAMES} more" if len(unique) > MOST_NAMES else ""
    return ", ".join(unique[:MOST_NAMES]) + more
