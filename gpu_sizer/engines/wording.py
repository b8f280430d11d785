"""What a log tells of one start-up: findings of many statements and ranks, merged."""

from __future__ import annotations

import re

from gpu_sizer.engines.profiles import profile_data
from gpu_sizer.engines.versions import number
from gpu_sizer.errors import GpuSizerError
from gpu_sizer.load import LOAD
from gpu_sizer.records import dataclass, field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from gpu_sizer.load import Setting

#: How much a statement is worth for a setting: a finding of more worth replaces one of less.
PREFIX, COMMAND, PRINTED, ARGUMENTS, CONFIG, FINAL = range(6)

#: Numbers as logs write them; bounded, so that no run of digits becomes a value.
NUMBER = r"-?\d{1,7}(?:\.\d{1,9})?"
COUNT = r"\d{1,3}(?:,\d{3}){1,4}|\d{1,15}"

#: Figures told by every rank: the estimate is about the fullest GPU.
_LARGEST = {"weights_gib_per_gpu", "non_torch_gib", "activation_peak_gib", "graph_gib", "needed_kv_gib"}
#: A part that says that the weights were loaded: what runs out of memory then is no longer loading.
LOADED = "loaded"
#: Of a draft model beside the main one: no keys of a record, told beside them.
OF_DRAFT = ("draft_weights_gib_per_gpu", "draft_kv_gib")
_SMALLEST = {"available_kv_gib", "gpu_blocks", "kv_cache_tokens", "max_concurrency", "gpu_total_gib"}
#: Figures that a start-up measures, as against its settings.
MEASURED = (_LARGEST | _SMALLEST) - {"gpu_total_gib"}

_COUNTS = {
    *("gpu_count", "tp", "pp", "dp", "max_model_len", "max_num_seqs", "max_num_batched_tokens", "gpu_blocks"),
    *("block_size", "kv_cache_tokens"),
}
_FLAGS = {"ep", "enforce_eager"}
_FIGURES = MEASURED - _COUNTS | {"gpu_total_gib", "gpu_memory_utilization"}
#: More GPUs than this in one dimension stand in no log.
_MOST_RANKS = 4096
_RANKS = {"tp", "pp", "dp", "gpu_count"}
#: Longest text of a value.
_LONGEST = 300
_NOTHING = {"", "None", "none", "null", "auto", "N/A"}

_UNITS = {"b": 2.0**-30, "bytes": 2.0**-30, "kib": 2.0**-20, "kb": 2.0**-20, "mib": 2.0**-10, "mb": 2.0**-10}


#: Settings of a load that an engine prints under the same name, beside those that a record has by another.
LOAD_NAMES: dict[str, Setting] = {s.name: s for s in LOAD if s.name not in ("context", "users")}


def option_value(option: Setting, text: str) -> Any:
    """The value of a setting in a dump, or null where the text is none."""
    try:
        value = option.read(text.lower() if option.kind == "bool" else text)
        option.check(value)
    except GpuSizerError:
        return None
    return value


def value_of(key: str, text: str) -> Any:
    """A value as the record wants it, or null where the text is none."""
    text = text.strip().strip("'\"")
    if text in _NOTHING or len(text) > _LONGEST:
        return None
    if key in _FLAGS:
        return {"true": True, "false": False, "1": True, "0": False}.get(text.lower())
    if key in _COUNTS:
        if not re.fullmatch(COUNT, text):
            return None
        count = int(text.replace(",", ""))
        least = 0 if key in ("gpu_blocks", "kv_cache_tokens") else 1
        return count if count >= least and (key not in _RANKS or count <= _MOST_RANKS) else None
    if key in _FIGURES:
        if not re.fullmatch(NUMBER, text):
            return None
        number = float(text)
        if key == "gpu_memory_utilization":
            return number if 0 < number <= 1 else None
        return number if number > 0 or key in ("available_kv_gib", "graph_gib", "max_concurrency") else None
    return text


class Found:
    """Findings about one start-up of one engine, kept while its log is read."""

    __slots__ = ("newest", "notes", "parts", "quotes", "releases", "values")

    def __init__(self) -> None:
        self.values: dict[str, tuple[int, Any]] = {}
        self.parts: dict[str, float] = {}
        """Figures that a record does not hold, from which one that it holds is made."""
        self.notes: list[str] = []
        self.quotes: list[str] = []
        self.newest: str | None = None
        """The newest version that words as this log does, where one of its wordings was given up."""
        self.releases: tuple[str, ...] | None = None
        """The releases whose source prints what was found, where lines of source told them; none where they differ."""

    def worded_until(self, version: str) -> None:
        """The last version that uses a wording which was found."""
        if self.newest is None or number(version) < number(self.newest):
            self.newest = version

    def printed_by(self, releases: tuple[str, ...]) -> None:
        """The releases that print a statement from the line of source that it names."""
        kept = self.releases
        self.releases = releases if kept is None else tuple([r for r in kept if r in releases])

    def put(self, key: str, value: Any, worth: int = PRINTED) -> None:
        """One finding; of equal worth, the fullest GPU's figure is kept, and the first setting."""
        if value is None:
            return
        kept = self.values.get(key)
        if kept is None or worth > kept[0]:
            self.values[key] = (worth, value)
        elif worth == kept[0]:
            if key in _LARGEST or key == "gpu_count":
                self.values[key] = (worth, max(value, kept[1]))
            elif key in _SMALLEST:
                self.values[key] = (worth, min(value, kept[1]))

    def put_text(self, key: str, text: str, worth: int = PRINTED, unit: str | None = None) -> None:
        """One finding as the log writes it; sizes without a unit, or in GB, are GiB."""
        value = value_of(key, text)
        if value is not None and unit is not None:
            value *= _UNITS.get(unit.lower(), 1.0)
        self.put(key, value, worth)

    def note(self, text: str) -> None:
        """Something worth telling, once."""
        if text not in self.notes:
            self.notes.append(text)

    def quote(self, text: str) -> None:
        """The words that told a figure, the first few of them."""
        if text not in self.quotes and len(self.quotes) < 12:
            self.quotes.append(text[:200])

    def get(self, key: str) -> Any:
        """A finding, or null."""
        return self.values[key][1] if key in self.values else None

    @property
    def measured(self) -> bool:
        """Whether a figure was found."""
        return any(key in self.values for key in MEASURED)


@dataclass(frozen=True, slots=True)
class Wording:
    """One statement that an engine prints.

    ``trigger`` is a text that stands in every such statement; ``pattern`` has groups named after keys of a record
    (and ``unit`` for a size); ``says`` are findings that the statement means by itself.
    """

    trigger: str
    pattern: re.Pattern[str]
    worth: int = PRINTED
    says: tuple[tuple[str, Any], ...] = ()
    starts: bool = False
    """Whether it begins a start-up."""
    until: str | None = None
    """The last version that says it in these words; null while they are in use."""
    also: Callable[[Found, re.Match[str]], None] | None = field(default=None)
    """What further is done with a match."""

    def read(self, found: Found, text: str) -> bool:
        """Puts what the statement tells; whether it stood there."""
        match = self.pattern.search(text) if self.trigger in text else None
        if match is None:
            return False
        groups = match.groupdict()
        unit = groups.pop("unit", None)
        for key, told in groups.items():
            if told is not None:
                found.put_text(key, told, self.worth, unit if key.endswith("_gib") or key == _WEIGHTS else None)
                if key in MEASURED:
                    found.quote(" ".join(match.group(0).split()))
        for key, value in self.says:
            found.put(key, value, self.worth)
        if self.until is not None:
            found.worded_until(self.until)
        if self.also is not None:
            self.also(found, match)
        return True


_WEIGHTS = "weights_gib_per_gpu"


def wording(
    trigger: str,
    pattern: str,
    *,
    worth: int = PRINTED,
    starts: bool = False,
    until: str | None = None,
    also: Callable[[Found, re.Match[str]], None] | None = None,
    **says: Any,
) -> Wording:
    """A wording from the text of its pattern, in which ``<key>`` stands for a number and ``<#key>`` for a count."""
    pattern = re.sub(r"<#(\w+)>", lambda m: f"(?P<{m.group(1)}>{COUNT})", pattern)
    pattern = re.sub(r"(?<!\(\?P)<(\w+)>", lambda m: f"(?P<{m.group(1)}>{NUMBER})", pattern)
    return Wording(trigger, re.compile(pattern), worth, tuple(says.items()), starts, until, also)


#: Where a log names the line of source that speaks: Python's loggers, Rust's tracing, and that as JSON.
_SOURCES = (
    r"\[(\w+\.py):(\d{{1,5}})\][^\[]{{0,40}}?{0}",
    r"\b(\w+\.rs):(\d{{1,5}}): {0}",
    r"{0}[^{{}}]{{0,80}}?\"filename\":\"(?:[\w-]+/)*(\w+\.rs)\",\"line_number\":(\d{{1,5}})",
)


def source_line(folder: str) -> Iterator[Wording]:
    """Statements that tell the releases which print them from the line of source that a log names.

    Args:
        folder: of the engine, whose ``log_lines.yaml`` holds the lines by statement, file and release.
    """
    for statement, files in profile_data(f"{folder}/log_lines")["statements"].items():

        def told(found: Found, match: re.Match[str], files: dict[str, dict[int, list[str]]] = files) -> None:
            if (releases := files.get(match[1], {}).get(int(match[2]))) is not None:
                found.printed_by(tuple(releases))

        suffixes = {name.rpartition(".")[2] for name in files}
        for form in _SOURCES:
            if any(rf"\.{suffix})" in form for suffix in suffixes):
                yield wording(statement, form.format(re.escape(statement)), also=told)


#: A value in quotes, the first of a list, an enumeration as Python prints it, or a bare word.
_VALUE = r"(?:<[\w.]+: )?\[?(?:'([^'\n]*)'|\"([^\"\n]*)\"|([^\s,'\"(){}\[\]>]+))"


def setting(text: str, *names: str) -> str | None:
    """The first value of a setting in a dump: ``name=value``, ``'name': value`` or ``name: value``."""
    for name in names:
        match = re.search(rf"(?<![\w.-]){name}['\"]?\s?[=:]\s?{_VALUE}", text)
        if match is not None and (value := next(g for g in match.groups() if g is not None)) not in _NOTHING:
            return value
    return None
