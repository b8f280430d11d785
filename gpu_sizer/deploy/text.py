"""Texts that other programs parse: quoted so that no name can become anything but a name."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Sequence
from typing import Any

#: Longest name made here: Kubernetes allows 63 characters, of which its own suffixes need some.
LONGEST_NAME = 48
#: Strings that every YAML reader takes for a string without quotes, whichever version of YAML it knows.
_PLAIN = re.compile(r"(?!(?:[yYnN]|[nN]ull|NULL|[tT]rue|TRUE|[fF]alse|FALSE)$)[A-Za-z_/-][A-Za-z0-9_./@=-]*")


def slug(text: str) -> str:
    """A name of lower-case letters, digits and hyphens that begins with a letter.

    That is a DNS label (RFC 1035), which Kubernetes services, SkyPilot, dstack, Compose and Slurm all accept.
    """
    words = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    if not words[:1].isalpha():
        words = f"model-{words}".strip("-")
    return words[:LONGEST_NAME].rstrip("-")


def one_line(text: str) -> str:
    """A text on one line, without control characters and without what YAML and Python count as a line's end."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def comment(lines: Iterable[str]) -> str:
    """Lines as comments of shell and YAML."""
    return "".join(f"# {one_line(line)}\n" for line in lines)


def shell_words(words: Sequence[str]) -> str:
    """A command with one option to a line, every word quoted for a POSIX shell."""
    groups: list[list[str]] = []
    for word in words:
        if groups and not word.startswith("--") and len(groups[-1]) == 1 and groups[-1][0].startswith("--"):
            groups[-1].append(word)
        elif groups and not word.startswith("--") and len(groups) == 1 and not groups[0][0].startswith("--"):
            groups[0].append(word)
        else:
            groups.append([word])
    return " \\\n  ".join(" ".join(shlex.quote(w) for w in group) for group in groups)


def python_text(text: str) -> str:
    """A string as Python reads it, whatever is in it."""
    return json.dumps(text) if text.isascii() and text.isprintable() else repr(text)


def python_words(words: Sequence[str]) -> str:
    """A command as a Python list, one option to a line."""
    lines: list[str] = []
    for word in words:
        if word.startswith("-") or not lines:
            lines.append(f"    {python_text(word)},")
        else:
            lines[-1] += f" {python_text(word)},"
    return "\n".join(["[", *lines, "]"])


def python_value(value: Any, indent: int = 0) -> str:
    """Plain data as Python reads it: dicts and lists one entry to a line."""
    inside = " " * (indent + 4)
    if isinstance(value, dict):
        rows = [f"{inside}{python_text(k)}: {python_value(v, indent + 4)}," for k, v in value.items()]
        return "\n".join(["{", *rows, f"{' ' * indent}}}"])
    if isinstance(value, list):
        return "\n".join(["[", *(f"{inside}{python_value(v, indent + 4)}," for v in value), f"{' ' * indent}]"])
    return python_text(value) if isinstance(value, str) else repr(value)


#: Line breaks of YAML 1.1 other than the usual one.
_OTHER_BREAKS = re.compile("[\r\x85\u2028\u2029]")


def yaml_documents(documents: Sequence[dict[str, Any]]) -> str:
    """YAML of plain data. Strings of several lines are written as blocks, doubtful ones in quotes."""
    import yaml

    class Dumper(yaml.SafeDumper):
        """Without aliases, and with quotes where versions of YAML disagree on what is a string."""

        def ignore_aliases(self, data: Any) -> bool:
            return True

    def text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
        # YAML 1.1 breaks lines at more characters than a block of lines brings back.
        block = "\n" in value and not _OTHER_BREAKS.search(value)
        style = "|" if block else None if _PLAIN.fullmatch(value) else '"'
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)

    Dumper.add_representer(str, text)
    return "---\n".join(yaml.dump(d, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=4096) for d in documents)
