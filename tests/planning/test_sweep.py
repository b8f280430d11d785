"""Law 6: a sweep gives, cell by cell, what the search behind ``size`` gives."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpu_sizer import load_gpu, load_model
from gpu_sizer.cards.catalogue import catalogue
from gpu_sizer.cards.gpu_spec import GpuSpec
from gpu_sizer.engines.registry import engine_names
from gpu_sizer.engines.vllm.activations import Reserve
from gpu_sizer.engines.vllm.model import VllmModel
from gpu_sizer.engines.vllm.version import VersionProfile
from gpu_sizer.errors import RequestError, UncountableError
from gpu_sizer.load import VARIED, Settings
from gpu_sizer.memory.layout import Layout
from gpu_sizer.planning.request import make_request
from gpu_sizer.planning.search import Search
from gpu_sizer.planning.sweep import Axes, sweep_blocks, sweep_cards
from gpu_sizer.planning.sweep_axes import whole_numbers
from gpu_sizer.records import replace

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
    load = {"kv_cache_dtype": cache, "gpu_memory_utilization": share, "engine": engine, "layouts": layouts}
    compare(model, gpu, contexts, users, max_gpus=12, **load)


def compare(model: str, gpu: str, contexts: list[int], users: list[int], **load: Any) -> None:
    card, spec = load_model(model), load_gpu(gpu)
    varied = {s.name: (load[s.name],) for s in VARIED if s.name in load}
    rest = {k: v for k, v in load.items() if k not in varied}
    axes = Axes((card,), (spec,), tuple(contexts), tuple(users), varied)
    longest = card.context.extended or card.context.native
    for cell in sweep_cards(axes, **rest).to_records():
        if cell["context"] > longest:
            assert cell["gpu_count"] is None
            continue
        request = make_request(card, spec, context=cell["context"], users=cell["users"], **load)
        try:
            search = Search(request)
        except UncountableError:
            assert cell["gpu_count"] is None
            continue
        found = search.smallest(search.start(), request.max_gpus)
        if found is None:
            assert cell["gpu_count"] is None
            continue
        assert found.per_gpu is not None
        assert {k: cell[k] for k in found.layout.model_dump()} == found.layout.model_dump()
        assert cell["gpu_count"] == found.layout.gpu_count
        assert (cell["verdict"], cell["free_bytes"]) == (found.verdict, found.per_gpu.free_bytes)


@pytest.mark.parametrize("engine", engine_names())
def test_every_card_under_every_engine(engine: str) -> None:
    refused = []
    # Engines that count one load at a time search for each cell by themselves: one cell tells whether they are asked.
    contexts, users = ([4096, 100_000], [2, 300]) if engine == "vllm" else ([4096], [2])
    for card in catalogue().models.all():
        try:
            compare(card.id, "h200", contexts, users, engine=engine, max_gpus=16)
        except RequestError:
            refused.append(card.id)
    # Refused are models whose caches an engine's rules do not tell; vLLM's tell those of all.
    assert len(refused) < (1 if engine == "vllm" else 100)


@pytest.mark.parametrize(
    ("model", "gpu", "contexts", "users"),
    [
        # Block tables of very long contexts stand beside the budget, more of them the more sequences there are.
        ("llama-4-scout", "h200", [4096, 1 << 20, 4 << 20, 10 << 20], [1, 2, 1100, 2000]),
        ("deepseek-v4-flash", "h800-80gb", [65_536, 1 << 20], [1, 300, 1024, 3000]),
        # As many sequences as users, beyond the engine's default, on models with and without states.
        ("llama-3-8b", "l4", [16, 300, 8192], [1, 100, 256, 257, 300, 700, 2500]),
        ("qwen3-next-80b-a3b", "a100-80gb", [100, 5000], [200, 256, 270, 400, 1000]),
        ("qwen3-vl-30b-a3b", "h100-80gb", [1000, 9000], [900, 1024, 1025, 1300]),
        # A video in the profile run that grows with the context.
        ("qwen2.5-vl-7b", "l40s", [8192, 40_000, 65_536, 128_000], [1, 8, 300]),
    ],
)
def test_settings_that_change_from_cell_to_cell(model: str, gpu: str, contexts: list[int], users: list[int]) -> None:
    compare(model, gpu, contexts, users, max_gpus=24)


def test_what_a_pair_of_gpus_holds_does_not_depend_on_what_was_asked_before() -> None:
    # From the third GPU on, communicators of vLLM 0.8 take memory of the budget; two stages have none.
    def overhead(stages: list[int]) -> dict[int, int]:
        card = replace(load_model("llama-3-8b"))  # a card of its own: nothing of it is known yet
        search = Search(make_request(card, load_gpu("h100"), context=4096, engine="vllm@0.8"))
        found = [search.evaluate(Layout(pipeline_parallel_size=n)).per_gpu for n in stages]
        return {n: memory.overhead_bytes for n, memory in zip(stages, found, strict=True) if memory is not None}

    forwards, backwards = overhead([2, 3, 4]), overhead([4, 3, 2])
    assert forwards == backwards
    assert forwards[2] < forwards[3]


def test_peaks_are_counted_once_for_all_pipelines(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[int, int]] = []
    reserve = VllmModel.reserve

    def counted(self: VllmModel, gpu: GpuSpec, layout: Layout, s: Settings, version: VersionProfile) -> Reserve:
        calls.append((layout.pipeline_parallel_size, s.max_num_seqs))
        return reserve(self, gpu, layout, s, version)

    monkeypatch.setattr(VllmModel, "reserve", counted)
    users = tuple(range(257, 357))
    sweep_cards(
        Axes((load_model("llama-3-8b"),), (load_gpu("l4"),), (2048, 8192), users), max_gpus=8, layouts="pipeline"
    )
    # Eight pipelines without replicas, and fewer with two, three and four: once for each number of sequences.
    assert len(calls) < 6 * len(users)


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


@pytest.mark.parametrize("engine", engine_names())
@pytest.mark.parametrize(
    ("model", "gpu"), [("x/Llama-3.1-70B-MXFP4", "rtx-5090"), ("x/gemma-4-12B-it-NVFP4", "rtx-5070-ti")]
)
def test_a_release_that_is_known_by_name_alone_has_the_same_room(model: str, gpu: str, engine: str) -> None:
    """What it may keep beside what its name tells is part of an engine's verdict, and so of a sweep's."""
    try:
        compare(model, gpu, [4096, 65_536, 131_072], [1, 40], engine=engine, max_gpus=12)
    except RequestError as refused:
        assert "does not load" in str(refused)
