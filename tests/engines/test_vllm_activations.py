"""What fills a GPU beside weights and cache: the profile run of vLLM's versions, and the estimate's own error."""

from __future__ import annotations

import pytest

from gpu_sizer import estimate, load_gpu, load_model, size
from gpu_sizer.engines.registry import engine
from gpu_sizer.engines.vllm import sparse
from gpu_sizer.engines.vllm.activations import (
    activation_bytes,
    buffer_bytes,
    captured_graphs,
    collectives_per_layer,
    communication_bytes,
    flashinfer_attends,
    graph_bytes,
)
from gpu_sizer.engines.vllm.encoders import encoder_peak
from gpu_sizer.engines.vllm.version import version_profile
from gpu_sizer.errors import RequestError
from gpu_sizer.load import Load, Settings
from gpu_sizer.memory.activations import padded_heads, rotary_table_bytes
from gpu_sizer.memory.estimate import RankMemory
from gpu_sizer.memory.layout import Layout
from gpu_sizer.planning.plan import Fit
from gpu_sizer.planning.request import make_request
from gpu_sizer.planning.search import Search
from gpu_sizer.records import replace
from gpu_sizer.units import GIB


def settings(tokens: int, sequences: int, context: int = 8192) -> Settings:
    return Load(context=context).resolved(
        users=1,
        gpu_memory_utilization=0.9,
        kv_cache_dtype="bfloat16",
        max_num_seqs=sequences,
        max_num_batched_tokens=tokens,
    )


@pytest.mark.parametrize(
    ("model", "tp", "tokens", "sequences", "working", "kept"),
    [
        # 65,536 patches: 4 x 1280 of hidden states, 5120 into and out of QuickGELU and its sigmoid; 1176 pixels.
        ("qwen2-vl-2b", 1, 2048, 256, 65536 * ((4 * 1280 + 3 * 5120) * 2 + 1176 * 2), 16384 * 1536 * 2),
        ("qwen2-vl-2b", 2, 2048, 256, 65536 * ((4 * 1280 + 3 * 2560) * 2 + 1176 * 2), 16384 * 1536 * 2),
        # Gate and up go into the activation; three levels of states are kept beside the embeddings.
        ("qwen2.5-vl-7b", 1, 8192, 256, 65536 * ((5 * 1280 + 3 * 3420) * 2 + 1176 * 2), 16384 * 3584 * 2),
        # Queries, keys and values, two of them twice more, and the context: more than the feed-forward; three outputs
        # for every four patches stand beside.
        ("qwen3-vl-30b-a3b", 1, 8192, 1024, 65536 * (12 * 1152 + 1536 + 3 * 512) * 2, 16384 * 2048 * 4 * 2),
        ("qwen3-vl-30b-a3b", 2, 8192, 1024, 65536 * (5 * 1152 + 4 * 1152 + 1536 + 3 * 512) * 2, 16384 * 2048 * 4 * 2),
        # As many images as fill the batch, however few sequences there are: each may hold several.
        ("gemma-3-12b", 1, 8192, 1024, 32 * 4096 * ((4 * 1152 + 2 * 4304) * 2 + 588 * 2), 8192 * 3840 * 2),
        ("gemma-3-12b", 1, 8192, 4, 32 * 4096 * ((4 * 1152 + 2 * 4304) * 2 + 588 * 2), 8192 * 3840 * 2),
        # A group of tensors that no rank cuts.
        ("gemma-4-26b-a4b", 8, 2048, 256, 20160 * ((4 * 1152 + 3 * 4304) * 2 + 768 * 2), 2496 * 2816 * 2),
        # Two images of 4,096 tokens in a batch.
        ("kimi-k2.5", 8, 8192, 1024, 2 * 16384 * ((4 * 1152 + 2 * 538) * 2 + 588 * 2), 2 * 4096 * 7168 * 2),
        # Patches of 48 x 48 pixels, projected and no more.
        ("gemma-4-12b", 1, 2048, 256, 2240 * (4 * 3840 * 2 + 6912 * 2), 2496 * 3840 * 2),
        # Images of 512 x 512 pixels; the projector is whole.
        ("lfm2.5-vl-450m", 1, 2048, 256, 8 * 1024 * ((4 * 768 + 2 * 3072) * 2 + 768 * 2), 2048 * 1024 * 2),
        ("llama-3-8b", 1, 8192, 1024, 0, 0),
    ],
)
def test_the_vision_tower_takes_the_largest_images_of_a_batch(
    model: str, tp: int, tokens: int, sequences: int, working: int, kept: int
) -> None:
    peak = encoder_peak(load_model(model), tp, settings(tokens, sequences), version_profile(None))
    assert (peak.working_bytes, peak.kept_bytes) == (working, kept)


@pytest.mark.parametrize(
    ("model", "version", "context", "tokens", "patches"),
    [
        # Before 0.11 as long as a batch; then as long as the context, up to 14 frames: what logs of 0.23 print.
        ("qwen2.5-vl-7b", "0.10", 128_000, 16_384, 65_536),
        ("qwen2.5-vl-7b", "0.23", 128_000, 114_688, 458_752),
        ("qwen2.5-vl-7b", "0.11", 65_536, 65_536, 262_144),
        ("qwen2.5-vl-7b", "0.11", 8192, 16_384, 65_536),
        # What logs of 0.11.0 and 0.11.2 print at lengths of 32,768 and 65,536.
        ("qwen3-vl-8b", "0.11", 32_768, 153_600, 49_152),
        ("qwen3-vl-8b", "0.12", 65_536, 153_600, 49_152),
        ("qwen3-vl-8b", "0.13", 65_536, 16_384, 65_536),
    ],
)
def test_versions_profile_items_of_other_sizes(
    model: str, version: str, context: int, tokens: int, patches: int
) -> None:
    card = load_model(model)
    found = encoder_peak(card, 1, settings(8192, 1024, context), version_profile(version))
    # Qwen3-VL's image is that of 0.13; Qwen2.5's is a video of one pair of frames, too.
    image = encoder_peak(card, 1, settings(8192, 1024), version_profile("0.13" if "qwen3" in model else version))
    assert (found.kept_bytes * 16_384, found.working_bytes * 65_536) == (
        image.kept_bytes * tokens,
        image.working_bytes * patches,
    )


@pytest.mark.parametrize(
    ("model", "version", "context", "one", "parts"),
    [
        # Frames of 256 tokens, without a limit; up to 0.10 as many as a batch of 8,192 tokens holds.
        ("internvl3-8b", "0.10", 131_072, 256, 32),
        ("internvl3-8b", "0.33", 32_768, 256, 128),
        ("intern-s1", "0.33", 131_072, 256, 512),
        # At most 30,000 tokens of a video in all.
        ("glm-4.6v", "0.10", 131_072, 100, 81),
        ("glm-4.6v", "0.16", 131_072, 100, 300),
        ("glm-4.6v", "0.16", 16_384, 100, 163),
    ],
)
def test_a_video_has_as_many_frames_as_the_context_holds(
    model: str, version: str, context: int, one: int, parts: int
) -> None:
    card = load_model(model)
    found = encoder_peak(card, 1, settings(8192, 1024, context), version_profile(version))
    frame = encoder_peak(card, 1, settings(one, 1024, one), version_profile(version))
    assert found.working_bytes == parts * frame.working_bytes > 0
    assert found.kept_bytes == parts * frame.kept_bytes == parts * one * card.architecture.hidden_size * 2


def test_an_image_goes_before_a_shorter_video() -> None:
    card = load_model("glm-4.6v")
    short, long = (encoder_peak(card, 1, settings(8192, 1024, n), version_profile("0.33")) for n in (4096, 131_072))
    assert short.kept_bytes == 6084 * card.architecture.hidden_size * 2
    assert (long.kept_bytes, long.working_bytes * 24_336) == (
        299 * 107 * card.architecture.hidden_size * 2,
        short.working_bytes * 299 * 428,
    )


@pytest.mark.parametrize(
    ("model", "version", "context", "tokens"),
    # What vLLM's own functions choose (glm4_1v.py of 0.28.0 and 0.33.0: get_num_frames_with_most_features), run with
    # the pixels that the releases' files say: 47,040,000 of a video, 100,352,000 for Flash.
    [
        ("glm-4.6v", "0.33", 131_072, 31_974),
        ("glm-4.6v", "0.33", 32_768, 26_656),
        ("glm-4.6v-flash", "0.33", 131_072, 66_924),
        ("glm-4.6v-flash", "0.28", 65_536, 59_400),
        ("glm-4.6v-flash", "0.33", 32_768, 24_336),
        ("glm-4.6v-flash", "0.20", 131_072, 30_000),
        ("glm-4.1v-9b", "0.33", 65_536, 31_974),
    ],
)
def test_a_video_has_the_pixels_of_the_release(model: str, version: str, context: int, tokens: int) -> None:
    card = load_model(model)
    peak = encoder_peak(card, 1, settings(8192, 1024, context), version_profile(version))
    assert 0.995 < peak.kept_bytes / (tokens * card.architecture.hidden_size * 2) < 1.1


def test_before_0_11_each_sequence_has_one_image() -> None:
    card = load_model("gemma-3-12b")
    one, four = (encoder_peak(card, 1, settings(8192, n), version_profile("0.10")) for n in (1, 4))
    assert four.working_bytes == 4 * one.working_bytes


@pytest.mark.parametrize(
    ("model", "tp", "context", "patches", "pixels", "tokens"),
    [
        # Two images of 36 tiles of 504 x 504 pixels in a batch of 8,192, of 3,164 tokens each.
        ("step-3.7-flash", 2, 32_768, 2 * 46_656 * (4 * 1536 + 3 * 8960 // 2), 2 * 46_656 * 588, 2 * 3164),
        ("step3", 8, 32_768, 2 * 46_800 * (4 * 1792 + 3 * 15_360 // 8), 2 * 46_800 * 588, 2 * 3164),
        # Two images of 13 tiles of 512 x 512 pixels, cut over two ranks.
        ("command-a-vision", 2, 32_768, 2 * 13_312 * (4 * 1152 + 2 * 4304 // 2), 2 * 13_312 * 768, 2 * 3343),
        # Tiles of 512 x 512 pixels, 64 tokens each, against those of the larger tower with 364 x 364.
        ("smolvlm-256m", 1, 8192, 7 * 17_408 * (4 * 768 + 2 * 3072), 7 * 17_408 * 768, 7 * 1088),
        ("idefics3-8b-llama3", 1, 8192, 2 * 11_492 * (4 * 1152 + 2 * 4304), 2 * 11_492 * 588, 2 * 2873),
        # A video beside an image of 3,328 tokens, 128 frames of it at once.
        ("nemotron-nano-12b-v2-vl", 1, 131_072, 128 * 1024 * (4 * 1280 + 2 * 5120), 499 * 1024 * 768, 499 * 256),
        ("nemotron-nano-12b-v2-vl", 1, 16_384, 51 * 1024 * (4 * 1280 + 2 * 5120), 51 * 1024 * 768, 51 * 256),
        # Pairs of frames beside an image of as many tokens.
        ("ernie-4.5-vl-28b-a3b", 1, 65_536, 9 * 9568 * 20 * 1280, 9 * 9568 * 588, 9 * 6177),
        # 16 frames beside an image; frames cut as images are, and padded to the longest slice.
        ("minicpm-v-4.5", 1, 32_768, 8 * 16 * 1024 * (4 * 1152 + 2 * 4304), 8 * 16 * 1024 * 588, 8 * 1024),
        ("minicpm-v-4.6", 1, 262_144, 16 * 11_520 * (4 * 1152 + 2 * 4304), 16 * 11_520 * 588, 16 * 648),
        # One image a prompt of a single window, one after the other.
        ("moondream3", 1, 4096, 1458 * (3 * 1152 + 2 * 4304), 11 * 1458 * 588, 11 * 730),
        ("hunyuan-ocr", 1, 32_768, 16_384 * (4 * 1152 + 2 * 4304), 16_384 * 768, 4354),
        # A video before an image, where the context holds it; its feed-forward is whole on each rank.
        ("muse-glimmer-30b", 1, 131_072, 48 * 576 * 18 * 1536, 48 * 576 * 1176, 48 * 144),
        ("muse-glimmer-30b", 2, 131_072, 48 * 576 * (4 * 1536 + 2 * 8960), 48 * 576 * 1176, 48 * 144),
        ("muse-glimmer-30b", 2, 4096, 2 * 16_384 * (4 * 1536 + 2 * 8960), 2 * 16_384 * 1176, 2 * 4096),
        # 14 frames that count as images each, two a patch.
        ("mimo-v2.6-flash", 2, 1_048_576, 7 * 32_768 * (6 * 1280 + 3 * 4608 // 2), 7 * 32_768 * 1536, 7 * 8192),
        # Sound, which is looked up.
        ("inkling-small", 1, 1_048_576, 0, 0, 12_000),
        ("minimax-m3", 8, 1_000_000, 250 * 3072 * (4 * 1280 + 2 * 5120 // 8), 250 * 3072 * 1176, 192_000),
    ],
)
def test_more_towers_are_profiled(model: str, tp: int, context: int, patches: int, pixels: int, tokens: int) -> None:
    card = load_model(model)
    peak = encoder_peak(card, tp, settings(8192, 1024, context), version_profile("0.33"))
    assert peak.working_bytes == (patches + pixels) * 2
    assert peak.kept_bytes == tokens * card.architecture.hidden_size * 2


def test_a_video_that_grows_with_the_context_is_told_with_what_saves_it() -> None:
    for model, name, told in (
        ("qwen2.5-vl-72b", "vllm", True),
        ("qwen2.5-vl-72b", "vllm@0.10", False),
        ("qwen3-vl-8b", "vllm", False),
        ("llama-3-8b", "vllm", False),
    ):
        made = estimate(model, gpu="h200", engine=name, context=8192, tensor_parallel_size=2)
        assert any("a video as long as the context" in w for w in made.warnings) == told


@pytest.mark.parametrize(
    ("sequences", "pieces", "whole"),
    # As logs of 0.19 to 0.25 print them: "PIECEWISE=51 (largest=512), FULL=35 (largest=256)".
    [(1024, 51, 51), (256, 51, 35), (128, 35, 19), (32, 11, 7), (8, 5, 4)],
)
def test_graphs_are_captured_for_the_sizes_that_logs_print(sequences: int, pieces: int, whole: int) -> None:
    found = captured_graphs(settings(8192, sequences), load_gpu("h100-80gb"), version_profile("0.20"))
    assert found == pieces + whole


def test_data_center_blackwell_captures_larger_sizes_from_0_28_on() -> None:
    for version, gpu, number in (
        ("0.26", "b200", 102),
        ("0.28", "b200", 166),
        ("0.28", "rtx-pro-6000", 102),
        ("0.28", "h200", 102),
    ):
        assert captured_graphs(settings(8192, 1024), load_gpu(gpu), version_profile(version)) == number


def test_gpt_oss_sets_how_large_its_graphs_are() -> None:
    """ "This will increase the number of CUDA graphs from 67 to 83" (models/config.py), of pieces and whole ones."""
    gpu, version = load_gpu("h100-80gb"), version_profile("0.33")
    assert captured_graphs(settings(8192, 1024), gpu, version, "GptOssForCausalLM") == 83 + 83
    assert captured_graphs(settings(2048, 256), gpu, version, "GptOssForCausalLM") == 83 + 35
    assert captured_graphs(settings(8192, 1024), gpu, version) == 51 + 51


def test_the_samplers_state_stands_beside_the_forward_pass_in_the_second_runner() -> None:
    card, gpu, s = load_model("command-a"), load_gpu("b200"), settings(16384, 1024)

    def peak(version: str) -> int:
        return activation_bytes(card, gpu, Layout(1), s, version_profile(version), False)

    assert peak("0.33") - peak("0.28") == 1024 * card.architecture.vocab_size * 17 // 4
    # Where the sampler at work is the larger, its state is in it.
    small, few = load_model("qwen3-0.6b"), settings(2048, 1024)
    peaks = {activation_bytes(small, gpu, Layout(1), few, version_profile(v), False) for v in ("0.28", "0.33")}
    assert len(peaks) == 1


def test_stages_and_images_have_buffers_of_a_whole_batch() -> None:
    text, seeing, version = load_model("llama-3-70b"), load_model("gemma-3-27b"), version_profile("0.33")
    assert buffer_bytes(text, Layout(4), 8192, version) == 0
    assert buffer_bytes(text, Layout(4, 2), 8192, version) == 2 * 8192 * 8192 * 2
    assert buffer_bytes(seeing, Layout(4), 8192, version) == 8192 * 5376 * 2
    assert buffer_bytes(seeing, Layout(4, 2), 8192, version_profile("0.6")) == 0


@pytest.mark.parametrize(
    ("model", "gpu", "sequences", "logged"),
    # Graphs of records that the constants were not fitted on: vme-099, vllm-352; vme-078 on ROCm (0.18).
    [
        ("mistralai/Ministral-3-14B-Instruct-2512", "h200", 1024, 0.67),
        ("Qwen/Qwen3.6-27B", "h100-80gb", 1024, 1.01),
        ("mistralai/Ministral-3-14B-Instruct-2512", "mi300x", 1024, 4.48),
    ],
)
def test_graphs_take_what_logs_print(model: str, gpu: str, sequences: int, logged: float) -> None:
    layers = load_model(model).architecture.num_hidden_layers
    s = settings(8192, sequences)
    found = graph_bytes(layers, False, s, load_gpu(gpu), version_profile("0.26")) / GIB
    assert found == pytest.approx(logged, abs=0.25)


def test_a_budget_holds_graphs_on_cuda_before_rocm() -> None:
    s = settings(8192, 1024)
    for version, cuda, rocm in (("0.18", False, False), ("0.20", True, False), ("0.26", True, True)):
        for gpu, counted in (("h200", cuda), ("mi300x", rocm)):
            assert (graph_bytes(32, False, s, load_gpu(gpu), version_profile(version)) > 0) == counted


def test_the_peak_is_the_towers_or_what_comes_after_it() -> None:
    card = load_model("qwen2-vl-2b")
    small = estimate("qwen2-vl-2b", gpu="rtx-4090", context=8192, engine="vllm@0.11", max_num_seqs=1)
    large = estimate("qwen2-vl-2b", gpu="rtx-4090", context=8192, engine="vllm@0.11", max_num_seqs=2048)
    assert small.per_gpu is not None
    assert large.per_gpu is not None
    peak = encoder_peak(card, 1, small.settings, version_profile("0.11"))
    assert small.per_gpu.activation_bytes == peak.working_bytes
    sampler = int(2048 * 151936 * version_profile("0.11").sampler_bytes_per_logit)
    assert large.per_gpu.activation_bytes == peak.kept_bytes + sampler > peak.working_bytes


def activation(version: str, model: str) -> int:
    made = estimate(model, gpu="h200", context=8192, tensor_parallel_size=4, engine=f"vllm@{version}")
    assert made.per_gpu is not None
    return made.per_gpu.activation_bytes


def test_workspaces_of_unquantized_experts_are_kept_from_0_14_on() -> None:
    # 8,192 tokens, 8 experts each, the hidden size twice.
    workspace = 8192 * 8 * (4096 + 4096) * 2
    assert activation("0.14", "qwen3-235b-a22b") - activation("0.13", "qwen3-235b-a22b") == workspace
    assert activation("0.14", "qwen3-235b-a22b-fp8") == activation("0.13", "qwen3-235b-a22b-fp8")


def loaded(gpu: str, model: str, tp: int, version: str) -> int:
    request = make_request(load_model(model), load_gpu(gpu), context=8192, engine=f"vllm@{version}")
    return max(s.loaded_bytes for s in Search(request).evaluate(Layout(tp)).stages)


def test_padding_experts_leaves_blocks_unused_on_rocm() -> None:
    # A layer: 128 experts of 1536 x 2048 and 2048 x 768 values, each row longer by 256 bytes.
    padding = 128 * (1536 + 2048) * 256
    remainder = 128 * 1536 * 2048 * 2 - 128 * 2048 * (768 * 2 + 256)
    more = loaded("mi300x", "qwen3-30b-a3b", 1, "0.18") - loaded("h200", "qwen3-30b-a3b", 1, "0.18")
    assert more == 48 * (padding + remainder)
    # Rows of 384 values are not padded, and the gate and up projections leave no block that is split.
    halved = loaded("mi300x", "qwen3-30b-a3b", 2, "0.18") - loaded("h200", "qwen3-30b-a3b", 2, "0.18")
    assert halved == 48 * 128 * 768 * 256


def around(free_gib: float) -> Fit:
    """A layout whose free memory is this much, by the utilisation that makes it so."""
    made = estimate("llama-3-8b", gpu="l4", context=8192)
    assert made.per_gpu is not None
    needed = made.per_gpu.needed_bytes + free_gib * GIB
    return estimate("llama-3-8b", gpu="l4", context=8192, gpu_memory_utilization=needed / made.per_gpu.capacity_bytes)


@pytest.mark.parametrize(
    ("free_gib", "verdict"), [(-0.8, "does_not_fit"), (-0.6, "tight"), (0.6, "tight"), (0.8, "fits")]
)
def test_tight_is_where_nothing_left_lies_within_the_error(free_gib: float, verdict: str) -> None:
    made = around(free_gib)
    assert made.memory.band_bytes == int(0.7 * GIB)
    assert made.verdict == verdict
    assert made.memory.within_budget == (free_gib >= 0)
    assert (made.reason is None) == (free_gib > 0)


def test_a_plan_rests_on_what_is_within_budget() -> None:
    short = around(-0.3)
    assert short.verdict == "tight"
    assert "within the estimate's own error of 0.70 GiB" in (short.reason or "")
    plan = size("llama-3-8b", gpu="l4", context=8192, gpu_memory_utilization=short.settings.gpu_memory_utilization)
    assert plan.gpu_count == 2
    assert "within the estimate's own error" in plan.rejections[0].reason


def test_ranges_without_records_are_less_certain_of_experts() -> None:
    covered, newest = version_profile("0.20").band_bytes, version_profile(None).band_bytes
    assert newest["experts"] > covered["experts"]
    assert newest["dense"] == covered["dense"]


@pytest.mark.parametrize(
    ("gpu", "heads", "padded"),
    [("h200", 8, 64), ("b200", 65, 128), ("rtx-pro-6000", 8, 8), ("rtx-pro-6000", 12, 16), ("l40s", 8, 8)],
)
def test_queries_of_sparse_attention_are_padded_to_what_kernels_know(gpu: str, heads: int, padded: int) -> None:
    assert padded_heads(heads, load_gpu(gpu).generation) == padded


def test_deepseek_v4_loads_tables_and_a_batch_of_buffers() -> None:
    a = load_model("deepseek-v4-flash").architecture
    # Two tables of 1,048,576 positions in float32; four streams of 4096 in bfloat16; 64 heads of 512 and scratch.
    assert rotary_table_bytes(a, 1048576) == 2 * 1048576 * 64 * 4
    assert sparse.batch_buffer_bytes(a, 2, 9, scratch=False) == 4 * 4096 * 2
    assert sparse.batch_buffer_bytes(a, 2, 9, scratch=True) == 64 * 512 * 2 + 512 * 4
    assert rotary_table_bytes(load_model("deepseek-v3").architecture, 163840) == 0


def test_buffers_of_a_batch_went_with_0_29() -> None:
    def overhead(version: str) -> int:
        settings = {"max_num_seqs": 64, "max_num_batched_tokens": 8192, "expert_parallel": True}
        found = estimate(
            "deepseek-v4-flash", gpu="h100", tensor_parallel_size=8, context=8192, engine=f"vllm@{version}", **settings
        )
        assert found.per_gpu is not None
        return found.per_gpu.overhead_bytes

    assert overhead("0.28") - overhead("0.29") == pytest.approx(8192 * (64 * 512 * 2 + 512 * 4), rel=0.02)


def test_an_indexer_gathers_the_keys_of_forty_lengths() -> None:
    v32 = load_model("deepseek-v3.2").architecture
    assert sparse.workspace_bytes(v32, 9, 163840, 8192) == 40 * 163840 * (128 + 4)
    assert sparse.workspace_bytes(load_model("llama-3-8b").architecture, 9, 8192, 8192) == 0
    flash = load_model("deepseek-v4-flash").architecture
    # Of compressed states a quarter; FlashMLA's gathered states are more where the length is short.
    assert sparse.workspace_bytes(flash, 9, 1048576, 8192) == 40 * 1048576 // 4 * (128 + 4)
    assert sparse.workspace_bytes(flash, 9, 8192, 8192) == 4 * (2048 + 128 + 8192) * 512 * 2
    assert sparse.workspace_bytes(flash, 12, 8192, 8192) == 40 * 8192 // 4 * (128 + 4)


@pytest.mark.parametrize(
    ("gpu", "version", "context", "tp", "values"),
    [
        # flashmla_sparse.py of each version: 5 full lengths of 576 values, later with the queries of a batch.
        ("h200", "0.16", 163_840, 8, 5 * 163_840 * 576),
        ("h200", "0.28", 1_048_576, 8, 5 * 1_048_576 * 576 + 8192 * 8 * 576),
        ("h200", "0.28", 1_048_576, 4, 5 * 1_048_576 * 576 + 8192 * 16 * 576),
        ("h200", "0.31", 131_072, 8, 5 * 131_072 * 576 + 8192 * (8 * 576 + 64 * (576 + 512) + 8 * 512)),
        ("h200", "0.32", 1_048_576, 8, 2 * 1_048_576 * 576 + 8192 * (8 * 576 + 64 * (576 + 512) + 8 * 512)),
        ("h200", "0.32", 262_144, 8, 5 * 262_144 * 576 + 8192 * (8 * 576 + 64 * (576 + 512) + 8 * 512)),
        # FlashInfer's kernels, which have no such workspace, run on Blackwell: in a data center from 0.17 on.
        ("b200", "0.16", 163_840, 8, 5 * 163_840 * 576),
        ("b200", "0.28", 1_048_576, 8, 0),
        ("rtx-pro-6000", "0.28", 1_048_576, 8, 0),
    ],
)
def test_flashmla_takes_room_for_records_in_16_bits_as_it_is_built(
    gpu: str, version: str, context: int, tp: int, values: int
) -> None:
    a, spec, profile = load_model("glm-5.3-fp8").architecture, load_gpu(gpu), version_profile(version)
    half = settings(8192, 64, context)
    float8 = replace(half, kv_cache_dtype="float8")
    assert sparse.reserved_bytes(a, spec, tp, float8, profile) == values * 2
    assert sparse.reserved_bytes(a, spec, tp, half, profile) == 0


def test_what_flashmla_takes_is_loaded_and_counts_once() -> None:
    def memory(**more: object) -> RankMemory:
        asked = {"max_num_batched_tokens": 8192, "max_num_seqs": 64, "tensor_parallel_size": 8, **more}
        found = estimate("glm-5.3-fp8", gpu="h200", engine="vllm@0.28", context=131_072, **asked)
        assert found.per_gpu is not None
        return found.per_gpu

    float8, half = memory(kv_cache_dtype="fp8"), memory()
    reserved = (5 * 131_072 + 8192 * 8) * 576 * 2
    assert float8.loading_bytes - half.loading_bytes == reserved
    # The workspace is that of the experts' kernels too, which are larger here.
    assert float8.activation_bytes + reserved == half.activation_bytes


@pytest.mark.parametrize(
    ("version", "tp", "least", "most"),
    [
        # Logs of 0.10.0 on H100 (records vllm-373 and -374): 1.7 and 1.5 GiB more than the later versions' account.
        ("0.10", 8, 1.5, 1.8),
        ("0.10", 4, 1.4, 1.7),
        # Two workers show none (-376), and from 0.11 on the account begins after they have joined.
        ("0.10", 2, 0, 0),
        ("0.11", 8, 0, 0),
    ],
)
def test_communicators_are_in_the_budget_of_versions_that_count_from_before_they_join(
    version: str, tp: int, least: float, most: float
) -> None:
    profile = version_profile(version)
    without = replace(profile, communicators_in_budget=False)
    card, gpu = load_model("qwen3-32b"), load_gpu("h100-80gb")
    counted, beside = (communication_bytes(card.architecture, gpu, Layout(tp), 8192, v) for v in (profile, without))
    assert least * GIB <= counted - beside <= most * GIB


@pytest.mark.parametrize(
    ("gpu", "tp", "tokens", "buffers"),
    [
        ("h200", 8, 8192, 6 * 8192),
        # No more tokens than the buffers are made for; none alone, on three ranks or over PCIe.
        ("h200", 8, 32_768, 6 * 16_384),
        ("h200", 1, 8192, 0),
        ("h200", 3, 8192, 0),
        ("a40", 2, 8192, 0),
        ("mi300x", 8, 8192, 0),
    ],
)
def test_short_convolutions_keep_buffers_of_their_collectives(gpu: str, tp: int, tokens: int, buffers: int) -> None:
    """vLLM ``models/inkling/nvidia/ops/lamport.py: LamportRSConv``."""
    a, version = load_model("inkling-small").architecture, version_profile(None)
    blocks = {n: replace(b, mixer=replace(b.mixer, short_convolutions=None)) for n, b in a.blocks.items() if b.mixer}
    without = replace(a, blocks=blocks)
    with_them, layout = load_gpu(gpu), Layout(tensor_parallel_size=tp)
    more = communication_bytes(a, with_them, layout, tokens, version)
    assert more - communication_bytes(without, with_them, layout, tokens, version) == buffers * 4096 * 2


def test_sglang_s_pools_of_short_convolutions_are_not_guessed() -> None:
    with pytest.raises(RequestError, match="short convolutions of Inkling-Small"):
        size("inkling-small", gpu="h200", engine="sglang")


@pytest.mark.parametrize(
    ("model", "gpu", "tp", "sequences", "version", "graph_gib", "rel"),
    [
        # Logged by "Graph capturing finished": vllm-453, -394, -419, -418; a pair with peer access (-417) has none.
        ("qwen3.6-27b", "rtx-5090", 2, None, "0.26", 2.99, 0.2),
        ("qwen3-vl-30b-a3b", "rtx-3090", 4, None, "0.26", 1.92, 0.2),
        ("gpt-oss-120b", "rtx-6000-ada", 4, 16, "0.26", 1.78, 0.1),
        ("gpt-oss-120b", "rtx-6000-ada", 4, 256, "0.26", 2.21, 0.1),
        ("gpt-oss-120b", "rtx-6000-ada", 2, 8, "0.26", 0.92, 0.3),
    ],
)
def test_graphs_hold_the_collectives_of_nccl_where_it_joins_the_ranks_alone(
    model: str, gpu: str, tp: int, sequences: int | None, version: str, graph_gib: float, rel: float
) -> None:
    card, spec = load_model(model), load_gpu(gpu)
    s = engine(f"vllm@{version}").settings(
        engine("vllm").model(card), spec, Load(context=8192, max_num_seqs=sequences), Layout(tp)
    )
    found = graph_bytes(
        card.architecture.num_hidden_layers,
        False,
        s,
        spec,
        version_profile(version),
        card.engine_class,
        tensor_parallel_size=tp,
        collectives=collectives_per_layer(card.architecture, card.engine_class),
    )
    assert found / GIB == pytest.approx(graph_gib, rel=rel)


@pytest.mark.parametrize(
    ("model", "collectives"),
    # models/falcon.py joins attention and feed-forward in one; a layer of Nemotron 3 is a mixer or a feed-forward.
    [("llama-3-8b", 2), ("falcon-180b", 1), ("nemotron-3-nano-30b-a3b", 1), ("command-r-plus", 2)],
)
def test_collectives_of_a_layer_are_those_that_its_class_has(model: str, collectives: float) -> None:
    card = load_model(model)
    assert collectives_per_layer(card.architecture, card.engine_class) == collectives


def test_with_drafts_flashinfer_captures_pieces_alone() -> None:
    """A pair of RTX 3090 with a float8 cache and drafts captured PIECEWISE=5 (club-3090, issue 584: four GPUs)."""
    card, spec = load_model("qwen3.6-27b"), load_gpu("rtx-3090")
    assert flashinfer_attends(
        card.architecture,
        spec,
        engine("vllm").settings(engine("vllm").model(card), spec, Load(context=8192, kv_cache_dtype="fp8"), Layout()),
    )
    sizes = Load(context=8192, max_num_seqs=2)
    s = engine("vllm").settings(engine("vllm").model(card), spec, sizes, Layout())
    assert captured_graphs(s, spec, version_profile("0.26"), None, 3, whole=False) == 5
    # Where whole graphs hold them, sizes are multiples of the four tokens of a sequence: 4, 8, 16, and 4, 8 whole.
    assert captured_graphs(s, spec, version_profile("0.26"), None, 3) == 3 + 2


def test_the_sampler_sorts_up_to_0_16() -> None:
    """Llama 3.1 8B on an A100 has 0.85 GiB more under 0.17.1 than a sampler that sorts leaves (vllm-347)."""
    card = load_model("llama-3.1-8b")
    each = {
        v: engine(f"vllm@{v}").version.sampler_bytes_per_logit  # type: ignore[attr-defined]
        for v in ("0.14", "0.15.1", "0.16", "0.17", "0.17.1", "0.18")
    }
    assert each["0.14"] == each["0.15.1"] == each["0.16"] > 2 * each["0.17"]
    assert each["0.17"] == each["0.17.1"] == each["0.18"]
    held = {v: estimate(card.id, gpu="a100-80gb", engine=f"vllm@{v}", context=8192).per_gpu for v in ("0.16", "0.17")}
    assert held["0.16"] is not None
    assert held["0.17"] is not None
    assert held["0.16"].activation_bytes - held["0.17"].activation_bytes > 0.6 * GIB
