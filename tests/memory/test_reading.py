"""What is read of a request's caches for a token, by hand."""

from __future__ import annotations

import pytest

from gpu_sizer.api import load_gpu, load_model
from gpu_sizer.load import Settings
from gpu_sizer.memory.layout import Layout
from gpu_sizer.memory.reading import read_bytes
from gpu_sizer.planning.prepared import known
from gpu_sizer.planning.request import make_request
from gpu_sizer.planning.speed import Speeds

TOKENS = 8192
BFLOAT16, FLOAT32 = 2, 4


def delta_state(layers: int, k_heads: int, v_heads: int, width: int, kernel: int) -> int:
    conv = (2 * k_heads * width + v_heads * width) * (kernel - 1) * BFLOAT16
    return 2 * layers * (conv + v_heads * width * width * FLOAT32)


@pytest.mark.parametrize(
    ("model", "dtype", "layout", "read"),
    [
        # 32 layers of 8 heads of 128, keys and values.
        ("llama-3-8b", "bfloat16", Layout(), 32 * TOKENS * 8 * 2 * 128 * 2),
        ("llama-3-8b", "float8", Layout(), 32 * TOKENS * 8 * 2 * 128),
        ("llama-3-8b", "bfloat16", Layout(2, 4), 32 * TOKENS * 8 * 2 * 128 * 2 // 8),
        # Half of 36 layers see 128 tokens.
        ("gpt-oss-120b", "bfloat16", Layout(), 18 * (TOKENS + 128) * 8 * 2 * 64 * 2),
        # One latent, whole on every rank.
        ("deepseek-v3", "bfloat16", Layout(8), 61 * TOKENS * (512 + 64) * 2),
        # 15 layers of 2 heads of 256, and 45 whose state is read and written.
        (
            "qwen3.5-397b-a17b",
            "bfloat16",
            Layout(),
            15 * TOKENS * 2 * 2 * 256 * 2 + delta_state(45, 16, 64, 128, 4),
        ),
    ],
)
def test_windows_are_read_as_far_as_they_see_and_states_twice(
    model: str, dtype: str, layout: Layout, read: int
) -> None:
    a = load_model(model).architecture
    assert read_bytes(a, "bfloat16", Settings(context=TOKENS, kv_cache_dtype=dtype), layout, TOKENS) == read


def test_a_format_of_an_engines_own_is_read_whole() -> None:
    a = load_model("deepseek-v4-flash").architecture
    assert read_bytes(a, "bfloat16", Settings(context=TOKENS, kv_cache_dtype="bfloat16"), Layout(), TOKENS) is None
    assert (
        read_bytes(load_model("llama-3-8b").architecture, "bfloat16", Settings(context=TOKENS), Layout(), TOKENS)
        is None
    )


@pytest.mark.parametrize("engine", ["vllm", "sglang", "tensorrt-llm"])
def test_what_an_engine_keeps_beside_is_not_read(engine: str) -> None:
    """TensorRT-LLM keeps all tokens of windows, vLLM those in flight, too: each token reads no more for it."""
    request = make_request(load_model("gpt-oss-120b"), load_gpu("h100-80gb"), engine=engine, context=1)
    found = Speeds(request, known(request), prompt=8000, answer=384).situation(Layout(2))
    assert found.case.cache_bytes == 18 * (TOKENS + 128) * 8 * 2 * 64 * 2 // 2
