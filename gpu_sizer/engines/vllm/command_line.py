"""Options of ``vllm serve`` (vllm/engine/arg_utils.py)."""

from __future__ import annotations

from gpu_sizer.engines.command_line import CommandLine

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
    },
    takes_memory=("--speculative-config", "--speculative-model", "--enable-lora", "--num-gpu-blocks-override"),
    switches={
        "--enforce-eager": ("enforce_eager", True),
        "--enable-expert-parallel": ("expert_parallel", True),
        "--disable-hybrid-kv-cache-manager": ("hybrid_kv", False),
    },
)
