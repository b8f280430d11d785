"""Options of ``text-generation-launcher`` (docs/source/reference/launcher.md of TGI)."""

from __future__ import annotations

from gpu_sizer.engines.command_line import CommandLine

_OPTIONS = {
    "--model-id": "model",
    "--num-shard": "tensor_parallel_size",
    "--max-total-tokens": "context",
    "--max-batch-prefill-tokens": "max_num_batched_tokens",
    "--max-batch-size": "max_num_seqs",
    "--cuda-memory-fraction": "gpu_memory_utilization",
    "--kv-cache-dtype": "kv_cache_dtype",
}

COMMAND_LINE = CommandLine(
    name="tgi",
    programs=(("text-generation-launcher",),),
    images=("ghcr.io/huggingface/text-generation-inference",),
    options=_OPTIONS,
    # Every option has a variable (launcher/src/main.rs: env); SageMaker's own: sagemaker-entrypoint.sh.
    variables={
        "HF_MODEL_ID": "--model-id",
        "SM_NUM_GPUS": "--num-shard",
        **{option[2:].upper().replace("-", "_"): option for option in _OPTIONS},
    },
    takes_memory=("--speculate", "--lora-adapters"),
)
