"""Caches and buffers of indexed models under llama.cpp and transformers, and the mask of later builds.

The start-up is of GLM-5.2 UD-Q5_K_XL on four RTX PRO 6000 (-c 524288, a physical batch of 512, experts on the CPU):
https://github.com/dfch/biz.dfch.LlmOps, log 2026-08-19T220559Z-kv-ctx524288.log.
"""

from __future__ import annotations

import pytest

from gpu_sizer import load_gpu, load_model
from gpu_sizer.engines.llama_cpp.compute import compute_bytes
from gpu_sizer.engines.registry import engine, engine_for
from gpu_sizer.load import Load
from gpu_sizer.memory.layout import Layout
from gpu_sizer.records import replace
from gpu_sizer.units import GIB, MIB

CONTEXT, BATCH = 524288, 512
#: MiB of the latents, of the keys of indexers, and of the least and the greatest compute buffer beside it.
LATENTS, INDEX_KEYS, COMPUTE = 44928.0, 2688.0, (2284.0, 2300.0)
#: Tokens, physical batch, MiB of the compute buffer: a file of zeros, Llama 3 8B but for two layers and 32,768 tokens
#: of vocabulary, under llama.cpp as built in xllamacpp 2026.10.11549 (PyPI, on the CPU).
DENSE = [(8192, 512, 132.02), (131072, 512, 252.02), (524288, 512, 636.02), (131072, 2048, 1008.07)]


@pytest.mark.parametrize("gpus", [1, 4])
def test_index_keys_are_cached_in_the_type_of_the_cache(gpus: int) -> None:
    card = load_model("glm-5.2")
    own = engine(engine_for("llama.cpp", card))
    memory = own.evaluate(own.model(card), load_gpu("rtx-pro-6000"), Layout(1, gpus), Load(context=CONTEXT))
    assert sum(stage.kv_cache_bytes for stage in memory.stages) == (LATENTS + INDEX_KEYS) * MIB


def test_the_buffer_of_an_indexed_model_has_two_masks_and_the_scores() -> None:
    made = compute_bytes(load_model("glm-5.2").architecture, CONTEXT, BATCH, copies=1, output=False, narrow_mask=True)
    band = engine("llama.cpp").band_bytes  # type: ignore[attr-defined]
    assert all(made == pytest.approx(size * MIB, abs=band) for size in COMPUTE)


@pytest.mark.parametrize(("context", "batch", "size"), DENSE)
def test_later_builds_make_the_mask_in_float16(context: int, batch: int, size: float) -> None:
    a = replace(load_model("llama-3-8b").architecture, vocab_size=32768)
    wide, narrow = (
        compute_bytes(a, context, batch, copies=1, output=True, narrow_mask=is_narrow) for is_narrow in (False, True)
    )
    assert narrow < wide or context == DENSE[0][0]
    assert narrow == pytest.approx(size * MIB, abs=0.21 * GIB)


def test_transformers_caches_index_keys_as_it_caches_all_others() -> None:
    own, card = engine("transformers"), load_model("glm-5.2")
    memory = own.evaluate(own.model(card), load_gpu("b200"), Layout(1, 1), Load(context=CONTEXT))
    assert sum(stage.kv_cache_bytes for stage in memory.stages) == (LATENTS + INDEX_KEYS) * MIB
