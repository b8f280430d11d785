"""Options of ``text-generation-launcher`` (docs/source/reference/launcher.md of TGI)."""

from __future__ import annotations

from gpu_sizer.engines.command_line import CommandLine

COMMAND_LINE = CommandLine(
    name="tgi",
    programs=(("text-generation-launcher",),),
    images=("ghcr.io/huggingface/text-generation-inference",),
    options={
        "--model-id": "model",
        "--num-shard": "tensor_parallel_size",
        "--max-total-tokens": "context",
        "--max-batch-prefill-tokens": "max_num_batched_tokens",
        "--max-batch-size": "max_num_seqs",
        "--cuda-memory-fraction": "gpu_memory_utilization",
        "--kv-cache-dtype": "kv_cache_dtype",
    },
    takes_memory=("--speculate", "--lora-adapters"),
)
