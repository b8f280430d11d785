"""Options of ``llama-server`` (tools/server/README.md of ggml-org/llama.cpp)."""

from __future__ import annotations

from gpu_sizer.engines.command_line import CommandLine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def _on_gpus(text: str) -> dict[str, Any] | None:
    """Layers on GPUs: a number, or all of them as by default."""
    if text.lower() in ("all", "auto"):
        return {}
    return {"n_gpu_layers": int(text)} if text.isascii() and text.isdecimal() and len(text) < 7 else None


def _flash(text: str) -> dict[str, Any] | None:
    """On, off, or left to the server; older builds have a switch without a value."""
    told = {"on": True, "1": True, "enabled": True, "": True, "off": False, "0": False, "disabled": False}
    return {} if text.lower() in ("auto", "-1") else {"flash_attention": told.get(text.lower(), True)}


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
        "--n-cpu-moe": "n_cpu_moe",
        "-ncmoe": "n_cpu_moe",
    },
    readers={
        **dict.fromkeys(("--n-gpu-layers", "--gpu-layers", "-ngl"), _on_gpus),
        **dict.fromkeys(("--flash-attn", "-fa"), _flash),
    },
    # The same page, behind each option.
    variables={
        "LLAMA_ARG_MODEL": "--model",
        "LLAMA_ARG_HF_REPO": "--hf-repo",
        "LLAMA_ARG_CTX_SIZE": "--ctx-size",
        "LLAMA_ARG_UBATCH": "--ubatch-size",
        "LLAMA_ARG_CACHE_TYPE_K": "--cache-type-k",
        "LLAMA_ARG_N_CPU_MOE": "--n-cpu-moe",
        "LLAMA_ARG_N_GPU_LAYERS": "--n-gpu-layers",
        "LLAMA_ARG_FLASH_ATTN": "--flash-attn",
    },
    shared_context=True,
    takes_memory=("--model-draft", "-md", "--mmproj", "--lora"),
)
