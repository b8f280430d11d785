"""TGI from version to version: what its sources say of the pool, and what its logs show."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from gpu_sizer import estimate, load_model
from gpu_sizer.cards.catalogue import catalogue
from gpu_sizer.engines.registry import engine
from gpu_sizer.engines.tgi.prefill import prefill_tokens, warm_up_tokens
from gpu_sizer.engines.tgi.version import constants, rules_of
from gpu_sizer.errors import RequestError
from gpu_sizer.units import GIB


@pytest.mark.parametrize(
    ("version", "pool", "share", "page"),
    [
        # server/text_generation_server/models/flash_causal_lm.py and globals.py at the tags of the repository.
        ("1.0.3", "free", 1.0, 16),
        ("1.4.1", "free", 1.0, 16),
        ("1.4.2", "free", 0.95, 16),
        ("1.4", "free", 0.95, 16),
        ("2.2.0", "free", 0.95, 16),
        ("2.3.1", "free", 0.95, 1),
        ("2.4.1", "free", 0.9, 1),
        ("3.0.2", "whole", 0.95, 1),
        ("3.2.3", "whole", 0.93, 1),
        ("3.3.7", "whole", 0.9, 1),
        ("4.0", "whole", 0.9, 1),
    ],
)
def test_each_version_has_rules_of_its_own(version: str, pool: str, share: float, page: int) -> None:
    rules = rules_of(version)
    assert (rules.pool, rules.share, rules.block_size) == (pool, share, page)


def test_a_version_older_than_the_rules_is_refused() -> None:
    with pytest.raises(RequestError, match=r"TGI version '0\.9\.4' is not known; known from 1\.0 on, as in tgi@1\.0"):
        engine("tgi@0.9.4")
    assert "rules of memory" not in " ".join(engine("tgi@1.0").notes(load_model("llama-2-7b")))


def test_a_prefill_holds_the_longest_prompt_until_there_are_chunks() -> None:
    """launcher/src/main.rs: max_batch_prefill_tokens."""
    card, gpu = load_model("llama-3.1-70b"), catalogue().gpus.get("h100-80gb")
    found = {v: prefill_tokens(card, gpu, 4, 65536, rules_of(v)) for v in ("1.4.5", "2.2.0", "2.4.1", "3.3.5")}
    # https://github.com/huggingface/text-generation-inference/issues/2301: 131072 asked, 131122 in the message.
    assert found == {"1.4.5": 65535, "2.2.0": 65585, "2.4.1": 65535, "3.3.5": found["3.3.5"]}
    assert found["3.3.5"] < 65535
    assert prefill_tokens(card, gpu, 4, 131073, rules_of("2.2.0")) == 131122


def test_a_warm_up_holds_the_blocks_of_whole_requests() -> None:
    """router/client/src/client.rs: max_new_tokens is 2 up to 1.1.0, then max_total_tokens less the prompt."""
    assert warm_up_tokens(4096, 4145, None, 16, rules_of("2.0.3")) == 2 * 4096
    assert warm_up_tokens(4096, 4145, 1, 16, rules_of("2.0.3")) == 4096
    assert warm_up_tokens(4096, 4096, None, 16, rules_of("1.0.3")) == 4096


def test_what_ran_and_what_did_not_is_told_apart() -> None:
    """https://github.com/huggingface/text-generation-inference/issues/2301: 2.2.0, 65k works, 128k does not."""
    asked = {"gpu": "h100", "engine": "tgi@2.2.0", "tensor_parallel_size": 4}
    assert estimate("llama-3.1-70b", context=65536, **asked).verdict != "does_not_fit"  # type: ignore[arg-type]
    longer = estimate("llama-3.1-70b", context=131072, **asked)  # type: ignore[arg-type]
    assert longer.verdict == "does_not_fit"
    assert longer.reason is not None
    assert "the prefill need" in longer.reason or "for the warm-up's prefill of 131,121 tokens" in longer.reason


def test_the_pool_grows_and_shrinks_with_the_share() -> None:
    tokens = {
        v: estimate("llama-2-7b", gpu="a100-80gb", context=4096, engine=f"tgi@{v}").memory.kv_cache_tokens
        for v in ("1.4.1", "1.4.2", "2.4.0", "3.0.0", "3.1.0", "3.3.0")
    }
    # Nearly nothing, 5 % and 10 % of what is free; then 5, 7 and 10 % of the memory.
    assert tokens["1.4.1"] > tokens["1.4.2"] > tokens["2.4.0"]
    assert tokens["3.0.0"] > tokens["3.1.0"] > tokens["3.3.0"]
    total = catalogue().gpus.get("a100-80gb").visible_bytes
    cell = 2 * 32 * 32 * 128 * 2
    assert (tokens["3.1.0"] - tokens["3.3.0"]) * cell == pytest.approx(0.03 * total, rel=0.001)


def test_the_logits_of_a_prefill_count_until_they_are_asked_for() -> None:
    """flash_causal_lm.py: generate_token; REQUEST_LOGPROBS since 3.0."""
    old, new = (
        estimate("llama-3.1-8b", gpu="a100-80gb", engine=f"tgi@{v}", context=4096, max_num_batched_tokens=8192)
        for v in ("2.4.1", "3.0.0")
    )
    assert old.memory.per_gpu is not None
    assert new.memory.per_gpu is not None
    assert old.memory.per_gpu.activation_bytes == 2 * 8192 * 128256 * 2
    assert new.memory.per_gpu.activation_bytes < 1.1 * GIB


def test_rules_are_in_order_and_each_changes_something() -> None:
    versions = [rule["from"] for rule in constants()["rules"]]
    assert versions == sorted(versions)
    assert all(rules_of(a) != rules_of(b) for a, b in pairwise(versions))


def test_a_cache_of_eight_bits_came_with_a_version() -> None:
    with pytest.raises(RequestError, match=r"keeps its cache in the model's own type: fp8 came with 2\.4"):
        estimate("llama-3.1-8b", gpu="h100", engine="tgi@2.3", kv_cache_dtype="fp8")
    assert estimate("llama-3.1-8b", gpu="h100", engine="tgi@2.4", kv_cache_dtype="fp8", context=4096).fits


def test_the_command_is_one_that_the_version_takes() -> None:
    for version, longest in (("1.4", "--max-input-length"), ("2.2", "--max-input-tokens")):
        text = estimate("llama-2-7b", gpu="a100-80gb", context=4096, engine=f"tgi@{version}").deploy("tgi")
        assert f"{longest} 4095" in text


@pytest.mark.parametrize(("tp", "asked", "padded"), [(1, "4x16", 16), (4, "4x16", 32), (1, "2x4", 8), (2, "1x40", 48)])
def test_adapters_are_cut_with_their_ranks_padded(tp: int, asked: str, padded: int) -> None:
    """By hand, for Llama 3.1 8B (``adapters/lora.py``): inputs and outputs of seven matrices a layer."""
    hidden, inner, kv, layers = 4096, 14336, 1024, 32
    widths = layers * (2 * (hidden + hidden) + 2 * (hidden + kv) + 3 * (hidden + inner))
    more = {"gpu": "h100", "context": 4096, "engine": "tgi", "tensor_parallel_size": tp}
    plain, loaded = (estimate("llama-3.1-8b", lora=s, **more).per_gpu for s in (None, asked))
    assert plain is not None
    assert loaded is not None
    slots = int(asked[0])
    assert loaded.overhead_bytes - plain.overhead_bytes == slots * padded * 2 * widths // tp


@pytest.mark.parametrize(
    ("model", "version", "more", "why"),
    [
        ("llama-3.1-8b", "2.4", {"lora": "4x16"}, r"known here from TGI 3\.2\.0 on"),
        ("qwen3-8b", "3.3", {"lora": "4x16"}, "layers of Qwen3ForCausalLM take no LoRA adapters"),
        ("llama-3.1-8b", "3.3", {"speculative": "mtp:1"}, "no speculative: it drafts by Medusa heads"),
        ("llama-3.1-8b", "3.3", {"cpu_offload_gib": 4.0}, "no cpu_offload_gib: all weights are on the GPUs"),
        ("llama-3.1-8b", "3.3", {"language_model_only": True}, "no language_model_only: it loads a model's towers"),
        ("llama-3.1-8b", "3.3", {"n_cpu_moe": 3}, "no n_cpu_moe: all experts are on the GPUs"),
    ],
)
def test_options_that_it_does_not_have_are_refused_by_name(
    model: str, version: str, more: dict[str, Any], why: str
) -> None:
    with pytest.raises(RequestError, match=why):
        estimate(model, gpu="h100", context=2048, engine=f"tgi@{version}", **more)
