"""Large JSON objects read member by member, so that a file takes no more memory than what is kept of it.

A checkpoint's index may have tens of megabytes, and JSON of that size as Python objects some gigabytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gpu_sizer.files import parse_json

#: Possessive: no string or space makes the expression go back.
_STRING = re.compile(rb'[ \t\r\n]*+("(?:[^"\\]++|\\.)*+")', re.DOTALL)
_SIGN = re.compile(rb"[ \t\r\n]*+([{}\[\],:])")
#: A value without braces of its own in it: a string, a number, a word, or an object of such.
_FLAT = re.compile(
    rb'[ \t\r\n]*+(\{(?:[^"{}]++|"(?:[^"\\]++|\\.)*+")*+\}|"(?:[^"\\]++|\\.)*+"|[^\s{}\[\],:"]++)', re.DOTALL
)
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[{}\[\]]|[^"{}\[\]]++', re.DOTALL)
#: Bytes of a key or of a flat value.
LONGEST = 65_535
#: Strings and brackets of a value that is passed over.
MOST_TOKENS = 1_000_000


class Members:
    """The members of JSON objects in some bytes, one after another.

    What is wrong is a ``ValueError`` in words.
    """

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def _sign(self, wanted: bytes) -> bytes:
        match = _SIGN.match(self._data, self._at)
        if match is None or match[1] not in wanted:
            raise ValueError(f"not a mapping: {wanted.decode()!r} is missing at byte {self._at:,}")
        self._at = match.end()
        return match[1]

    def names(self) -> Iterator[str]:
        """The keys of the object that begins here; each one's value is to be taken before the next."""
        self._sign(b"{")
        if (empty := _SIGN.match(self._data, self._at)) is not None and empty[1] == b"}":
            self._at = empty.end()
            return
        while True:
            match = _STRING.match(self._data, self._at)
            if match is None or len(match[1]) > LONGEST:
                raise ValueError("a key is missing or too long")
            self._at = match.end()
            self._sign(b":")
            yield parse_json(match[1])
            if self._sign(b",}") == b"}":
                return

    def flat(self) -> object:
        """The value that stands here: a string, a number, or an object of such."""
        match = _FLAT.match(self._data, self._at)
        if match is None or len(match[1]) > LONGEST:
            raise ValueError("a value that is nested or too long")
        self._at = match.end()
        return parse_json(match[1])

    def value(self) -> object:
        """The value that stands here, whatever it is: parsed, where it has no more than a million parts."""
        begin = self._at
        self.skip()
        return parse_json(self._data[begin : self._at])

    def skip(self) -> None:
        """Passes over the value that stands here, whatever it is."""
        opened = _SIGN.match(self._data, self._at)
        if opened is None or opened[1] not in b"{[":
            self.flat()
            return
        depth = 0
        for _ in range(MOST_TOKENS):
            match = _TOKEN.match(self._data, self._at)
            if match is None:
                raise ValueError("a value that does not end")
            self._at = match.end()
            depth += (match[0] in (b"{", b"[")) - (match[0] in (b"}", b"]"))
            if depth == 0 and match[0] in (b"}", b"]"):
                return
        raise ValueError("a value of too many parts")

    def end(self) -> None:
        """Refuses what follows the object."""
        if self._data[self._at :].strip():
            raise ValueError("something follows the JSON object")
