"""What a plan under a rate costs while warm: `size` with users, lengths and tokens a second, over the whole catalogue.

    python benchmarks/rate_plans.py            3,000 plans, and how long they took
    python benchmarks/rate_plans.py 500        so many
    python benchmarks/rate_plans.py 500 7      another draw of them
    python benchmarks/rate_plans.py 500 7 slow and the slowest ten

Each plan is drawn: a card of the catalogue, a GPU, an engine, users, a rate, lengths. Its card and GPU were asked about
before. It is timed when only other lengths were asked for (*new lengths*), when its lengths were, with other users or
another rate (*new numbers*), and when it was asked for itself (*the same again*). Times are of the processor, so that
what else the machine does counts less; plans and what is read of them later (reasons, alternatives) are timed apart.
"""

from __future__ import annotations

import gc
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

from gpu_sizer import load_gpu, size
from gpu_sizer.answers import Plan
from gpu_sizer.cards.catalogue import catalogue
from gpu_sizer.cards.model_card import ModelCard
from gpu_sizer.errors import GpuSizerError

GPUS = ("h100", "a6000", "b200", "mi300x", "rtx-4090", "l4")
ENGINES = ("vllm", "sglang")
USERS = (1, 16, 100, 1000)
RATES = (5, 20, 60, 150)
#: Tokens of a prompt and of an answer.
LENGTHS = ((1024, 256), (128, 512), (4000, 400))
#: Plans that are asked for before, with other lengths.
BEFORE = 3
PLANS = 3_000

#: Model, GPU, options.
Asked = tuple[ModelCard, str, dict[str, Any]]


def _drawn(draw: random.Random, lengths: tuple[int, int]) -> dict[str, Any]:
    """Users, a rate and lengths."""
    prompt, answer = lengths
    users, rate = draw.choice(USERS), draw.choice(RATES)
    return {"users": users, "tokens_per_second": rate, "prompt": prompt, "answer": answer}


def drawn(seed: int) -> Iterator[tuple[Asked, Asked, list[Asked]]]:
    """Plans without end, each with one of other numbers and the same lengths, and with some of other lengths."""
    draw, cards = random.Random(seed), catalogue().models.all()
    while True:
        card, gpu, engine = draw.choice(cards), draw.choice(GPUS), draw.choice(ENGINES)
        lengths = draw.choice(LENGTHS)
        told = _drawn(draw, lengths)
        while (other := _drawn(draw, lengths)) == told:
            pass
        before = [_drawn(draw, draw.choice([each for each in LENGTHS if each != lengths])) for _ in range(BEFORE)]
        asked, alike, *different = [(card, gpu, {"engine": engine, **numbers}) for numbers in (told, other, *before)]
        yield asked, alike, different


def planned(asked: Asked) -> Plan | None:
    """The plan; null where it is refused."""
    card, gpu, options = asked
    try:
        return size(card, gpu=load_gpu(gpu), **options)
    except GpuSizerError:
        return None


def seconds(call: Callable[[], object]) -> float:
    """What a call takes of the processor."""
    start = time.process_time()
    call()
    return time.process_time() - start


def timed(asked: Asked, alike: Asked, different: list[Asked]) -> dict[str, float]:
    """Seconds of plans and of reading all of them, as told above."""
    for other in different:
        planned(other)
    gc.collect()
    found = {}
    for name, told in (("new lengths", asked), ("new numbers", alike), ("the same again", alike)):
        found[name] = seconds(lambda told=told: planned(told))  # type: ignore[misc]
        if (plan := planned(told)) is not None:
            found[f"{name}, read"] = seconds(plan.model_dump)
    return found


def describe(name: str, times: list[float]) -> str:
    """A distribution on one line, in milliseconds."""
    ordered = sorted(1e3 * t for t in times)
    at = {share: ordered[min(len(ordered) - 1, int(share * len(ordered)))] for share in (0.9, 0.99)}
    above = sum(t > 2 for t in ordered) / len(ordered)
    return (
        f"{name:<22} median {statistics.median(ordered):5.2f}  p90 {at[0.9]:5.2f}  p99 {at[0.99]:5.2f}  "
        f"max {ordered[-1]:6.2f} ms; above 2 ms {above:.1%}"
    )


def main(plans: int, seed: int, *, slow: bool) -> None:
    """Draws, times and prints."""
    found: list[tuple[dict[str, float], Asked]] = []
    for asked, alike, different in drawn(seed):
        if len(found) == plans:
            break
        # A model that is refused here takes no time at all.
        if planned(different[0]) is not None:
            found.append((timed(asked, alike, different), asked))
    for name in dict.fromkeys(name for times, _ in found for name in times):
        print(describe(name, [times[name] for times, _ in found if name in times]))
    if slow:
        for times, (card, gpu, options) in sorted(found, key=lambda f: -f[0]["new lengths"])[:10]:
            told = ", ".join(f"{name} {1e3 * t:.2f}" for name, t in times.items())
            print(f"{card.id} on {gpu}, {options}: {told}")


if __name__ == "__main__":
    told = [int(a) for a in sys.argv[1:] if a.isdigit()]
    main(*[*told, PLANS, 1][:1], *[*told[1:], 1][:1], slow="slow" in sys.argv)
