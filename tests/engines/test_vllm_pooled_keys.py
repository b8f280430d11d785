"""GLM-5.3 Flash in vLLM: states, latents and pooled index keys in one pool, against the log of a start-up.

Eight H100, 262,144 tokens, 64 sequences, batches of 8,192, vLLM 0.31.1rc1, no prefix caching, no tower:
https://github.com/tant2tls/Deepseek-serving at bca00050, reports/blog-architecture-h100-v1/data/glm-53/_server/
serve-off-20261008-000140.log.
"""

from __future__ import annotations

import pytest

from gpu_sizer import size
from gpu_sizer.cards.catalogue import catalogue
from gpu_sizer.engines.vllm.engine import VllmEngine
from gpu_sizer.engines.vllm.loading import Kernels
from gpu_sizer.engines.vllm.model import VllmModel
from gpu_sizer.engines.vllm.pages import PageRules
from gpu_sizer.engines.vllm.sparse import workspace_bytes
from gpu_sizer.errors import RequestError
from gpu_sizer.load import Load
from gpu_sizer.memory.layout import Layout
from gpu_sizer.units import GIB

NAME = "glm-5.3-flash"
LAYOUT = Layout(tensor_parallel_size=8, expert_parallel=True)


@pytest.fixture(scope="module")
def model() -> VllmModel:
    return VllmEngine().model(catalogue().models.get(NAME))


def test_groups_and_tokens_are_those_that_a_start_up_printed(model: VllmModel) -> None:
    """ "Setting attention block size to 640 tokens", "Available KV cache memory: 28.73 GiB", "GPU KV cache size:
    2,618,281 tokens"."""
    plan = model.cache(8, "bfloat16", PageRules(prefix_caching=False, generation=9))
    kinds = sorted((group.kinds[0].kind, group.block_size, len(group.pages)) for group in plan.groups)
    assert kinds == [("full", 640, 22), ("ring", 4, 11), *[("state", 640, 8)] * 2, *[("state", 640, 9)] * 2]
    # Latents of 1,024 bytes a token and an index key of 132 bytes for four, of eleven layers.
    assert plan.stage_block_bytes(1) == (11 * 640 * (1024 + 33),)
    blocks = int(28.73 * GIB) // plan.stage_block_bytes(1)[0]
    assert blocks * 262_144 // plan.blocks_per_request(262_144, 16_384) == 2_618_281


def test_states_are_padded_as_a_start_up_said(model: VllmModel) -> None:
    plan = model.cache(8, "bfloat16", PageRules(prefix_caching=False))
    page = next(g.kinds[0].page_bytes for g in plan.groups if g.kinds[0].kind == "state")
    # Eight heads of 128 x 128 in float32, and three inputs of three convolutions: "Padding mamba page size by 20.75%".
    assert page / (8 * 128 * 128 * 4 + 3 * 3 * 1024 * 2) == pytest.approx(1.2075, abs=5e-5)


def test_a_start_up_is_estimated_within_three_percent(model: VllmModel) -> None:
    engine = VllmEngine()
    load = Load(context=262_144, max_num_seqs=64, max_num_batched_tokens=8192, gpu_memory_utilization=0.9, users=1)
    found = engine.evaluate(model, catalogue().gpus.get("h100-80gb"), LAYOUT, load)
    block = model.cache(8, "bfloat16", PageRules(generation=9)).stage_block_bytes(1)[0]
    assert found.blocks is not None
    assert found.blocks * block / GIB == pytest.approx(28.73, rel=0.03)
    # "Model loading took 38.8 GiB", of which 0.8 are not known here.
    extra = model.loading_extra(8, 8, Kernels("cuda", 9, "0.33", True, False)).stages(1, 0)[0]
    assert (model.stages(8, 8, 1)[0] + extra) / GIB == pytest.approx(38.8, abs=0.9)


def test_workspaces_gather_pooled_keys(model: VllmModel) -> None:
    assert workspace_bytes(model.card.architecture, 9, 262_144, 8192) == 40 * 262_144 // 4 * 132


def test_data_center_blackwell_has_float8_where_nothing_is_named(model: VllmModel) -> None:
    gpu = catalogue().gpus.get("b200")
    engine = VllmEngine()
    assert engine.settings(model, gpu, Load(context=8192), LAYOUT).kv_cache_dtype == "float8"
    named = Load(context=8192, kv_cache_dtype="bfloat16")
    assert engine.settings(model, gpu, named, LAYOUT).kv_cache_dtype == "bfloat16"
    assert VllmEngine("0.32").settings(model, gpu, Load(context=8192), LAYOUT).kv_cache_dtype == "bfloat16"
    # Nothing is packed beside the 512 values of a latent.
    assert model.cache(8, "float8", PageRules(generation=10)).stage_block_bytes(1) == (11 * 1152 * (512 + 33),)


@pytest.mark.parametrize(("gpu", "dtype"), [("h100-80gb", "fp8"), ("dgx-spark", None), ("rtx-pro-6000", "auto")])
def test_records_that_are_not_known_are_refused(gpu: str, dtype: str | None) -> None:
    with pytest.raises(RequestError, match=r"how vLLM caches GLM-5\.3-Flash is not known here"):
        size(NAME, gpu=gpu, context=8192, kv_cache_dtype=dtype)


def test_it_has_no_pipelines(model: VllmModel) -> None:
    reason = VllmEngine().refusal(model, Layout(tensor_parallel_size=4, pipeline_parallel_size=2))
    assert reason == "vLLM's Glm5NextForConditionalGeneration does not support pipeline parallelism"


@pytest.mark.parametrize("name", ["sglang", "tensorrt-llm", "llama.cpp", "transformers"])
def test_other_engines_say_that_its_cache_is_not_known(name: str) -> None:
    with pytest.raises(RequestError, match="is not known here"):
        size(NAME, gpu="h200", engine=name, context=8192)
