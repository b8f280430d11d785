"""Options of ``python -m sglang.launch_server`` (docs/advanced_features/server_arguments.md of sgl-project/sglang)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gpu_sizer.cards.catalogue import catalogue
from gpu_sizer.engines.command_line import REPLICAS_WITHIN, CommandLine, drafts_by

#: ``--speculative-algorithm`` of drafts of each method; a model that drafts for another has none (arg_groups/fields).
ALGORITHMS = {"eagle": "EAGLE", "eagle3": "EAGLE3", "dflash": "DFLASH", "dspark": "DSPARK"}
#: Drafts in blocks, whose lengths are the drafts' own where they are not told.
IN_BLOCKS = ("DFLASH", "DSPARK")
#: How these are called, too (arg_groups/speculative_hook.py), and what of them is a whole model.
_OTHERWISE, _WHOLE = {"NEXTN": "EAGLE"}, "STANDALONE"
_METHODS = {name: method for method, name in ALGORITHMS.items()} | {_WHOLE: "draft_model"}
#: Drafts that have no weights.
_WITHOUT_WEIGHTS = ("NGRAM",)
#: Tokens that a pass verifies where nothing is told, and those of these models with EAGLE's heads, whose drafts branch
#: (_auto_choose_speculative_params).
VERIFIED, BRANCHES, BRANCHING = 4, 8, ("LlamaForCausalLM", "Grok1ForCausalLM")

#: What of these options is one setting: how it is called in a dump of a server's arguments, and on the command line.
ALGORITHM = "speculative_algorithm"
DRAFT = "speculative_draft_model_path"
STEPS, BRANCHED, VERIFYING = "speculative_num_steps", "speculative_eagle_topk", "speculative_num_draft_tokens"
BLOCKS = ("speculative_dflash_block_size", "speculative_dspark_block_size")
LORA_ON, LORA_PATHS, LORA_SLOTS, LORA_RANK = "enable_lora", "lora_paths", "max_loras_per_batch", "max_lora_rank"
TOGETHER = (ALGORITHM, DRAFT, STEPS, BRANCHED, VERIFYING, *BLOCKS, LORA_ON, LORA_PATHS, LORA_SLOTS, LORA_RANK)
#: Adapters at once where that is not told (arg_groups/fields/lora.py).
SLOTS = 8


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdecimal() and len(text) < 4 else None


def _ahead(told: Mapping[str, Any], algorithm: str, model: str | None) -> int | None:
    """Tokens ahead: one less than a pass verifies; null where the draft decides."""
    steps, verified = _number(told.get(STEPS)), _number(told.get(VERIFYING))
    if algorithm in IN_BLOCKS:
        dflash, dspark = (_number(told.get(name)) for name in BLOCKS)
        verified = verified or dflash or (dspark + 1 if dspark else None)
    elif steps is not None and (_number(told.get(BRANCHED)) in (None, 1) or verified is None):
        # A chain: what is verified is told by its steps alone.
        verified = steps + 1
    elif verified is None:
        card = catalogue().model(model) if model and catalogue().models.lookup(model) is not None else None
        branches = algorithm != _WHOLE and card is not None and card.engine_class in BRANCHING
        verified = BRANCHES if branches else VERIFIED
    return verified - 1 if verified is not None and verified > 1 else None


def speculation_of(told: Mapping[str, Any], model: str | None) -> tuple[str | None, str | None]:
    """The setting of what drafts, and why it is none where it cannot be counted.

    Args:
        told: options by the names of :data:`TOGETHER`.
        model: whose draft it is.
    """
    algorithm = str(told.get(ALGORITHM) or "").upper()
    algorithm, draft = _OTHERWISE.get(algorithm, algorithm), told.get(DRAFT)
    if not algorithm or algorithm in _WITHOUT_WEIGHTS:
        return None, None
    tokens, method = _ahead(told, algorithm, model), _METHODS.get(algorithm)
    if tokens is not None and algorithm == "EAGLE" and draft in (None, model):
        return f"mtp:{tokens}", None
    if tokens is not None and draft and method is not None and drafts_by(draft, method):
        return f"draft:{draft}:{tokens}", None
    what = f"the draft {draft}" if draft else f"drafts by {algorithm}"
    return None, f"{ALGORITHM} is set: the estimate knows nothing of {what}"


def adapters_of(told: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """The setting of slots of LoRA adapters, and why it is none where it cannot be counted."""
    if told.get(LORA_ON) not in (True, "True") and not told.get(LORA_PATHS):
        return None, None
    if told.get(LORA_RANK) is None:
        return None, f"{LORA_ON} is set, and the highest rank is that of adapters which are not read"
    return f"{told.get(LORA_SLOTS) or SLOTS}x{told[LORA_RANK]}", None


def _together(options: dict[str, Any], model: str | None) -> tuple[dict[str, Any], tuple[str, ...]]:
    told = {name: options.pop(name, None) for name in TOGETHER}
    options["speculative"], no_draft = speculation_of(told, model)
    options["lora"], no_adapters = adapters_of(told)
    unread = [ALGORITHM] if no_draft is not None else []
    unread += [LORA_ON if told[LORA_ON] else LORA_PATHS] if no_adapters is not None else []
    return {name: value for name, value in options.items() if value is not None}, tuple(map(_option, unread))


COMMAND_LINE = CommandLine(
    name="sglang",
    programs=(("sglang.launch_server",), ("sglang", "serve")),
    options={
        "--model-path": "model",
        "--model": "model",
        "--context-length": "context",
        "--tp": "tensor_parallel_size",
        "--tp-size": "tensor_parallel_size",
        "--tensor-parallel-size": "tensor_parallel_size",
        "--pp-size": "pipeline_parallel_size",
        "--pipeline-parallel-size": "pipeline_parallel_size",
        "--dp": "data_parallel_size",
        "--dp-size": "data_parallel_size",
        "--data-parallel-size": "data_parallel_size",
        "--attn-dp-size": REPLICAS_WITHIN,
        "--mem-fraction-static": "gpu_memory_utilization",
        "--max-running-requests": "max_num_seqs",
        "--chunked-prefill-size": "max_num_batched_tokens",
        "--kv-cache-dtype": "kv_cache_dtype",
        "--page-size": "block_size",
        "--cpu-offload-gb": "cpu_offload_gib",
        # As argparse takes abbreviations; so models' pages write it.
        "--speculative-algo": ALGORITHM,
        "--speculative-draft-model": DRAFT,
        **{_option(name): name for name in TOGETHER if name != LORA_ON},
    },
    together=TOGETHER,
    finish=_together,
    takes_memory=(_option(ALGORITHM), _option(LORA_ON), _option(LORA_PATHS)),
    switches={
        "--disable-cuda-graph": ("enforce_eager", True),
        "--disable-radix-cache": ("prefix_caching", False),
        "--language-model-only": ("language_model_only", True),
        "--enable-dp-attention": (REPLICAS_WITHIN, True),
        _option(LORA_ON): (LORA_ON, True),
    },
)
