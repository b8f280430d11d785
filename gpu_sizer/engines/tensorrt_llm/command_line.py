"""Options of ``trtllm-serve`` (tensorrt_llm/commands/serve.py of NVIDIA/TensorRT-LLM)."""

from __future__ import annotations

from gpu_sizer.engines.command_line import CommandLine

COMMAND_LINE = CommandLine(
    name="tensorrt-llm",
    programs=(("trtllm-serve", "serve"), ("trtllm-serve",)),
    bare_model=True,
    underscored=True,
    options={
        "--max-seq-len": "context",
        "--tp-size": "tensor_parallel_size",
        "--pp-size": "pipeline_parallel_size",
        "--kv-cache-free-gpu-memory-fraction": "gpu_memory_utilization",
        "--max-batch-size": "max_num_seqs",
        "--max-num-tokens": "max_num_batched_tokens",
    },
)
