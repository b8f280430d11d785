"""Law 6: a sweep gives, cell by cell, what the search behind ``size`` gives."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpu_sizer import load_gpu, load_model
from gpu_sizer.errors import RequestError
from gpu_sizer.planning.request import make_request
from gpu_sizer.planning.search import Search
from gpu_sizer.planning.sweep import Axes, sweep_blocks, sweep_cards
from gpu_sizer.planning.sweep_axes import whole_numbers

#: Dense, sliding window, latent, mixture and state-space caches.
MODELS = [
    "llama-3-8b",
    "mixtral-8x7b",
    "gemma-3-27b",
    "gpt-oss-20b",
    "deepseek-v3",
    "qwen3-30b-a3b",
    "qwen3-next-80b-a3b",
]
GPUS = ["rtx-a6000", "l4", "h100-80gb", "mi300x", "t4"]


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from(MODELS),
    st.sampled_from(GPUS),
    st.lists(st.integers(1, 131_072), min_size=1, max_size=3),
    st.lists(st.integers(1, 3000), min_size=1, max_size=3),
    st.sampled_from(["vllm", "vllm@0.9", "vllm@0.6"]),
    st.sampled_from([None, "float8"]),
    st.sampled_from([None, 0.5, 0.95, 0.99]),
    st.sampled_from(["any", "tensor", "pipeline"]),
)
def test_every_cell_is_what_the_search_finds(
    model: str,
    gpu: str,
    contexts: list[int],
    users: list[int],
    engine: str,
    cache: str | None,
    share: float | None,
    layouts: str,
) -> None:
    card, spec = load_model(model), load_gpu(gpu)
    axes = Axes((card,), (spec,), tuple(contexts), tuple(users), kv_cache_dtypes=(cache,), utilizations=(share,))
    load = {"engine": engine, "layouts": layouts, "max_gpus": 12}
    longest = card.context.extended or card.context.native
    for cell in sweep_cards(axes, **load).to_records():
        if cell["context"] > longest:
            assert cell["gpu_count"] is None
            continue
        search = Search(
            make_request(
                card,
                spec,
                context=cell["context"],
                users=cell["users"],
                kv_cache_dtype=cache,
                gpu_memory_utilization=share,
                **load,  # type: ignore[arg-type]
            )
        )
        found = search.smallest(search.start(), 12)
        if found is None:
            assert cell["gpu_count"] is None
            continue
        assert found.per_gpu is not None
        assert {k: cell[k] for k in found.layout.model_dump()} == found.layout.model_dump()
        assert cell["gpu_count"] == found.layout.gpu_count
        assert (cell["verdict"], cell["free_bytes"]) == (found.verdict, found.per_gpu.free_bytes)


def test_chunks_are_parts_of_the_whole() -> None:
    axes = Axes((load_model("mixtral-8x7b"),), (load_gpu("l4"),), tuple(range(1000, 32_000, 1000)), (1, 7, 300))
    whole = sweep_cards(axes).cells[0, 0, 0, 0, 0]
    parts = list(sweep_blocks(axes, chunk=12))
    assert len(parts) == 8
    assert [row for part in parts for row in part.cells.tolist()] == whole.tolist()


def test_users_beyond_the_sequences_asked_for_are_refused_as_by_size() -> None:
    axes = Axes((load_model("llama-3-8b"),), (load_gpu("l4"),), (2048,), (1, 99))
    with pytest.raises(RequestError, match="max_num_seqs 8 is below the 99 users"):
        sweep_cards(axes, max_num_seqs=8)


def test_axes_as_people_write_them() -> None:
    assert whole_numbers("1k:128k:log8", "context") == tuple(1024 << i for i in range(8))
    assert whole_numbers("8192,4k", "context") == (4096, 8192)
    assert whole_numbers("1:9:lin3", "users") == (1, 5, 9)
    for wrong in ("1:2", "9:1:log3", "1:9:log1", "1:9:cube3", "many"):
        with pytest.raises(RequestError):
            whole_numbers(wrong, "users")
