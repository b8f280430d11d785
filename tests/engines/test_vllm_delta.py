"""The scratch of FlashKDA, which no profile run reaches: by the sources of the kernel and of vLLM's layers."""

from __future__ import annotations

import pytest

from gpu_sizer import estimate, load_gpu, load_model
from gpu_sizer.engines.vllm.support import scratch_of
from gpu_sizer.engines.vllm.version import version_profile


@pytest.mark.parametrize("tp", [1, 8])
def test_two_states_of_every_sequence_and_tiles_of_a_batch(tp: int) -> None:
    """Kimi K3: ``get_workspace_size(8192, H, 1024)``, the output, and ``(N, H, 128, 128)`` twice in float32."""
    found = scratch_of(load_model("kimi-k3"), load_gpu("b200"), version_profile("0.33"))
    assert found is not None
    heads, tokens, sequences = 96 // tp, 8192, 1024
    workspace = heads * (tokens // 16 + sequences) * (3 * 16 * 128 * 2 + 128 * 4 + 2 * 16 * 16 * 2)
    states, output = 2 * sequences * heads * 128 * 128 * 4, tokens * heads * 128 * 2
    assert sequences * found.sequence_bytes(tp) + found.token_bytes(tp, tokens) == workspace + states + output


@pytest.mark.parametrize(
    ("model", "gpu", "version"),
    [
        ("kimi-k3", "a100-80gb", "0.33"),
        ("kimi-k3", "mi300x", "0.33"),
        ("kimi-k3", "b200", "0.27"),
        ("ling-3.0-flash", "b200", "0.33"),
        ("qwen3-next-80b-a3b", "b200", "0.33"),
        ("llama-3-8b", "b200", "0.33"),
    ],
)
def test_others_have_none(model: str, gpu: str, version: str) -> None:
    assert scratch_of(load_model(model), load_gpu(gpu), version_profile(version)) is None


def test_a_share_that_leaves_too_little_for_it_is_tight() -> None:
    told = {"gpu": "h200", "tensor_parallel_size": 8, "context": 8192, "max_num_seqs": 1024}
    roomy, close = (estimate("glm-5.3-flash", gpu_memory_utilization=u, **told) for u in (0.9, 0.985))
    assert roomy.verdict == "fits"
    assert close.verdict == "tight"
    assert close.reason is not None
    assert "block tables and states of 1,024 sequences" in close.reason
    assert estimate("glm-5.3-flash", gpu_memory_utilization=0.985, **told | {"max_num_seqs": 16}).verdict == "fits"
