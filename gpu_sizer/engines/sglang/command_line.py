"""Options of ``python -m sglang.launch_server`` (docs/advanced_features/server_arguments.md of sgl-project/sglang)."""

from __future__ import annotations

from gpu_sizer.engines.command_line import REPLICAS_WITHIN, CommandLine

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
    },
    takes_memory=("--speculative-algorithm", "--speculative-draft-model-path", "--enable-lora", "--lora-paths"),
    switches={
        "--disable-cuda-graph": ("enforce_eager", True),
        "--disable-radix-cache": ("prefix_caching", False),
        "--language-model-only": ("language_model_only", True),
        "--enable-dp-attention": (REPLICAS_WITHIN, True),
    },
)
