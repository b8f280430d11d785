"""What drafts tokens ahead under TensorRT-LLM: what its source counts and holds for it."""

from __future__ import annotations

from typing import Any

import pytest

from gpu_sizer import RequestError, estimate, load_model
from gpu_sizer.engines.registry import engine
from gpu_sizer.engines.speculation import NoDrafterError
from gpu_sizer.load import AS_RELEASED
from gpu_sizer.memory.layout import Layout
from gpu_sizer.records import replace

ENGINE = "tensorrt-llm"


def pair(model: str, asked: str, gpu: str = "h200", tp: int = 1, **more: Any) -> tuple[Any, Any]:
    """The memory without drafts and with them."""
    told = {"gpu": gpu, "tensor_parallel_size": tp, "context": 8192, "engine": ENGINE, "max_num_seqs": 16, **more}
    plain, drafting = (estimate(model, speculative=s, **told).per_gpu for s in (None, asked))
    assert plain is not None
    assert drafting is not None
    return plain, drafting


def test_a_draft_model_keeps_its_own_layers_of_every_token() -> None:
    plain, drafting = pair("llama-3.1-8b", "draft:llama-3.2-1b:3")
    assert drafting.weights_bytes - plain.weights_bytes == pytest.approx(2 * 1235814400, rel=1e-3)
    # Llama 3.2 1B keeps 16 layers of 2,048 bytes, and each of 32 of Llama 3.1 8B keeps 4,096 ...
    assert plain.kv_cache_bytes == 8192 * 32 * 4096
    # ... of the context and twice three tokens more, in whole blocks of 32.
    assert drafting.kv_cache_bytes == (8192 + 32) * (32 * 4096 + 16 * 2048)


def test_prediction_layers_have_the_states_of_each_request() -> None:
    plain, drafting = pair("deepseek-v3", "mtp:2", "b200", 8)
    assert drafting.kv_cache_bytes > plain.kv_cache_bytes * 62 // 61
    weights = drafting.weights_bytes - plain.weights_bytes
    # The layer's experts are 11.3 GB in eight parts, and what joins embedding and state is whole on each rank.
    assert weights == pytest.approx(257 * 3 * 7168 * 2048 / 8 + 4 * 7168 * 7168, rel=0.03)


def test_eagle_3_reads_states_of_a_whole_batch() -> None:
    few, many = (
        pair("gpt-oss-120b", "draft:gpt-oss-120b-eagle3:3", max_num_batched_tokens=n, gpu_memory_utilization=1.0)[1]
        for n in (4096, 8192)
    )
    assert many.overhead_bytes - few.overhead_bytes == 4096 * 3 * 2880 * 2


@pytest.mark.parametrize(
    ("model", "asked", "why"),
    [
        ("llama-3.1-8b", "mtp:1", "no prediction layers"),
        ("glm-4.7-flash", "mtp:1", "TensorRT-LLM has no prediction layers of Glm4MoeLiteForCausalLM"),
        ("llama-3.1-8b", "draft:llama-3.1-8b-eagle3:3", "Eagle3Speculator, takes under TensorRT-LLM is not known here"),
        ("qwen3-8b", "draft:qwen3-8b-dflash:3", "DFlashDraftModel, takes under TensorRT-LLM is not known here"),
        ("llama-3.1-8b", "eagle", "must be mtp:N"),
    ],
)
def test_what_cannot_draft_is_refused(model: str, asked: str, why: str) -> None:
    with pytest.raises(NoDrafterError, match=why):
        estimate(model, gpu="h100", context=2048, engine=ENGINE, speculative=asked)


def test_other_options_are_refused_by_name() -> None:
    with pytest.raises(RequestError, match="no n_gpu_layers: all layers are on the GPUs"):
        estimate("llama-3.1-8b", gpu="h100", context=2048, engine=ENGINE, n_gpu_layers=4)
    with pytest.raises(RequestError, match="what lora takes or saves is not known here"):
        estimate("llama-3.1-8b", gpu="h100", context=2048, engine=ENGINE, lora="4x16")


def test_a_pipeline_that_drafts_is_refused() -> None:
    made = engine(ENGINE)
    model = made.model(load_model("deepseek-v3"), replace(AS_RELEASED, speculative="mtp:1"))
    assert "pipeline" in (made.refusal(model, Layout(8, 2)) or "")
    assert made.refusal(model, Layout(8)) is None
