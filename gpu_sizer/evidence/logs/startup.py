"""A log read: its start-ups told apart, its engine recognised, its findings made into values of a record."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gpu_sizer.engines.registry import engine_wordings
from gpu_sizer.engines.versions import number
from gpu_sizer.engines.wording import COMMAND, MEASURED, OF_DRAFT, PREFIX, Found, Wording
from gpu_sizer.evidence.logs import hardware
from gpu_sizer.evidence.logs.reader import read_statements
from gpu_sizer.evidence.records import KEYS
from gpu_sizer.records import dataclass, field

if TYPE_CHECKING:
    from gpu_sizer.evidence.logs.reader import ByteStream

_ENGINES: tuple[tuple[str, tuple[Wording, ...]], ...] = tuple(engine_wordings())
_ALL: tuple[Wording, ...] = (*(w for _, wordings in _ENGINES for w in wordings), *hardware.WORDINGS)

#: Texts of which one stands in every statement of interest.
TRIGGERS: tuple[bytes, ...] = tuple(dict.fromkeys(w.trigger.encode() for w in _ALL))
#: Those of them with which a start-up begins: all that is looked for once one is over and requests are served.
_STARTS: tuple[bytes, ...] = tuple(dict.fromkeys(w.trigger.encode() for w in _ALL if w.starts))
#: Blocks after the end of a start-up in which its last statements stand, of all replicas.
_SETTLED = 16

#: The rank of the process that speaks: ``(VllmWorker TP1 pid=..)``, ``(Worker_DP0_TP3_EP3 ..)``, ``[2025-.. TP2]``.
_RANKS = {
    "tp": re.compile(r"(?:[( _]TP|\brank=)(\d{1,3})(?:[_ ]EP\d+)?[ \])]"),
    "pp": re.compile(r"[( _]PP(\d{1,3})[_ \])]"),
}
_MOST_RANKS = 1024
#: How vLLM names the process of a worker (v1/executor/multiproc_executor.py).
_WORKER = "(Worker_"
#: A rank that has experts of its own.
_EXPERTS = re.compile(r"[_ ]EP[1-9]\d{0,2}[ \])]")
#: A place on somebody's disk.
_PATH = re.compile(r"[/~.]|[A-Za-z]:[\\/]")
#: A further replica of the same start-up, whatever its first statement says.
_OTHER_REPLICA = re.compile(r"EngineCore_DP[1-9]")


@dataclass(frozen=True, slots=True)
class LogFindings:
    """What a log tells of its last start-up."""

    values: dict[str, Any]
    """Values of a record by key, as logged."""
    names: tuple[str, ...]
    """What the model may be called, the likeliest first."""
    notes: tuple[str, ...]
    quote: str | None
    startups: int
    """How many start-ups the log tells of."""
    newest: str | None = None
    """The newest version that words as the log does; null where that is the newest known."""
    release: str | None = None
    """The newest release whose source prints these statements from the lines that the log names, where any does."""
    draft: dict[str, float] = field(default_factory=dict)
    """What a draft model takes beside the main one."""


class _StartUp:
    """Findings of one start-up, by engine, since text around a log may speak of another one."""

    def __init__(self) -> None:
        self.engines: dict[str, Found] = {}
        self.over = False

    def read(self, text: str) -> None:
        for name, wordings in _ENGINES:
            for w in wordings:
                if w.trigger in text:
                    found = self.engines.setdefault(name, Found())
                    self._read(w, found, text)
        for w in hardware.WORDINGS:
            if w.trigger in text:
                for found in self.engines.values() or [self.engines.setdefault("", Found())]:
                    self._read(w, found, text)
        for key, pattern in _RANKS.items():
            if (rank := pattern.search(text[:200])) is not None:
                # A worker's rank stands in its name only where there are several.
                ranks = min(max(int(rank.group(1)) + 1, 1 + (_WORKER in text[:200])), _MOST_RANKS)
                for found in self.engines.values():
                    worth, kept = found.values.get(key, (PREFIX, 0))
                    # One replica that speaks is no sign that there are no others, nor that there are.
                    if worth == PREFIX and (key == "tp" or ranks > 1):
                        found.values[key] = (PREFIX, max(kept, ranks))
        if _EXPERTS.search(text[:200]) is not None:
            for found in self.engines.values():
                found.put("ep", True, PREFIX)

    def _read(self, w: Wording, found: Found, text: str) -> None:
        outcome = found.values.get("outcome")
        w.read(found, text)
        if outcome is not None:
            # What happens after the start-up ended well or badly is not about its memory.
            found.values["outcome"] = outcome
        if found.get("outcome") is not None and found is not self.engines.get(""):
            self.over = True

    def begins_another(self, text: str) -> bool:
        """Whether a statement belongs to a start-up after this one."""
        return (
            self.over
            and not _OTHER_REPLICA.search(text[:200])
            and any(w.starts and w.trigger in text and w.pattern.search(text) for w in _ALL)
        )

    @property
    def ended(self) -> bool:
        """Whether it is known how the start-up ended, or it got as far as graphs or a cache."""
        return self.over or any(name and _outcome(found) is not None for name, found in self.engines.items())

    @property
    def best(self) -> tuple[str, Found] | None:
        """The engine of which most was found, with what was found before it was known."""
        # A command in the text around a log, or a word in it, is no start-up.
        known = [
            (name, f) for name, f in self.engines.items() if name and any(w > COMMAND for w, _ in f.values.values())
        ]
        if not known:
            return None
        name, found = max(known, key=lambda e: (sum(k in e[1].values for k in MEASURED), len(e[1].values)))
        if (early := self.engines.get("")) is not None:
            for key, (worth, value) in early.values.items():
                found.put(key, value, worth)
        return name, found


def _outcome(found: Found) -> str | None:
    told: str | None = found.get("outcome")
    if told is None and found.get("graph_gib") is not None:
        return "served"
    if told is None and any(found.get(k) for k in ("kv_cache_tokens", "gpu_blocks")):
        return "served"
    return told


def _names(found: Found) -> tuple[str, ...]:
    """What the model may be called: as given, the hub id in a cache folder's name, as served."""
    given = [str(v) for k in ("model", "served") if (v := found.get(k)) is not None]
    hub = [m.group(1).replace("--", "/") for g in given if (m := re.search(r"models--([\w.-]+--[\w.-]+)", g))]
    # Of somebody's folder, its last part is what says something.
    short = [re.split(r"[\\/]", g.rstrip("\\/"))[-1] if _PATH.match(g) else g for g in given]
    return tuple(n for n in dict.fromkeys([*hub, *short]) if n)


def read_log(stream: ByteStream, progress: Callable[[int], None] | None = None) -> LogFindings:
    """What a log tells of its last start-up, in memory that does not grow with the log.

    Args:
        stream: the log's bytes, with whatever stands around it.
        progress: called with the size of each block read.
    """
    current, count, behind = _StartUp(), 1, 0

    def looked_for() -> tuple[bytes, ...]:
        nonlocal behind
        behind = behind + 1 if current.ended else 0
        return _STARTS if behind > _SETTLED else TRIGGERS

    for text in read_statements(stream, TRIGGERS, progress, looked_for=looked_for):
        if current.begins_another(text):
            current, count = _carried(current), count + 1
        current.read(text)
    best = current.best
    if best is None:
        early = current.engines.get("")
        return LogFindings({k: v for k, (_, v) in early.values.items()} if early else {}, (), (), None, 0)
    name, found = best
    values: dict[str, Any] = {"engine": name}
    values |= {key: found.get(key) for key in KEYS if found.get(key) is not None}
    if (outcome := _outcome(found)) is not None:
        values["outcome"] = outcome
    if "tp" in values and "gpu_count" not in values:
        values["gpu_count"] = values["tp"] * values.get("pp", 1) * values.get("dp", 1)
    quote = " ... ".join(found.quotes) or None
    draft = {key: found.get(key) for key in OF_DRAFT if found.get(key) is not None}
    release = next((r for r in reversed(found.releases or ()) if _words_so(r, found.newest)), None)
    return LogFindings(values, _names(found), tuple(found.notes), quote, count, found.newest, release, draft)


def _words_so(release: str, newest: str | None) -> bool:
    """Whether a release is none after the newest version that words as a log does."""
    return newest is None or number(release)[:2] <= number(newest)[:2]


def _carried(before: _StartUp) -> _StartUp:
    """The next start-up: the machine is the same."""
    after = _StartUp()
    machine = {k: v for f in before.engines.values() for k, v in f.values.items() if k == "gpu"}
    if machine:
        after.engines[""] = Found()
        after.engines[""].values.update(machine)
    return after
