"""DeepSeek-V4 under llama.cpp beside what llama.cpp itself allocates.

The rows are logs of llama.cpp as built in xllamacpp 2026.10.11549 (PyPI, on the CPU), which loaded files of zeros with
the widths of V4 Flash and V4 Pro, eight experts and four layers each (LAYERS: the tokens that they compress).
"""

from __future__ import annotations

import pytest

from gpu_sizer import load_gpu, load_model, size
from gpu_sizer.engines.llama_cpp import compressed
from gpu_sizer.engines.registry import engine, engine_for
from gpu_sizer.errors import UncountableError
from gpu_sizer.load import Load
from gpu_sizer.memory.activations import compressed_blocks
from gpu_sizer.memory.layout import Layout
from gpu_sizer.units import GIB, MIB

FLASH, PRO = "deepseek-v4-flash", "deepseek-v4-pro"
LAYERS = {FLASH: (0, 4, 128, 4), PRO: (128, 4, 128, 4)}
F16, Q8 = 2.0, 34 / 32
#: Model, tokens of a sequence, physical batch, bytes a value; then MiB of the windows, of the rows of 4 and of 128
#: tokens, of index keys, of the states of the three, and of the compute buffer (flash attention but for the last two).
ALLOCATED = [
    (FLASH, 4096, 512, F16, (3.00, 2.00, 0.25, 0.50), (0.12, 0.50, 0.03), 252.09),
    (FLASH, 16384, 512, F16, (3.00, 8.00, 0.25, 2.00), (0.12, 0.50, 0.03), 258.09),
    (FLASH, 65536, 512, F16, (3.00, 32.00, 0.50, 8.00), (0.12, 0.50, 0.03), 346.34),
    (FLASH, 262144, 512, F16, (3.00, 128.00, 2.00, 32.00), (0.12, 0.50, 0.03), 573.34),
    (FLASH, 1048576, 512, F16, (3.00, 512.00, 8.00, 128.00), (0.12, 0.50, 0.03), 1795.34),
    (FLASH, 1048576, 1024, F16, (5.00, 512.00, 8.00, 128.00), (0.12, 0.50, 0.03), 3336.37),
    (FLASH, 16384, 2048, F16, (9.00, 8.00, 0.25, 2.00), (0.12, 0.50, 0.03), 1038.17),
    (FLASH, 262144, 128, F16, (1.00, 128.00, 2.00, 32.00), (0.12, 0.50, 0.03), 191.20),
    (FLASH, 65536, 512, Q8, (1.59, 17.00, 0.27, 4.25), (0.12, 0.50, 0.03), 302.09),
    (PRO, 4096, 512, F16, (3.00, 2.00, 0.50, 0.50), (0.12, 1.00, 0.03), 470.09),
    (PRO, 65536, 512, F16, (3.00, 32.00, 1.00, 8.00), (0.12, 1.00, 0.03), 500.34),
    (PRO, 262144, 512, F16, (3.00, 128.00, 4.00, 32.00), (0.12, 1.00, 0.03), 669.84),
    (PRO, 1048576, 512, F16, (3.00, 512.00, 16.00, 128.00), (0.12, 1.00, 0.03), 2013.34),
    (PRO, 1048576, 128, F16, (1.00, 512.00, 16.00, 128.00), (0.12, 1.00, 0.03), 674.22),
    (PRO, 131072, 2048, F16, (9.00, 64.00, 2.00, 16.00), (0.12, 1.00, 0.03), 2649.17),
]
#: Without flash attention.
WHOLE = [(FLASH, 65536, 512, 2420.59), (FLASH, 262144, 512, 8945.14)]


@pytest.mark.parametrize(("model", "context", "batch", "value", "caches", "states", "compute"), ALLOCATED)
def test_caches_are_those_that_llama_cpp_allocates(
    model: str,
    context: int,
    batch: int,
    value: float,
    caches: tuple[float, ...],
    states: tuple[float, ...],
    compute: float,
) -> None:
    mixers = {m.compress_ratio: m for _, m in compressed_blocks(load_model(model).architecture)}
    mixers.setdefault(0, mixers[4])
    held = [compressed.cache_bytes(mixers[r], context, batch, value) for r in LAYERS[model]]
    # Each line is rounded to two decimals.
    assert sum(held) / MIB == pytest.approx(sum(caches) + sum(states), abs=0.035)
    assert sum(compressed.state_bytes(mixers[r]) for r in LAYERS[model]) / MIB == pytest.approx(sum(states), abs=0.015)


@pytest.mark.parametrize(
    ("model", "context", "batch", "flash", "compute"),
    [
        *[(m, c, b, True, size) for m, c, b, _, _, _, size in ALLOCATED],
        *[(m, c, b, False, size) for m, c, b, size in WHOLE],
    ],
)
def test_the_buffer_is_never_less_than_llama_cpp_allocates(
    model: str, context: int, batch: int, flash: bool, compute: float
) -> None:
    a, band = load_model(model).architecture, engine("llama.cpp").band_bytes  # type: ignore[attr-defined]
    made = compressed.compute_bytes(a, context, batch, copies=1, flash_attention=flash)
    assert compute * MIB <= made <= compute * MIB + band


def test_slots_have_streams_of_their_own() -> None:
    """Four slots of 65,536 tokens in all have four times the caches of one with 16,384 (12.00, 32.00, 1.00 MiB)."""
    own = engine(engine_for("llama.cpp", load_model(FLASH)))
    model, gpu = own.model(load_model(FLASH)), load_gpu("h200")
    one, four = (own.evaluate(model, gpu, Layout(1, 2), Load(context=16384, users=n)).stages for n in (1, 4))
    assert [4 * r.kv_cache_bytes for r in one] == [r.kv_cache_bytes for r in four]


def test_the_release_is_counted_as_its_converter_writes_it() -> None:
    """Float8 as Q8_0, experts in MXFP4, the embedding in the machine's memory: 144.6 GiB of the checkpoint's 145.3."""
    plan = size(FLASH, gpu="b200", engine="llama.cpp", context=32768)
    assert (plan.gpu_count, plan.request.engine) == (1, "llama.cpp@b11549")
    assert plan.per_gpu is not None
    assert plan.per_gpu.weights_bytes / GIB == pytest.approx(144.6, abs=0.1)


@pytest.mark.parametrize("weights", ["q4_k_m", "float8"])
def test_files_whose_mixture_is_not_known_are_refused(weights: str) -> None:
    with pytest.raises(UncountableError, match="not known here: its release is counted"):
        size(FLASH, gpu="b200", engine="llama.cpp", weights_dtype=weights)
