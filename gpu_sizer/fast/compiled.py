"""YAML folders kept in a form that loads in a millisecond, and never stale.

A compiled file holds plain data made from YAML files, entry by entry. It is taken where its stamp is still true, or
the contents of the files are the same (:mod:`gpu_sizer.fast.stamps`); otherwise it is made again from the YAML.
Compiled files lie in the user's cache folder; the wheel brings one of each, so that the first start need not make them.

Looking at some hundred files takes a twentieth of a question. Of those that an installer wrote, who edits none of them
in place, the folders are looked at, which tell of files that came, went or were replaced; each file is looked at when
its entry is asked for (:meth:`Compiled.holds`), and all of them before anything is listed or said to be unknown
(:meth:`Compiled.look_again`).
"""

from __future__ import annotations

import os

from gpu_sizer.fast.stamps import content_of, holds, is_true, latest, modules_in, stamp_of, yaml_and_folders
from gpu_sizer.fast.stored import SUFFIX, Stored, cache_path, keep, kept, now

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from gpu_sizer.fast.stored import Entries

#: Where an installer writes, with the modules.
INSTALLED = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "")
#: Set to 0 to read the YAML itself, always.
SWITCH = "GPU_SIZER_COMPILED"
#: A file that changed so short a time ago may change again with equal times: nothing made from it is kept.
TICK_NS = 20_000_000


def shipped_folder() -> str:
    """Where the wheel holds compiled files."""
    return os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "compiled_cards")


class Compiled:
    """The entries of one compiled file, read and parsed one by one.

    Args:
        file: the compiled file, which stands for the YAML as it is now.
        recipe: what it is made from.
        looked: whether every file was looked at.
    """

    def __init__(self, file: Stored, recipe: Recipe, *, looked: bool) -> None:
        self._file, self._recipe, self._looked = file, recipe, looked

    def __contains__(self, key: str) -> bool:
        return self._file.place(key) is not None

    def holds(self, folder: str, path: str) -> bool:
        """Whether a file of a folder is as it was when its entry was made."""
        return self._looked or holds(self._file.stamp, os.path.join(folder, path))

    def look_again(self) -> bool:
        """Looks at files that were not looked at; whether the entries are others now."""
        if self._looked:
            return False
        before, self._file, self._looked = self._file, self._recipe.looked_at(self._file), True
        return self._file.content != before.content

    def read_whole(self) -> None:
        """Reads all entries at once, for one who will ask for most of them."""
        self._file.read_whole()

    def entry(self, key: str) -> Any:
        """One entry; null where there is none."""
        try:
            return self._file.entry(key)
        except ValueError:
            self._file, self._looked = self._recipe.anew(), True
            return self._file.entry(key)


class Recipe:
    """What a compiled file is made from, and how.

    Args:
        name: what it holds; the beginning of its file name.
        folders: the folders of YAML that it stands for.
        make: gives its entries by key; errors in the YAML are raised from here.
        beside: folders in these that hold something else.
        code: folders of modules that decide what is made of the YAML: their change makes it stale as well.
        by_file: whether who asks for an entry asks whether its file is as it was.
    """

    def __init__(
        self,
        name: str,
        folders: Sequence[str],
        make: Callable[[], Entries],
        *,
        beside: Sequence[str] = (),
        code: Sequence[str] = (),
        by_file: bool = False,
    ) -> None:
        self._name, self._folders, self._make = name, folders, make
        self._beside, self._code, self._by_file = beside, code, by_file

    def _places(self) -> tuple[list[str], list[str]]:
        """The files that it is made from and by, and the folders that they stand in."""
        files, folders = yaml_and_folders(self._folders, self._beside)
        return [*files, *(m for f in self._code for m in modules_in(f))], [*folders, *self._code]

    @property
    def _told(self) -> str:
        """What says which files it is made from."""
        return "\0".join((*self._folders, "", *self._beside, "", *self._code)).replace("\n", "\0")

    def _path(self) -> str | None:
        """Where the compiled file is kept; null where no place is the user's."""
        return cache_path(self._name, *self._folders)

    def _content(self, files: Sequence[str]) -> bytes:
        return content_of(files, [*self._folders, *self._code])

    def current(self) -> Compiled | None:
        """The compiled form, made anew where it is missing or stale; null where compiled files are switched off."""
        if os.environ.get(SWITCH) == "0":
            return None
        old = kept(self._path())
        unseen = INSTALLED if self._by_file else None
        if old is not None and is_true(old.stamp, self._told, unseen):
            return Compiled(old, self, looked=unseen is None)
        return Compiled(self.looked_at(old), self, looked=True)

    def looked_at(self, old: Stored | None) -> Stored:
        """The file that stands for the YAML as it is, every file looked at: the old one where that is true."""
        if old is not None and is_true(old.stamp, self._told):
            return old
        files, folders = self._places()
        stamp = stamp_of([*files, *folders], self._told)
        if old is not None and old.stamp == stamp:
            return old
        return self._settled(self._renewed(old, stamp, self._content(files)))

    def anew(self) -> Stored:
        """A file made from the YAML as it is."""
        files, folders = self._places()
        stamp = stamp_of([*files, *folders], self._told)
        return self._settled(Stored.of(stamp, self._content(files), self._make()))

    def _settled(self, made: Stored) -> Stored:
        """The same file, kept for the next start where its YAML has settled."""
        if (path := self._path()) is not None and latest(made.stamp) < now() - TICK_NS:
            keep(made, path)
        return made

    def _renewed(self, old: Stored | None, stamp: bytes, content: bytes) -> Stored:
        """The file of this content: an old or the shipped one under a new stamp, or one made from the YAML."""
        for known in (old, Stored.read_brief(os.path.join(shipped_folder(), self._name + SUFFIX))):
            if known is not None and known.content == content:
                return known.under(stamp)
        return Stored.of(stamp, content, self._make())

    def shipped(self) -> tuple[str, bytes]:
        """The compiled file that an installation brings, by its name: without a stamp, since it will lie elsewhere."""
        content = self._content(self._places()[0])
        return self._name + SUFFIX, Stored.of(b"", content, self._make()).brief()

    def ship(self, folder: str) -> None:
        """Writes :meth:`shipped` into a folder.

        Raises:
            OSError: it cannot be written.
        """
        name, data = self.shipped()
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, name), "wb") as stream:
            stream.write(data)
