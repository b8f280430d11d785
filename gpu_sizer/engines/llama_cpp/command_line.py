"""Options of ``llama-server`` (tools/server/README.md of ggml-org/llama.cpp)."""

from __future__ import annotations

from gpu_sizer.engines.command_line import CommandLine

COMMAND_LINE = CommandLine(
    name="llama.cpp",
    programs=(("llama-server",),),
    images=("ghcr.io/ggml-org/llama.cpp:server",),
    options={
        "--model": "model",
        "-m": "model",
        "--hf-repo": "model",
        "-hf": "model",
        "-hfr": "model",
        "--ctx-size": "context",
        "-c": "context",
        "--ubatch-size": "max_num_batched_tokens",
        "-ub": "max_num_batched_tokens",
        "--cache-type-k": "kv_cache_dtype",
        "-ctk": "kv_cache_dtype",
    },
    takes_memory=("--model-draft", "-md", "--mmproj", "--lora"),
)
