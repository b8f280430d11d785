"""Calls of ``size`` in a process that has loaded its cards: prints seconds of each run as JSON."""

from __future__ import annotations

import json
import sys
import time

import gpu_sizer

#: Name, model, and the calls whose mean is one run.
CASES = (("dense", "llama-3.1-8b", 200), ("moe", "deepseek-v3", 20))
GPU = "a6000"


def seconds(model: str, *, details: bool, calls: int) -> float:
    """Mean seconds of a call."""
    card, gpu = gpu_sizer.load_model(model), gpu_sizer.load_gpu(GPU)
    start = time.perf_counter()
    for _ in range(calls):
        gpu_sizer.size(card, gpu=gpu, max_gpus=64, details=details)
    return (time.perf_counter() - start) / calls


def main(runs: int) -> None:
    """Prints the runs of every case, cases in turns."""
    found: dict[str, list[float]] = {}
    for turn in range(runs + 1):
        for name, model, calls in CASES:
            for details in (False, True):
                taken = seconds(model, details=details, calls=calls)
                if turn:  # the first fills the caches
                    found.setdefault(f"{name} {'with' if details else 'without'} details", []).append(taken)
    print(json.dumps(found))


if __name__ == "__main__":
    main(int(sys.argv[1]))
