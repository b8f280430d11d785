"""Every figure of docs/performance.md, measured side by side in one run.

    python benchmarks/run.py                                 print them
    python benchmarks/run.py --write docs/performance.md     and write the document
    python benchmarks/run.py --large                         also a sweep of 100 million cells (minutes, 7 GB of disk)
    python benchmarks/run.py --short                         each once and no peers: that it runs through (a minute)

The package is installed into an environment of its own, as a user would have it. Times are medians, and ratios are
taken pair by pair, so that what else the machine does falls on both.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from peers import PEERS, installed

ROOT = Path(__file__).resolve().parent.parent
QUESTION = "how many A6000s for Mixtral 8x7b"
#: Commands of daily work, timed as whole processes beside the question.
COMMANDS = (
    ("size", "mixtral-8x7b", "--gpu", "a6000"),
    ("fit", "mixtral-8x7b", "--gpu", "a6000", "--tp", "4"),
    ("models",),
    ("models", "--fits", "2xa6000"),
    ("what-fits", "--gpu", "a6000", "-n", "2"),
)
TABLE_MODELS, TABLE_GPUS = 120, 60
#: Four slices of 100,000 contexts and 250 users: 100 million cells.
LARGE = ("--models", "llama-3.1-8b,llama-3.1-70b", "--gpus", "h100,a6000")
LARGE_AXES = ("--context", "8:131072:lin100000", "--users", "1:250:lin250")
LARGE_CELLS = 4 * 100_000 * 250

START_UP = """
A question imports neither numpy nor pydantic, rich or typer; `tests/test_start_up.py` counts its modules. The catalogue
is compiled when the wheel is built, kept in the cache folder beside the times of the YAML, checked against the YAML on
every start, and safe to delete; [what a fast start takes](fast.md) tells what each part buys. Of the rest more than
half is Python's own: the console script that older versions of pip write imports `re`.
"""
SWEEPING = """
Small sweeps pay for their first layouts: each layout of each slice is asked of the engine once, and all cells follow
from that. Users beyond the engine's default number of sequences (256 to 1,024) are sequences of their own, whose
activation peaks are asked of the engine one by one, and replicas of the model make many more layouts: the last rows.
"""
TABLE = """
The table of one cell is what Python, typer and the catalogue take. Rows are shared among the cores by processes that
part from the first (`gpu_sizer/fast/forks.py`), and what GPUs of a kind need of a layout is counted once for all of
them (`gpu_sizer/engines/vllm/needs.py`).
"""


@dataclass(frozen=True)
class Round:
    """How often things are measured: ``runs`` times, ``few`` where each takes long; ``short`` leaves out large ones."""

    runs: int = 15
    few: int = 7
    short: bool = False


def timed(command: list[str], **environment: str) -> float:
    """Seconds of a whole process."""
    start = time.perf_counter()
    subprocess.run(command, capture_output=True, check=True, env={**os.environ, **environment})
    return time.perf_counter() - start


def pairs(command: list[str], reference: list[str], runs: int) -> tuple[float, float]:
    """The median time of a process, and the median of its ratios to another, taken in turns."""
    timed(command)
    both = [(timed(command), timed(reference)) for _ in range(runs)]
    return statistics.median(a for a, _ in both), statistics.median(a / b for a, b in both)


def peak_mib(command: list[str]) -> float:
    """The most memory that a process held, in MiB."""
    program = (
        "import resource, subprocess, sys; subprocess.run(sys.argv[1:], capture_output=True, check=True);"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)"
    )
    done = subprocess.run([sys.executable, "-c", program, *command], capture_output=True, check=True, text=True)
    return float(done.stdout)


def environment(folder: Path) -> Path:
    """The package in an environment of its own; its folder of programs."""
    home = folder / "gpu-sizer"
    venv.create(home, with_pip=True, clear=True)
    subprocess.run([home / "bin" / "pip", "install", "-q", str(ROOT)], check=True, capture_output=True)
    return home / "bin"


def inside(python: str, what: str, asked: Round) -> Any:
    """The figures of ``inside.py``."""
    command = [python, str(ROOT / "benchmarks" / "inside.py"), what, *(["short"] if asked.short else [])]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def start_up(programs: Path, folder: Path, asked: Round) -> Iterator[str]:
    """The question as a whole process, and its peers."""
    python, tool = str(programs / "python"), str(programs / "gpu-sizer")
    bare, ask = [python, "-c", "pass"], [tool, QUESTION]
    first = timed(ask, XDG_CACHE_HOME=str(folder / "empty"))
    from_yaml = statistics.median(timed(ask, GPU_SIZER_COMPILED="0") for _ in range(min(3, asked.few)))
    base = statistics.median(timed(bare) for _ in range(asked.runs))
    seconds, ratio = pairs(ask, bare, asked.runs)
    yield f"`python -c pass` takes {base * 1e3:.0f} ms. Whole processes against it:\n"
    yield "| process | median | times `python -c pass` | |"
    yield "|---|---:|---:|---|"
    yield f'| `gpu-sizer "{QUESTION}"` | {seconds * 1e3:.0f} ms | **{ratio:.1f}** | {peak_mib(ask):.0f} MiB at most |'
    yield f"| the same, its first call after installing | {first * 1e3:.0f} ms | {first / base:.0f} | |"
    yield f"| the same, from the YAML itself | {from_yaml * 1e3:.0f} ms | {from_yaml / base:.0f} | |"
    for words in COMMANDS:
        command = [tool, *words]
        seconds, ratio = pairs(command, bare, asked.few)
        held = f"{peak_mib(command):.0f} MiB at most"
        yield f"| `gpu-sizer {' '.join(words)}` | {seconds * 1e3:.0f} ms | {ratio:.1f} | {held} |"
    for peer in () if asked.short else PEERS:
        command = installed(peer, folder)
        if command is None:
            yield f"| {peer.name} | | | cannot be installed or run here |"
            continue
        seconds, ratio = pairs(command, bare, asked.few)
        yield f"| `{peer.name} {' '.join(peer.arguments)}` | {seconds * 1e3:.0f} ms | {ratio:.1f} | {peer.note} |"


def warm(python: str, asked: Round) -> Iterator[str]:
    """Warm calls in Python."""
    yield "| `size(...)` | details | median |"
    yield "|---|---|---:|"
    measured = inside(python, "warm", asked)
    for found in measured["sizes"]:
        details = "with alternatives, reasons, other lengths" if found["details"] else "the count alone"
        yield f"| {found['model']} on {found['gpu']} | {details} | {found['seconds'] * 1e6:,.0f} µs |"

    yield "\n| other calls | median |"
    yield "|---|---:|"
    for call, seconds in measured["others"].items():
        yield f"| `{call}` | {seconds * 1e6:,.1f} µs |"


def sweeps(python: str, asked: Round) -> Iterator[str]:
    """How the cost of a sweep grows."""
    runs = [inside(python, "sweep", asked) for _ in range(asked.few)]
    yield "| cells | users | median | fastest to slowest | cells a second |"
    yield "|---:|---:|---:|---:|---:|"
    for row in zip(*runs, strict=True):
        cells, times = row[0]["cells"], sorted(r["seconds"] for r in row)
        seconds, spread = statistics.median(times), f"{times[0]:.3g} to {times[-1]:.3g} s"
        yield f"| {cells:,} | 1 to {row[0]['most_users']} | {seconds:.3g} s | {spread} | {cells / seconds:,.0f} |"


def table(python: str, tool: str, asked: Round) -> Iterator[str]:
    """The full table as a whole process."""
    program = "from gpu_sizer.cards.catalogue import catalogue as c; print(*c().models.ids()); print(*c().gpus.ids())"
    listed = subprocess.run([python, "-c", program], check=True, capture_output=True, text=True).stdout.splitlines()
    models, gpus = listed[0].split()[:TABLE_MODELS], listed[1].split()[:TABLE_GPUS]

    def command(models: list[str], gpus: list[str]) -> list[str]:
        return [tool, "table", "--models", ",".join(models), "--gpus", ",".join(gpus), "--format", "csv"]

    bare = [python, "-c", "pass"]
    yield "| table | plans | median | times `python -c pass` |"
    yield "|---|---:|---:|---:|"
    for rows, columns in ((models, gpus), (models[:1], gpus[:1])):
        seconds, ratio = pairs(command(rows, columns), bare, asked.few)
        plans = len(rows) * len(columns)
        what = f"{len(rows)} models × {len(columns)} GPUs" if plans > 1 else "one model, one GPU"
        yield f"| {what} | {plans:,} | {seconds:.2f} s | {ratio:.0f} |"


def large(tool: str, folder: Path) -> Iterator[str]:
    """A sweep of 100 million cells, written to a file: one run."""
    target = folder / "large.csv"
    start = time.perf_counter()
    held = peak_mib([tool, "sweep", *LARGE, *LARGE_AXES, "-o", str(target)])
    seconds, size = time.perf_counter() - start, target.stat().st_size
    target.unlink()
    yield (
        f"{LARGE_CELLS:,} cells to CSV (`gpu-sizer sweep {' '.join((*LARGE, *LARGE_AXES))} -o FILE.csv`), one run:"
        f" {seconds:.0f} s for {size / 1e9:.1f} GB, {held:.0f} MiB at most."
    )


def machine() -> str:
    """What it ran on."""
    load = os.getloadavg()[0]
    return (
        f"{platform.python_implementation()} {platform.python_version()}, {os.cpu_count()} cores,"
        f" {platform.system()} {platform.machine()}; load average {load:.1f} at the start."
    )


def document(folder: Path, asked: Round, *, with_large: bool) -> Iterator[str]:
    """The whole document, line by line."""
    yield "# Performance\n"
    command = f"python benchmarks/run.py{' --large' if with_large else ''} --write docs/performance.md"
    yield f"*Written by `make bench` (`{command}`), which takes some ten"
    yield "minutes and installs this package and its peers into environments of their own.*\n"
    medians = f"Medians of {asked.runs} runs (commands, peers and sweeps: {asked.few})"
    yield f"{machine()} {medians}; ratios are taken pair by pair.\n"
    programs = environment(folder)
    python, tool = str(programs / "python"), str(programs / "gpu-sizer")
    yield "## A question as a whole process\n"
    yield from start_up(programs, folder, asked)
    yield START_UP
    yield "## Warm calls\n"
    yield from warm(python, asked)
    yield "\n## Sweeps\n"
    yield "Two models on two GPUs, contexts by users; memory is bounded by chunks of 262,144 cells.\n"
    yield from sweeps(python, asked)
    yield SWEEPING
    if with_large:
        yield from large(tool, folder)
        yield ""
    yield "## The full table\n"
    yield "Whole processes, each plan at the model's full context:\n"
    yield from table(python, tool, asked)
    yield TABLE.rstrip()


def main() -> None:
    """The command line."""
    reader = argparse.ArgumentParser(description="Measures gpu_sizer beside its peers.")
    reader.add_argument("--write", type=Path, metavar="FILE.md", help="write the document here")
    reader.add_argument("--keep", type=Path, metavar="FOLDER", help="keep the environments here for the next run")
    reader.add_argument("--large", action="store_true", help="also a sweep of 100 million cells, written to a file")
    reader.add_argument("--short", action="store_true", help="everything small once: whether it all runs through")
    asked = reader.parse_args()
    how_often = Round(1, 1, short=True) if asked.short else Round()
    with tempfile.TemporaryDirectory() as temporary:
        folder = asked.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        lines = []
        for line in document(folder, how_often, with_large=asked.large):
            print(line, flush=True)
            lines.append(line)
    if asked.write:
        asked.write.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
