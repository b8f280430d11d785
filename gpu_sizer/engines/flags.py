"""The options that a version of an engine knows on its command line, as its own parser told them.

``flags.yaml`` of an engine's folder is written by tools/engine_flags.py out of the engine's releases: since which of
the versions that were read an option is there, and until which.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from gpu_sizer.engines.profiles import has_data, profile_data
from gpu_sizer.engines.versions import at_least, number
from gpu_sizer.errors import RequestError, unknown_word
from gpu_sizer.records import dataclass


@dataclass(frozen=True)
class Flags:
    """What one version's command line takes."""

    folder: str
    """The engine's folder."""
    title: str
    """The engine and its version in words."""
    version: str

    @cached_property
    def _data(self) -> dict[str, Any]:
        name = f"{self.folder}/flags"
        data: dict[str, Any] = profile_data(name) if has_data(name) else {}
        return data

    @cached_property
    def _read(self) -> list[str]:
        """The versions that were read, the oldest first."""
        return sorted(self._data.get("read", ()), key=number)

    @cached_property
    def read(self) -> str | None:
        """The version that was read and speaks for this one: itself or the nearest older one, else the oldest."""
        older = [v for v in self._read if at_least(self.version, v)]
        return older[-1] if older else self._read[0] if self._read else None

    def main(self, option: str) -> str:
        """The spelling under which an option is kept."""
        main: str = self._data.get("aliases", {}).get(option, option)
        return main

    def spelt(self, word: str) -> str:
        """An option as it is known, where a word writes it with underscores for hyphens or the other way round."""
        known = self._data.get("options", {})
        option = word.partition("=")[0]
        spellings = (option, "--" + option[2:].replace("_", "-"), "--" + option[2:].replace("-", "_"))
        return next((s for s in spellings if s in known), option)

    def has(self, option: str) -> bool:
        """Whether the version has an option; true for all where nothing was read of the engine."""
        if self.read is None:
            return True
        known = self._data["options"]
        if option not in known:
            return False
        first, last = self._span(option)
        return (first is None or at_least(self.read, first)) and (last is None or at_least(last, self.read))

    def _span(self, option: str) -> tuple[str | None, str | None]:
        first, _, last = (self._data["options"][option] or "").partition(" to ")
        return first or None, last or None

    def is_switch(self, option: str) -> bool:
        """Whether an option takes no value."""
        return self.main(option) in self._data.get("switches", ())

    def is_deprecated(self, option: str) -> bool:
        """Whether the newest version that was read announces an option's end."""
        return self.main(option) in self._data.get("deprecated", ())

    def choices(self, option: str) -> tuple[str, ...]:
        """What an option's value may be; empty where nothing says it."""
        told = self._data.get("choices", {}).get(self.main(option), {})
        since = [v for v in sorted(told, key=number) if self.read is not None and at_least(self.read, v)]
        return tuple(told[since[-1]]) if since else ()

    def lacking(self, option: str) -> str:
        """What to say of an option that this version does not have."""
        if option not in self._data.get("options", {}):
            return f"no version of it that was read has {option}"
        first, last = self._span(option)
        if first is not None and self.read is not None and not at_least(self.read, first):
            return f"{first} is the first version read that has {option}"
        return f"{last} is the last version read that has {option}"

    def check(self, words: Sequence[str]) -> None:
        """Refuses a command with an option, or a value of one, that this version does not know.

        Raises:
            RequestError: the option and since when there is one.
        """
        for i, word in enumerate(words):
            if not word.startswith("--"):
                continue
            if not self.has(word):
                raise RequestError(f"{self.title} cannot be told {word}, which the plan needs: {self.lacking(word)}")
            value = words[i + 1] if i + 1 < len(words) else ""
            if (known := self.choices(word)) and value not in known:
                raise RequestError(f"{self.title} takes {word} {', '.join(known)}, not {value}")

    def options_of(self, words: Sequence[str]) -> list[str]:
        """The options in words of a user's own, as they are known.

        Raises:
            RequestError: a word that is no option of this version, or one without its value.
        """
        if self.read is None:
            return [w.partition("=")[0] for w in words if w.startswith("-")]
        options, i = [], 0
        while i < len(words):
            word, option = words[i], self.spelt(words[i])
            i += 1
            if not word.startswith("-"):
                raise RequestError(f"{word[:60]!r} is no option: those of {self.title} begin with a hyphen")
            if not self.has(option):
                if option in self._data["options"]:
                    raise RequestError(f"{self.title} has no {option}: {self.lacking(option)}")
                every = [o for o in self._data["options"] if o.startswith("--") and self.has(o)]
                near = unknown_word(f"{self.title} has no option {option[:60]!r}", option, every)
                raise near if near.suggestions else RequestError(f"{self.title} has no option {option[:60]!r}")
            options.append(option)
            if self.is_switch(option):
                continue
            values = [word.partition("=")[2]] if "=" in word else []
            while not values or ("=" not in word and i < len(words) and not _is_option(words[i])):
                if i >= len(words) or _is_option(words[i]):
                    raise RequestError(f"{option} of {self.title} takes a value")
                values.append(words[i])
                i += 1
            if (known := self.choices(option)) and values[0] not in known:
                raise unknown_word(f"{option} of {self.title} cannot be {values[0][:60]!r}", values[0], known)
        return options


def _is_option(word: str) -> bool:
    """Whether a word begins an option: numbers below zero are values."""
    return word.startswith("-") and len(word) > 1 and not word[1].isdigit()
