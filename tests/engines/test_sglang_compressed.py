"""DeepSeek-V4 under SGLang: its pools as start-ups print them, its kernels by generation and version, its loading."""

from __future__ import annotations

from typing import Any

import pytest

from gpu_sizer import estimate, load_gpu, load_model, size
from gpu_sizer.engines.registry import engine
from gpu_sizer.engines.sglang.compressed import compressed_pools, made_wider, stage_mixers, token_bytes
from gpu_sizer.engines.sglang.model import SglangModel
from gpu_sizer.errors import RequestError, UncountableError
from gpu_sizer.load import AS_RELEASED
from gpu_sizer.memory.layout import Layout
from gpu_sizer.records import replace
from gpu_sizer.units import GIB

FLASH, PRO = (load_model(f"deepseek-v4-{name}") for name in ("flash", "pro"))
#: What start-ups print as bytes_per_full_token: model, version, ratio of the windows, bytes.
#: - https://github.com/sgl-project/sglang/pull/34499 has the third one's formula, for V4 Flash;
#: - "DSv4 memory calculation: bytes_per_full_token=15955.85 ... full_token=1317632" of 2026-05-15, V4 Flash;
#: - 32781.44 (0.5.13) and 13735.04 (0.5.15), V4 Pro with --swa-full-tokens-ratio 0.15;
#: - "bytes_per_full_token=7705.45, available_bytes=6.16 GB, c128_state_fixed=0.04 GB" of 2026-08-10, V4 Flash 0731.
PRINTED = [
    (FLASH, "0.5.12", 0.1, 15955.85),
    (PRO, "0.5.13", 0.15, 32781.44),
    (PRO, "0.5.15", 0.15, 13735.04),
    (FLASH, "0.5.16", 0.1, 7705.45),
]


def held(name: str) -> SglangModel:
    made: SglangModel = engine("sglang").model(load_model(name), AS_RELEASED)
    return made


@pytest.mark.parametrize(("card", "version", "ratio", "printed"), PRINTED)
def test_a_token_takes_what_start_ups_print(card: Any, version: str, ratio: float, printed: float) -> None:
    mixers = stage_mixers(card.architecture, 0, card.architecture.num_hidden_layers)
    assert token_bytes(mixers, version, ratio) == pytest.approx(printed, abs=0.01)


@pytest.mark.parametrize("version", ["0.5.13", "0.5.16", "0.5.23"])
@pytest.mark.parametrize("card", [FLASH, PRO], ids=lambda card: card.id)
def test_layers_keep_what_the_pool_has_of_a_token(card: Any, version: str) -> None:
    a = card.architecture
    kept = engine(f"sglang@{version}").layers_keep(card)
    whole = token_bytes(stage_mixers(a, 0, a.num_hidden_layers), version, 0.1)
    assert sum(kept[name].token_bytes for name in a.layer_names) == pytest.approx(whole)


def test_states_by_request_leave_the_tokens_that_are_logged() -> None:
    """V4 Pro under 0.5.15 at 0.15: 118.93 GB, 1.01 of them states of 64 requests a replica, hold 9,217,792 tokens."""
    pools = compressed_pools(PRO.architecture, 0, 61, "0.5.15", context=9472, users=1, chunk=8192, running=64)
    assert pools.fixed / GIB == pytest.approx(1.01, abs=0.005)
    at_its_ratio = replace(pools, token=token_bytes(stage_mixers(PRO.architecture, 0, 61), "0.5.15", 0.15))
    assert at_its_ratio.held(int(118.93 * GIB))[0] == pytest.approx(9_217_792, rel=1e-4)


def test_weights_are_those_of_a_start_up() -> None:
    """mem usage=20.45 GB on 8 x RTX PRO 4500 Blackwell under 0.5.19 (a workshop on g7.48xlarge, 2026-09-10)."""
    fit = estimate(
        "deepseek-v4-flash", gpu="rtx-pro-4500", engine="sglang@0.5.19", tensor_parallel_size=8, context=8192
    )
    assert fit.per_gpu is not None
    assert fit.per_gpu.loaded_bytes / GIB == pytest.approx(20.45, rel=0.006)


def test_marlins_kernels_kept_the_wide_scales_beside_their_own() -> None:
    """Record sglang-006: 125.65 GiB a GPU of 8 x H200 with --moe-runner-backend marlin, before 0.5.16."""
    fit = estimate("deepseek-v4-pro", gpu="h200", engine="sglang@0.5.15", tensor_parallel_size=8, context=8192)
    model, layout = held("deepseek-v4-pro"), Layout(8)
    assert fit.per_gpu is not None
    wider = model.made_beside(load_gpu("h200"), layout, "0.5.15")[0]
    assert (fit.per_gpu.loaded_bytes + wider + wider // 3) / GIB == pytest.approx(125.65, rel=0.006)


@pytest.mark.parametrize(
    ("model", "gpu", "version", "why"),
    [
        ("deepseek-v4-flash", "a100-80gb", "0.5.23", "no kernels known here"),
        ("deepseek-v4-flash", "rtx-4090", "0.5.23", "no kernels known here"),
        ("deepseek-v4-flash", "mi300x", "0.5.23", "no kernels known here"),
        ("deepseek-v4-flash", "rtx-pro-6000", "0.5.15", r"0\.5\.16 is the first version that does"),
        ("deepseek-v4-flash", "h200", "0.5.11", r"0\.5\.12 is the first version that does"),
        ("deepseek-v4-flash-nvfp4", "h200", "0.5.23", "experts in nvfp4"),
        ("deepseek-v4-flash-nvfp4", "b200", "0.5.14", r"0\.5\.15 is the first version that does"),
        ("deepseek-v4.1-flash", "b200", "0.5.23", "shared states and tables of n-grams"),
    ],
)
def test_what_it_does_not_run_is_refused(model: str, gpu: str, version: str, why: str) -> None:
    with pytest.raises(UncountableError, match=why):
        estimate(model, gpu=gpu, engine=f"sglang@{version}", tensor_parallel_size=8, context=8192)


def test_its_states_are_in_float8_alone() -> None:
    for asked in (None, "fp8", "fp8_e4m3"):
        fit = estimate("deepseek-v4-flash", gpu="h200", engine="sglang", tensor_parallel_size=4, kv_cache_dtype=asked)
        assert fit.settings.kv_cache_dtype == "float8"
    with pytest.raises(RequestError, match="keeps DeepSeek-V4 Flash's states in float8"):
        estimate("deepseek-v4-flash", gpu="h200", engine="sglang", tensor_parallel_size=4, kv_cache_dtype="bfloat16")


def test_shares_of_experts_that_the_kernels_do_not_take_are_refused() -> None:
    """3,072 on 16 ranks are 192; TensorRT-LLM's kernels on data-center Blackwell pad them, whole experts need not."""
    kernels = engine("sglang")._kernel_refusal  # type: ignore[attr-defined]
    pro = held("deepseek-v4-pro")
    assert "share of 192" in (kernels(pro, load_gpu("h200"), Layout(16)) or "")
    assert kernels(pro, load_gpu("b200"), Layout(16)) is None
    assert kernels(pro, load_gpu("h200"), Layout(16, expert_parallel=True)) is None
    assert kernels(pro, load_gpu("h200"), Layout(8)) is None


def test_scales_are_wider_while_it_loads() -> None:
    b200, h200 = load_gpu("b200"), load_gpu("h200")
    assert made_wider(b200, "mxfp4", "0.5.23")
    assert not made_wider(b200, "nvfp4", "0.5.23")
    assert not made_wider(h200, "mxfp4", "0.5.16")
    assert made_wider(h200, "mxfp4", "0.5.15")
    # 102 GiB stay on each of 8 H200, of which 0.5.15 makes 17 more while it loads; on 7 in a pipeline 118 and 20.
    asked = {"pipeline_parallel_size": 7, "tensor_parallel_size": 1, "context": 8192}
    before, after = (estimate("deepseek-v4-pro", gpu="h200", engine=f"sglang@0.5.{n}", **asked) for n in (15, 16))
    assert "scales of experts in another form" in (before.reason or "")
    assert (before.verdict, after.verdict) == ("does_not_fit", "fits")


def test_so_many_requests_run_where_none_are_told() -> None:
    fit = estimate("deepseek-v4-flash", gpu="h200", engine="sglang", tensor_parallel_size=4, context=8192)
    assert fit.settings.max_num_seqs == 256


def test_versions_that_choose_no_kernels_are_told_which() -> None:
    for version, told in (("0.5.15", True), ("0.5.23", False)):
        plan = size("deepseek-v4-flash", gpu="h200", engine=f"sglang@{version}", context=8192)
        assert ("--moe-runner-backend flashinfer_mxfp4" in plan.deploy("sglang")) is told


def test_more_context_takes_more_and_more_users_too() -> None:
    def needed(context: int, users: int) -> int:
        pools = compressed_pools(
            FLASH.architecture, 0, 43, "0.5.23", context=context, users=users, chunk=8192, running=256
        )
        return pools.needed()

    # Up to here the windows' pool, which has room for two chunks, is what decides.
    assert needed(8192, 1) == needed(65_536, 1)
    assert needed(1_048_576, 1) > needed(524_288, 1) > needed(8192, 1)
    assert needed(8192, 256) > needed(8192, 64)


def test_a_count_that_does_not_suffice_has_a_reason() -> None:
    # The reasons of a plan are looked for when it is shown: its pools are of other kinds than the bound of others.
    found = size("deepseek-v4-flash", gpu="h200", engine="sglang", context=8192).to_dict()
    assert found["gpu_count"] == 2
    assert [r["gpu_count"] for r in found["rejected"]] == [1]
