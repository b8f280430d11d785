"""Words of systemd's unit files: quoted so that nothing in a name means anything there.

As in systemd.syntax(7) and systemd.service(5), "COMMAND LINES": ``%`` and ``$`` are doubled, quotes and backslashes are
escaped, and what ends a line is written as an escape.
"""

from __future__ import annotations

from collections.abc import Sequence

_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r", "%": "%%", "$": "$$"}


def unit_word(word: str) -> str:
    """A word of a command."""
    plain = word and all(c.isalnum() or c in "-_./=:,+" for c in word) and word.isascii()
    if plain:
        return word
    inner = "".join(_ESCAPES.get(c, c if c.isprintable() else "".join(f"\\x{b:02x}" for b in c.encode())) for c in word)
    return f'"{inner}"'


def unit_command(words: Sequence[str]) -> str:
    """A command with one option to a line."""
    lines: list[list[str]] = [[]]
    for word in words:
        if word.startswith("--") and lines[-1]:
            lines.append([])
        lines[-1].append(unit_word(word))
    return " \\\n  ".join(" ".join(line) for line in lines)


def unit_value(text: str) -> str:
    """A value that is no command: on one line, without specifiers."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split()).replace("%", "%%")
