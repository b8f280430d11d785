"""Measuring processes: seconds and peak memory, rival commands in turns, medians with their range.

Standard library only: a child's peak memory is at least that of the process that starts it.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

#: Runs of every figure.
RUNS = 7
KIB = 1024


@dataclass(frozen=True, slots=True)
class Spread:
    """Measurements of one thing, in the order in which they were taken."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle measurement."""
        return median(self.values)

    def words(self, factor: float = 1.0, digits: int = 1) -> str:
        """Median and range, in a unit that is ``1/factor`` of the measured one."""
        low, high = min(self.values) * factor, max(self.values) * factor
        return f"{self.median * factor:,.{digits}f} ({low:,.{digits}f} to {high:,.{digits}f})"

    def over(self, other: Spread) -> Spread:
        """Ratios, run by run."""
        return Spread(tuple(a / b for a, b in zip(self.values, other.values, strict=True)))


@dataclass(frozen=True, slots=True)
class Cost:
    """What a command takes: seconds of wall time, and bytes of its peak memory."""

    seconds: Spread
    peak_bytes: Spread


def run_once(command: Sequence[str], environment: Mapping[str, str] | None = None) -> tuple[float, int]:
    """Seconds and peak bytes of one process.

    Raises:
        RuntimeError: it does not end with 0.
    """
    env = {**os.environ, "NO_COLOR": "1", **(environment or {})}
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=env)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{os.path.basename(command[0])} ended with {process.returncode}")
    return seconds, usage.ru_maxrss * KIB


def side_by_side(commands: Mapping[str, Sequence[str]], runs: int = RUNS) -> dict[str, Cost]:
    """Costs of rival commands, run in turns after one run of each that does not count.

    Raises:
        RuntimeError: a command fails.
    """
    for command in commands.values():
        run_once(command)
    found: dict[str, list[tuple[float, int]]] = {name: [] for name in commands}
    for _ in range(runs):
        for name, command in commands.items():
            found[name].append(run_once(command))
    return {
        name: Cost(Spread(tuple(s for s, _ in pairs)), Spread(tuple(float(b) for _, b in pairs)))
        for name, pairs in found.items()
    }
