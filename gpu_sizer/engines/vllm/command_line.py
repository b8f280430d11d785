"""Options of ``vllm serve`` (vllm/engine/arg_utils.py)."""

from __future__ import annotations

import json
from typing import Any

from gpu_sizer.engines.command_line import CommandLine, drafts_by

#: Ways to draft without weights (config/speculative.py).
_WITHOUT_WEIGHTS = ("ngram", "ngram_gpu", "suffix")
#: Options of LoRA adapters, which are one setting, and what stands where they are left out.
LORA_ON, LORA_SLOTS, LORA_RANK = "lora_on", "lora_slots", "lora_rank"
SLOTS, RANK = 1, 16
#: How methods of the model's own prediction layers end.
_OWN = "mtp"


def speculation_of(method: str | None, model: str | None, tokens: str | None) -> tuple[str | None, str | None]:
    """The setting of a configuration of what drafts, and why it is none where it cannot be counted.

    Args:
        method: as vLLM calls it; null where the draft model's name is to tell it.
        model: the draft model's name.
        tokens: drafted ahead.
    """
    if method in _WITHOUT_WEIGHTS:
        return None, None
    if method is not None and method.endswith(_OWN):
        return (f"mtp:{tokens}" if tokens else "mtp"), None
    if model and tokens and drafts_by(model, method):
        return f"draft:{model}:{tokens}", None
    what = f"a drafter of the kind {method}" if method not in (None, "draft_model") else f"the draft model {model}"
    return None, f"speculative_config is set: the estimate knows nothing of {what}"


def _speculative(text: str) -> dict[str, Any] | None:
    """``--speculative-config``, a JSON object; null where what it tells cannot be counted."""
    try:
        told = json.loads(text)
    except ValueError:
        return None
    if not isinstance(told, dict):
        return None
    method, model, tokens = (told.get(key) for key in ("method", "model", "num_speculative_tokens"))
    asked, why = speculation_of(method, model, str(tokens) if tokens else None)
    return None if why is not None else {"speculative": asked}


def _with_adapters(options: dict[str, Any], _: str | None) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Slots and rank of LoRA adapters as one setting (config/lora.py: one slot, rank 16)."""
    told = {key: options.pop(key, None) for key in (LORA_ON, LORA_SLOTS, LORA_RANK)}
    if told[LORA_ON]:
        options["lora"] = f"{told[LORA_SLOTS] or SLOTS}x{told[LORA_RANK] or RANK}"
    return options, ()


COMMAND_LINE = CommandLine(
    name="vllm",
    programs=(("vllm", "serve"), ("vllm.entrypoints.openai.api_server",)),
    images=("vllm/vllm-openai",),
    bare_model=True,
    options={
        "--model": "model",
        "--max-model-len": "context",
        "--tensor-parallel-size": "tensor_parallel_size",
        "-tp": "tensor_parallel_size",
        "--pipeline-parallel-size": "pipeline_parallel_size",
        "-pp": "pipeline_parallel_size",
        "--data-parallel-size": "data_parallel_size",
        "-dp": "data_parallel_size",
        "--decode-context-parallel-size": "decode_context_parallel_size",
        "-dcp": "decode_context_parallel_size",
        "--gpu-memory-utilization": "gpu_memory_utilization",
        "--max-num-seqs": "max_num_seqs",
        "--max-num-batched-tokens": "max_num_batched_tokens",
        "--kv-cache-dtype": "kv_cache_dtype",
        "--block-size": "block_size",
        "--cpu-offload-gb": "cpu_offload_gib",
        "--max-loras": LORA_SLOTS,
        "--max-lora-rank": LORA_RANK,
    },
    takes_memory=("--speculative-config", "--speculative-model", "--enable-lora", "--num-gpu-blocks-override"),
    together=(LORA_ON, LORA_SLOTS, LORA_RANK),
    finish=_with_adapters,
    readers={"--speculative-config": _speculative, "-sc": _speculative},
    switches={
        "--enable-lora": (LORA_ON, True),
        "--enforce-eager": ("enforce_eager", True),
        "--enable-prefix-caching": ("prefix_caching", True),
        "--no-enable-prefix-caching": ("prefix_caching", False),
        "--language-model-only": ("language_model_only", True),
        "--disable-custom-all-reduce": ("disable_custom_all_reduce", True),
        "--enable-expert-parallel": ("expert_parallel", True),
        "--disable-hybrid-kv-cache-manager": ("hybrid_kv", False),
    },
)
