"""What a list leaves out since it cannot be counted: how many models, and a line for each reason."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gpu_sizer.planning.uncounted import Uncounted

#: GPUs and models that a line names.
MOST_NAMES = 8


def uncounted_lines(found: Iterable[Uncounted]) -> Iterator[str]:
    """How many models cannot be counted, and a line for each reason with the models and GPUs that it is of."""
    pairs = dict.fromkeys(found)
    if not pairs:
        return
    models = {p.model for p in pairs}
    yield f"{len(models)} model{'s' if len(models) > 1 else ''} cannot be counted:"
    for reason in dict.fromkeys(p.reason for p in pairs):
        same = [p for p in pairs if p.reason == reason]
        where = f"{_names(p.model for p in same)} on {_names(p.gpu for p in same)}"
        yield f"  {where}: {reason}"


def uncounted_text(found: Iterable[Uncounted]) -> str:
    """The same in one sentence; empty where everything was counted."""
    first, *rest = [line.strip() for line in uncounted_lines(found)] or [""]
    return f"{first} {'; '.join(rest)}." if rest else ""


def _names(names: Iterable[str]) -> str:
    """The first names of some, and how many more there are."""
    unique = list(dict.fromkeys(names))
    more = f" and {len(unique) - MOST_NAMES} more" if len(unique) > MOST_NAMES else ""
    return ", ".join(unique[:MOST_NAMES]) + more
