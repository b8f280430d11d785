"""Container images of engines, by version: tags that were seen, so that a file names none that is not there.

``images.yaml`` of an engine's folder says which were seen and where.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gpu_sizer.engines.profiles import has_data, profile_data
from gpu_sizer.engines.versions import at_least, line, number
from gpu_sizer.records import dataclass


@dataclass(frozen=True, slots=True)
class Image:
    """An image with its tag, and the version that is in it."""

    name: str
    version: str
    own: bool
    """Whether it is of the version that was asked for."""
    seen: bool = True
    """Whether its tag was seen anywhere."""


def image_of(folder: str, platform: str, version: str, loads: Callable[[str], bool]) -> Image | None:
    """The image of a version: its own where its tag was seen, else the nearest that will do: of its line, or older.

    Where none does, it is the version's own as the project names its tags, if it names them alike.

    Args:
        folder: the engine's.
        platform: of the GPU.
        version: that was planned with.
        loads: whether another version starts what was planned.

    Returns:
        Null where none is known.
    """
    known: dict[str, Any] = profile_data(f"{folder}/images") if has_data(f"{folder}/images") else {}
    if (tags := known.get(platform)) is None:
        return None
    older = [v for v in sorted(tags["tags"], key=number, reverse=True) if at_least(version, v)]
    own = [v for v in older if number(v) == number(version)]
    # A later patch of the same line goes before an earlier line; builds with one number have no lines.
    of_line = [v for v in older if line(v) == line(version)]
    later = [v for v in sorted(tags["tags"], key=number) if v not in older and line(v) == line(version)]
    for seen in (*own, *of_line, *later, *older):
        if seen in own or loads(seen):
            return Image(f"{tags['repository']}:{tags['tags'][seen]}", seen, seen in own)
    pattern: str | None = tags.get("pattern")
    # Before the first tag that was seen there may have been no image at all.
    if pattern is None or not at_least(version, min(tags["tags"], key=number)):
        return None
    return Image(f"{tags['repository']}:{pattern.format(version)}", version, own=True, seen=False)
