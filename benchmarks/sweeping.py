"""One sweep of about so many cells after loading: prints cells, seconds of each run and the peak memory as JSON."""

from __future__ import annotations

import json
import resource
import sys
import time

import gpu_sizer
from gpu_sizer.planning.sweep import Axes, sweep_blocks
from gpu_sizer.planning.sweep_axes import whole_numbers

#: One model on one GPU for growth; several for the large sweep.
MODELS = ("llama-3.1-70b", "mixtral-8x7b", "llama-3.1-8b", "deepseek-v3")
GPUS = ("a6000", "h100-80gb", "mi300x", "l40s")
#: Up to here the engine runs with one number of sequences, and all users share its settings.
MOST_USERS = 250


def axes(cells: int, pairs: int) -> Axes:
    """Axes of about ``cells`` cells: so many pairs of model and GPU, contexts and users."""
    each = cells // pairs
    users = max(1, min(MOST_USERS, each // 10))
    contexts = max(1, each // users)
    models, gpus = MODELS[: max(1, pairs // len(GPUS))], GPUS[: min(pairs, len(GPUS))]
    return Axes(
        tuple(gpu_sizer.load_model(m) for m in models),
        tuple(gpu_sizer.load_gpu(g) for g in gpus),
        whole_numbers(f"1k:32k:lin{contexts}", "context"),
        whole_numbers(f"1:{users}:lin{users}", "users") if users > 1 else (1,),
    )


def main(cells: int, pairs: int, runs: int) -> None:
    """Sweeps block by block, keeping none."""
    swept, taken, answered = axes(cells, pairs), list[float](), 0
    for turn in range(runs + 1 if runs > 1 else 1):
        start = time.perf_counter()
        answered = sum(int((block.cells["gpu_count"] > 0).sum()) for block in sweep_blocks(swept))
        if turn or runs == 1:
            taken.append(time.perf_counter() - start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"cells": swept.size, "answered": answered, "seconds": taken, "peak_bytes": peak}))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:4]))
