"""llama.cpp's wording (src/llama-model.cpp, llama-kv-cache.cpp, llama-context.cpp; before 2025, llama.cpp).

It splits layers over GPUs and prints each GPU's buffers: the fullest GPU's are kept. A cache is allocated for the
context asked for, not from what is left.
"""

from __future__ import annotations

import re

from gpu_sizer.engines.wording import COMMAND, FINAL, NUMBER, PRINTED, Found, wording

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gpu_sizer.engines.wording import Wording

NAME = "llama.cpp"

#: Buffers that lie in a GPU's memory.
_DEVICE = r"((?:CUDA|ROCm|HIP|Vulkan|SYCL|MUSA)\d+|Metal)"
_MIB = 2.0**-10
_UNQUANTIZED = ("f16", "bf16", "f32", "all f32")


def _weights(found: Found, match: re.Match[str]) -> None:
    found.parts[f"weights {match.group(1)}"] = float(match.group(2)) * _MIB
    devices = {k: v for k, v in found.parts.items() if k.startswith("weights ")}
    found.put("weights_gib_per_gpu", round(max(devices.values()), 4), FINAL)
    found.put("gpu_count", len(devices), PRINTED)
    found.quote(" ".join(match.group(0).split()))


def _cache(found: Found, match: re.Match[str]) -> None:
    """A model of two kinds of attention has two caches on a device: they add up."""
    name = f"cache {match.group(1)}"
    found.parts[name] = found.parts.get(name, 0.0) + float(match.group(2)) * _MIB
    largest = max(v for k, v in found.parts.items() if k.startswith("cache "))
    found.values.pop("available_kv_gib", None)
    found.put("available_kv_gib", round(largest, 4), FINAL)
    found.quote(" ".join(match.group(0).split()))


def _compute(found: Found, match: re.Match[str]) -> None:
    found.put("activation_peak_gib", round(float(match.group(2)) * _MIB, 4))


def _file_type(found: Found, match: re.Match[str]) -> None:
    kind = match.group(1).strip()
    if kind.lower() in _UNQUANTIZED:
        found.put("dtype", {"f16": "float16", "bf16": "bfloat16"}.get(kind.lower(), "float32"))
    else:
        found.put("quantization", f"gguf {kind}")


_SIZE = rf" *= *({NUMBER}) MiB"

WORDINGS: tuple[Wording, ...] = (
    wording("llama_model_loader: loaded meta data", r"tensors from (?P<model>\S+\.gguf)", worth=COMMAND, starts=True),
    wording("general.name", r"general\.name(?: +str)? *= *(?P<model>[^\n|]{1,100}?)\s*$"),
    wording("file type ", r"print_info: file type +(?:=|:) (.{1,40})", also=_file_type),
    wording("model ftype", r"llm_load_print_meta: model ftype +(?:=|:) (.{1,40})", also=_file_type),
    wording(" buffer size", rf"load_tensors: *{_DEVICE}(?: model)? buffer size{_SIZE}", also=_weights),
    wording(" KV buffer size", rf"{_DEVICE} KV buffer size{_SIZE}", also=_cache),
    wording(" compute buffer size", rf"{_DEVICE} compute buffer size{_SIZE}", also=_compute),
    wording(
        "n_ctx  ",
        r"(?:llama_context|llama_new_context_with_model|llama_init_from_model): n_ctx +(?:=) <#max_model_len>\b",
    ),
    wording("n_seq_max", r"n_seq_max +(?:=) <#max_num_seqs>\b"),
    wording("n_batch ", r": n_batch +(?:=) <#max_num_batched_tokens>\b"),
    wording(" cells, ", r"size = +[\d.]+ MiB \( *<#kv_cache_tokens> cells"),
    wording("unable to allocate", r"unable to allocate \S+ buffer", outcome="oom_load"),
    wording("failed to allocate buffer", r"failed to allocate buffer for kv cache", outcome="oom_kv"),
    wording("server is listening on", r"server is listening on", outcome="served"),
    wording("HTTP server listening", r"HTTP server listening", outcome="served"),
)
