"""``vllm serve`` (vllm/engine/arg_utils.py), with everything that a plan rests on said outright.

The batch is named even where it is the default, since defaults depend on the version and on what calls it.
"""

from __future__ import annotations

import json

from gpu_sizer.cards.catalogue import catalogue
from gpu_sizer.engines.serving import Start, Starter
from gpu_sizer.engines.speculation import Speculation, speculation
from gpu_sizer.engines.versions import at_least
from gpu_sizer.model.caches import SCALED_BY_HEAD

#: Names of the types as ``--kv-cache-dtype`` takes them (vllm/config/cache.py: CacheDType).
CACHE_TYPES = {"float8": "fp8", "bf16": "bfloat16", "fp16": "float16"} | {
    name: name for name in ("fp8", "fp8_e4m3", "fp8_e5m2", *SCALED_BY_HEAD)
}
#: The first version whose usual core processes prompts in chunks unasked (vllm/engine/arg_utils.py, V1).
CHUNKS_BY_ITSELF = "0.8"
#: Sizes of a layout and their options; only those above 1 are said, but for the first two.
_SIZES = {
    "tensor_parallel_size": "--tensor-parallel-size",
    "pipeline_parallel_size": "--pipeline-parallel-size",
    "data_parallel_size": "--data-parallel-size",
    "decode_context_parallel_size": "--decode-context-parallel-size",
}
#: Settings of a load that the command says beside those of every engine.
SAID = frozenset(
    (
        *("block_size", "hybrid_kv", "prefix_caching", "speculative", "lora", "cpu_offload_gib"),
        *("language_model_only", "disable_custom_all_reduce"),
    )
)
_ALWAYS = ("tensor_parallel_size", "pipeline_parallel_size")


def command(start: Start) -> tuple[str, ...]:
    """The words of the command.

    Raises:
        RequestError: replicas of a version whose server is one.
    """
    if not start.flags.has(_SIZES["data_parallel_size"]):
        start.one_replica(f"vLLM {start.version}")
    s, sizes = start.settings, start.layout.model_dump()
    words = ["vllm", "serve", start.weights, "--port", str(start.port)]
    for key, option in _SIZES.items():
        if (size := sizes.get(key, 1)) > 1 or key in _ALWAYS:
            words += [option, str(size)]
    if start.layout.expert_parallel:
        words.append("--enable-expert-parallel")
    words += ["--max-model-len", str(s.context)]
    words += ["--max-num-seqs", str(s.max_num_seqs)]
    words += ["--max-num-batched-tokens", str(s.max_num_batched_tokens)]
    # What the core of that age does only where it is told (config.py: SchedulerConfig); its successor always does.
    if s.max_num_batched_tokens < s.context and not at_least(start.version, CHUNKS_BY_ITSELF):
        words.append("--enable-chunked-prefill")
    words += ["--gpu-memory-utilization", repr(float(s.gpu_memory_utilization))]
    words += ["--dtype", start.dtype(), "--kv-cache-dtype", start.cache_dtype(CACHE_TYPES)]
    if start.load.block_size is not None:
        words += ["--block-size", str(start.load.block_size)]
    if s.enforce_eager:
        words.append("--enforce-eager")
    if s.prefix_caching is not None:
        words.append("--enable-prefix-caching" if s.prefix_caching else "--no-enable-prefix-caching")
    if s.language_model_only:
        words.append("--language-model-only")
    if s.disable_custom_all_reduce:
        words.append("--disable-custom-all-reduce")
    if s.lora is not None:
        slots, _, rank = s.lora.partition("x")
        words += ["--enable-lora", "--max-loras", slots, "--max-lora-rank", rank]
    if s.cpu_offload_gib is not None:
        words += ["--cpu-offload-gb", f"{s.cpu_offload_gib:g}"]
    if (drafts := speculation(s.speculative)) is not None:
        words += ["--speculative-config", _speculative(drafts)]
    if not start.load.hybrid_kv:
        words.append("--disable-hybrid-kv-cache-manager")
    if start.remote_code:
        words.append("--trust-remote-code")
    return tuple(words)


def _speculative(drafts: Speculation) -> str:
    """What drafts, as JSON."""
    told: dict[str, str | int] = {"method": "mtp"}
    if drafts.model is not None:
        card = catalogue().drafter(drafts.model)
        method = "draft_model" if card.draft is None else card.draft.method
        told = {"method": method, "model": card.hub_id or card.id}
    if drafts.tokens is not None:
        told["num_speculative_tokens"] = drafts.tokens
    return json.dumps(told)


def machine(nodes: int, rank: str, head: str) -> tuple[str, ...]:
    """What each of several machines needs beside that.

    Machines after the first run without a server; ranks of data parallelism follow from the machine's
    (docs/serving/parallelism_scaling.md, "Running vLLM with MultiProcessing"; pull request 23691).
    """
    return ("--nnodes", str(nodes), "--node-rank", rank, "--master-addr", head)


#: Compiled kernels: vllm/envs.py (VLLM_CACHE_ROOT); VLLM_API_KEY: docs/serving/openai_compatible_server.md;
#: consolidated weights: model_executor/model_loader/default_loader.py of 0.12.0 (of 0.10.2 still the others).
STARTER = Starter(
    title="vLLM",
    command=command,
    compiled={"VLLM_CACHE_ROOT": "vllm"},
    consolidated_from="0.12",
    key_variable="VLLM_API_KEY",
    said=SAID,
    several_from=(0, 12),
    replicas_over_machines=True,
    machine=machine,
    worker=("--headless",),
)
