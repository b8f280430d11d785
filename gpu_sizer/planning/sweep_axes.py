"""Axes of a sweep: values as people write them (``1k:128k:log8``), in order."""

from __future__ import annotations

from gpu_sizer.errors import RequestError
from gpu_sizer.planning.quantities import tokens

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gpu_sizer.load import Setting

#: Values on one axis at most.
MOST_VALUES = 100_000


def _spaced(first: int, last: int, spacing: str, text: str, what: str) -> list[int]:
    """Whole numbers from first to last: ``log8`` is eight at equal ratios, ``lin8`` eight at equal steps."""
    kind, number = spacing[:3], spacing[3:]
    if kind not in ("log", "lin") or not number.isdigit() or not 2 <= int(number) <= MOST_VALUES:
        form = f"FIRST:LAST:logN or FIRST:LAST:linN, N from 2 to {MOST_VALUES:,}"
        raise RequestError(f"{what}: {text[:40]!r} is not {form}", about=what)
    if last < first:
        raise RequestError(f"{what}: {text[:40]!r} runs backwards", about=what)
    steps = int(number) - 1
    if kind == "log":
        values = [round(first * (last / first) ** (i / steps)) for i in range(steps + 1)]
    else:
        values = [first + (last - first) * i // steps for i in range(steps + 1)]
    values[-1] = last
    return values


def whole_numbers(text: str, what: str) -> tuple[int, ...]:
    """The values of an axis, ascending and each once.

    Args:
        text: ``8192``, ``4k,32k``, ``1k:128k:log8`` (equal ratios), ``1:64:lin8`` (equal steps). k is 1024.
        what: the name of the axis in messages.

    Raises:
        RequestError: no such values, or too many.
    """
    values: set[int] = set()
    for part in text.split(","):
        ends = part.strip().split(":")
        if len(ends) == 1:
            values.add(tokens(ends[0], what=what))
        elif len(ends) == 3:
            first, last = (tokens(end, what=what) for end in ends[:2])
            values.update(_spaced(first, last, ends[2].strip(), part, what))
        else:
            raise RequestError(f"{what}: {part[:40]!r} is not FIRST:LAST:logN", about=what)
    if len(values) > MOST_VALUES:
        raise RequestError(f"{what}: at most {MOST_VALUES:,} values", about=what)
    return tuple(sorted(values))


#: The word for what a model or an engine has by itself.
DEFAULT = "default"


def setting_values(setting: Setting, text: str) -> tuple[Any, ...]:
    """Values of a setting, each once: ``default,float8``, ``0.85,0.9``; the default is null.

    Raises:
        RequestError: not a number where one belongs.
    """
    words = dict.fromkeys(part.strip() for part in text.split(",") if part.strip())
    try:
        return tuple(None if word == DEFAULT else setting.read(word) for word in words)
    except RequestError:
        raise RequestError(f"{setting.key} must be numbers such as 0.85,0.9, not {text[:40]!r}") from None
