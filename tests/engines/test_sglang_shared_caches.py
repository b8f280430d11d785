"""SGLang has room for the caches of all layers, also of those that read the cache of an earlier one.

The start-up is sglang-026 of tests/evidence/fresh.jsonl: Gemma 4 E4B, of whose 42 layers 18 read earlier caches.
"""

from __future__ import annotations

import pytest

from gpu_sizer import load_model
from gpu_sizer.engines.registry import engine
from gpu_sizer.model.caches import CacheTypes
from gpu_sizer.units import GIB

#: Tokens of the pool of all and of that of windows, and what both take: "SWAKVPool mem usage: 79.94 GB".
FULL, WINDOWS, POOLS_GIB = 997846, 798276, 79.94
BFLOAT16 = CacheTypes("bfloat16", "bfloat16")


def test_the_pools_are_as_large_as_logged() -> None:
    model = engine("sglang").model(load_model("gemma-4-e4b"))
    (cells,) = model.cells(1, BFLOAT16, ((0, model.layers),), windows=True)
    assert (cells.full * FULL + cells.windowed * WINDOWS) / GIB == pytest.approx(POOLS_GIB, abs=0.005)


@pytest.mark.parametrize(("name", "layers"), [("gemma-4-e2b", 35), ("gemma-4-e4b", 42), ("gemma-3n-e4b", 35)])
def test_each_layer_has_a_cache_and_elsewhere_each_that_keeps_one(name: str, layers: int) -> None:
    card = load_model(name)
    keeping = {
        e: [n for n in card.architecture.layer_names if engine(e).model(card).caches(1, BFLOAT16)[n]]
        for e in ("sglang", "llama.cpp", "transformers")
    }
    assert len(keeping["sglang"]) == layers
    assert len(keeping["llama.cpp"]) == len(keeping["transformers"]) < layers
