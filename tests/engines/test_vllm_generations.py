"""What the GPU's generation and a model's class decide: sizes of experts, records and blocks of caches, refusals."""

from __future__ import annotations

from typing import Any

import pytest

from gpu_sizer import estimate, load_model
from gpu_sizer.cards.catalogue import catalogue
from gpu_sizer.engines.vllm.engine import VllmEngine
from gpu_sizer.engines.vllm.model import VllmModel
from gpu_sizer.errors import UncountableError
from gpu_sizer.load import Load
from gpu_sizer.memory.layout import Layout
from tests.oracle import imported, lines

#: A GPU of each compute capability that the oracle was asked about.
GPUS = {
    7.0: "v100-32gb",
    7.5: "t4",
    8.0: "a100-80gb",
    9.0: "h100-80gb",
    10.0: "b200",
    12.0: "rtx-pro-6000",
}
#: Batches in flight with asynchronous scheduling.
BATCHES = 2
LINES = lines("vllm_gpus.jsonl")


def name(line: dict[str, Any]) -> str:
    return f"{line['hf_id']} tp{line['tp']} on {line['compute_capability']}"


def held(hf_id: str) -> VllmModel:
    card = imported(hf_id)
    assert card is not None
    return VllmEngine().model(card)


@pytest.mark.parametrize("line", [x for x in LINES if "refused" in x], ids=name)
def test_what_a_generation_does_not_run_is_refused(line: dict[str, Any]) -> None:
    gpu = catalogue().gpus.get(GPUS[line["compute_capability"]])
    with pytest.raises(UncountableError, match="compute capability"):
        VllmEngine().fitting(held(line["hf_id"]), gpu, Load(context=4096))


@pytest.mark.parametrize("line", [x for x in LINES if "refused" not in x], ids=name)
def test_a_rank_holds_the_engines_bytes(line: dict[str, Any]) -> None:
    engine, model, layout = VllmEngine(), held(line["hf_id"]), Layout(line["tp"], 1, 1, line["ep"])
    gpu, load = catalogue().gpus.get(GPUS[line["compute_capability"]]), Load(context=8192)
    assert engine.refusal(model, layout) is None
    rules = model.rules(gpu.generation, engine.version.name)
    assert model.stages(line["tp"], layout.expert_ranks, 1, rules)[0] == pytest.approx(line["weight_bytes"], rel=2e-4)
    dtype = engine.settings(model, gpu, load, layout).kv_cache_dtype
    plan = model.cache(line["tp"], dtype, engine.page_rules(gpu, load))
    block = plan.stage_block_bytes(1)[0]
    assert block == line["block_bytes"]
    for context, size in line["kv_bytes_for"].items():
        request = plan.blocks_per_request(int(context), BATCHES * line["max_num_batched_tokens"])
        assert request * block == size


@pytest.mark.parametrize(
    ("model", "gpu", "tp", "ep", "version", "size"),
    [
        # ORACLE of vLLM 0.33 on meta tensors, H100: a share of 128 is padded to 256 where experts are cut.
        ("kimi-linear-48b-a3b", "h100-80gb", 8, False, "0.33", 24.12e9),
        # On B200 a share of 96 is rounded up to 128.
        ("qwen3-30b-a3b", "b200", 8, False, "0.33", 10_096_504_832),
    ],
)
def test_experts_have_the_width_that_their_class_and_kernels_want(
    model: str, gpu: str, tp: int, ep: bool, version: str, size: float
) -> None:
    engine, spec = VllmEngine(version), catalogue().gpus.get(gpu)
    made, layout = engine.model(load_model(model)), Layout(tp, 1, 1, ep)
    rules = made.rules(spec.generation, engine.version.name)
    assert made.stages(tp, layout.expert_ranks, 1, rules)[0] == pytest.approx(size, rel=1e-3)


def test_experts_are_as_they_are_where_no_kernel_rounds_them() -> None:
    for model, generation, version in (
        ("qwen3-30b-a3b", 9, "0.33"),
        ("qwen3-30b-a3b", 10, "0.29"),
        ("olmoe-1b-7b", 10, "0.33"),
        ("gemma-4-26b-a4b", 10, "0.33"),
    ):
        made = VllmEngine(version).model(load_model(model))
        assert made.stages(8, 1, 1, made.rules(generation, version)) == made.stages(8, 1, 1)


@pytest.mark.parametrize(
    ("model", "tp", "version", "reason"),
    [
        ("qwen3-32b-fp8", 16, "0.33", "a share of 1600 on each of 16 ranks is no multiple of its scales' 128 values"),
        # Finer blocks of experts' scales came with 0.29: 1536 / 8 = 192.
        ("qwen3-235b-a22b-fp8", 8, "0.28", "a share of 192 on each of 8 ranks"),
        ("glm-4.5v", 8, "0.33", "--mm-encoder-tp-mode data holds the tower whole"),
    ],
)
def test_blocks_and_towers_that_do_not_divide_are_refused(model: str, tp: int, version: str, reason: str) -> None:
    engine = VllmEngine(version)
    refused = engine.refusal(engine.model(load_model(model)), Layout(tp))
    assert refused is not None
    assert reason in refused


def test_finer_blocks_and_whole_towers_are_accepted_where_the_engine_has_them() -> None:
    engine = VllmEngine()
    assert engine.refusal(engine.model(load_model("qwen3-235b-a22b-fp8")), Layout(8)) is None
    assert engine.refusal(engine.model(load_model("kimi-k3")), Layout(8)) is None


def test_sparse_latent_attention_keeps_float8_records_by_itself_on_workstation_blackwell() -> None:
    fit = estimate("glm-5-fp8", gpu="rtx-pro-6000", tensor_parallel_size=8, context=8192)
    assert fit.model_dump()["assumptions"]["kv_cache_dtype"] == "float8"
    with pytest.raises(UncountableError, match="float8 records alone"):
        estimate("glm-5-fp8", gpu="rtx-pro-6000", tensor_parallel_size=8, context=8192, kv_cache_dtype="bfloat16")


def test_states_without_attention_are_one_block_and_delta_attention_has_checkpoints_by_class() -> None:
    engine, gpu = VllmEngine(), catalogue().gpus.get("h100-80gb")
    load = Load(context=2048)

    def blocks(model: str) -> list[int]:
        plan = engine.model(load_model(model)).cache(8, "bfloat16", engine.page_rules(gpu, load))
        return [g.blocks(2048, 0) for g in plan.groups if g.kinds[0].kind == "state"]

    assert set(blocks("falcon3-mamba-7b")) == {1}
    assert set(blocks("kimi-linear-48b-a3b")) == {2}
    assert set(blocks("kimi-k3")) == {3}


def test_attention_that_sees_images_at_once_has_larger_blocks_on_data_center_blackwell() -> None:
    load = Load(context=8192)

    def least(model: str, gpu: str, version: str = "0.33") -> int:
        engine = VllmEngine(version)
        rules = engine.page_rules(catalogue().gpus.get(gpu), load)
        plan = engine.model(load_model(model)).cache(2, "bfloat16", rules)
        return min(g.block_size for g in plan.groups)

    assert least("gemma-4-26b-a4b", "b200") == 64
    assert least("gemma-4-26b-a4b", "h100-80gb") == least("gemma-4-26b-a4b", "b200", "0.29") == 16
    # Its heads are 128 wide.
    assert least("gemma-3-27b", "b200") == 16
