"""What is measured inside one process: warm calls and sweeps. Prints JSON."""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

from gpu_sizer import UnknownModelError, ask, load_gpu, load_model, memory_need, size, what_fits, which_gpu
from gpu_sizer.planning.sweep import Axes, sweep_blocks

#: Warm calls: model, GPU, options.
CALLS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("llama-3-8b", "h100", {}),
    ("llama-3-8b", "h100", {"details": False}),
    ("qwen3-32b", "h100", {"details": False}),
    ("llama-3-70b", "h100", {"details": False}),
    ("mixtral-8x7b", "a6000", {"details": False}),
    ("deepseek-v3", "h100", {"details": False}),
    ("deepseek-v3", "h100", {}),
)
RUNS = 50
#: A name that is none, and near none.
UNKNOWN = "zorgblatt-9x99b"
#: Cells of the largest sweep of a short round.
SHORT_CELLS = 1_100_000
SWEEP_MODELS, SWEEP_GPUS = ("llama-3.1-8b", "llama-3.1-70b"), ("h100", "a6000")
#: Contexts, users and the most users of each sweep, so that four slices make 10, 100 ... 10,000,000 cells.
SWEEPS = (
    *((3, 1, 64), (5, 5, 64), (32, 8, 64), (313, 8, 64), (3_125, 8, 64), (31_250, 8, 64), (39_063, 64, 64)),
    # The dear case: users beyond the engine's default number of sequences.
    *((25, 25, 1000), (2_500, 1_000, 1000)),
)


def median(call: Callable[[], object], runs: int) -> float:
    """The median time of a call, in seconds."""
    call()
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def spaced(first: int, last: int, number: int) -> tuple[int, ...]:
    """Whole numbers from first to last, at equal steps."""
    return tuple(first + (last - first) * i // max(1, number - 1) for i in range(number))


def unknown(call: Callable[[], object]) -> None:
    """A call with a name that is not known."""
    try:
        call()
    except UnknownModelError:
        return
    raise AssertionError(f"{UNKNOWN} is known")


def others(runs: int) -> dict[str, float]:
    """Medians of the other calls."""
    card = load_model("llama-3-8b")
    question = f"how many A6000s for {UNKNOWN}"
    calls: dict[str, Callable[[], object]] = {
        'load_model("llama-3.1-8b")': lambda: load_model("llama-3.1-8b"),
        f'load_model("{UNKNOWN}")': lambda: unknown(lambda: load_model(UNKNOWN)),
        'ask("how many A6000s for Mixtral 8x7b")': lambda: ask("how many A6000s for Mixtral 8x7b"),
        f'ask("{question}")': lambda: unknown(lambda: ask(question)),
        'memory_need("llama-3-8b")': lambda: memory_need(card),
        'which_gpu("llama-3-8b")': lambda: which_gpu(card),
    }
    found = {name: median(call, runs) for name, call in calls.items()}
    return {**found, 'what_fits("a6000", gpu_count=2)': median(lambda: what_fits("a6000", gpu_count=2), min(3, runs))}


def warm(runs: int) -> dict[str, Any]:
    """Medians of warm calls."""
    found = []
    for model, gpu, options in CALLS:
        card, spec = load_model(model), load_gpu(gpu)
        seconds = median(lambda c=card, s=spec, o=options: size(c, gpu=s, **o), runs)  # type: ignore[misc]
        found.append({"model": model, "gpu": gpu, "details": options.get("details", True), "seconds": seconds})
    return {"sizes": found, "others": others(runs)}


def sweep(contexts: int, users: int, most_users: int) -> dict[str, Any]:
    """One sweep, its cells counted and thrown away."""
    axes = Axes(
        tuple(map(load_model, SWEEP_MODELS)),
        tuple(map(load_gpu, SWEEP_GPUS)),
        spaced(8, 131_072, contexts),
        spaced(1, most_users, users),
    )
    start, cells = time.perf_counter(), 0
    for block in sweep_blocks(axes):
        cells += block.cells.size
    return {"cells": cells, "most_users": most_users, "seconds": time.perf_counter() - start}


if __name__ == "__main__":
    short = "short" in sys.argv
    if "warm" in sys.argv:
        print(json.dumps(warm(1 if short else RUNS)))
    else:
        sweep(3, 1, 64)  # inventories and numpy are loaded: what follows is the sweep alone
        cells = len(SWEEP_MODELS) * len(SWEEP_GPUS)
        print(json.dumps([sweep(*axes) for axes in SWEEPS if not short or cells * axes[0] * axes[1] <= SHORT_CELLS]))
