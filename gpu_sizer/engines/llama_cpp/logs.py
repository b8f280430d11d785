"""llama.cpp's wording (src/llama-model.cpp, llama-kv-cache.cpp, llama-context.cpp; before 2025, llama.cpp).

It splits layers over GPUs and prints each GPU's buffers: the fullest GPU's are kept. A cache is allocated for the
context asked for, not from what is left.
"""

from __future__ import annotations

import re

from gpu_sizer.engines.wording import COMMAND, FINAL, NUMBER, PRINTED, Found, Wording, wording

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


_SPLIT = ("weights_gib_per_gpu", "available_kv_gib", "activation_peak_gib")


def _fullest(found: Found, key: str, device: str, size: float) -> None:
    """A figure that every device tells once; the fullest GPU's is kept."""
    found.parts[f"{key} {device}"] = size
    sizes = [v for k, v in found.parts.items() if k.startswith(f"{key} ")]
    found.values.pop(key, None)
    found.put(key, round(max(sizes), 4), FINAL)
    found.put("gpu_count", len(sizes), PRINTED)


def _breakdown(found: Found, match: re.Match[str]) -> None:
    """One device's line: total = free + (self = model + context + compute) + what others hold, in MiB."""
    device, name, total, *sizes = match.groups()
    if name:
        found.put("gpu", name.strip())
    found.put("gpu_total_gib", round(float(total) * _MIB, 4))
    for key, size in zip(_SPLIT, sizes, strict=True):
        _fullest(found, key, device, float(size) * _MIB)
    found.quote(" ".join(match.group(0).split()))


def _device(found: Found, match: re.Match[str]) -> None:
    device, name, total = match.groups()
    found.put("gpu", name.strip())
    found.put("gpu_total_gib", round(float(total) * _MIB, 4))
    found.parts[f"device {device}"] = 1.0
    found.put("gpu_count", sum(k.startswith("device ") for k in found.parts))


def _projected(found: Found, match: re.Match[str]) -> None:
    """Its own estimate, of all devices."""
    needs, has = int(match.group(1)), int(match.group(2))
    more = ": more than there is" if needs > has else ""
    found.note(f"llama.cpp itself projects {needs * _MIB:.2f} GiB in all, of {has * _MIB:.2f} GiB free{more}")


def _cells(found: Found, match: re.Match[str]) -> None:
    """Cells of one stream; sequences that share no cache have one each. A cache of windows has fewer."""
    cells, streams = int(match.group(1)), int(match.group(2) or 1)
    worth, kept = found.values.get("kv_cache_tokens", (PRINTED, 0))
    found.values["kv_cache_tokens"] = (worth, max(kept, cells * streams))


def _repeating(found: Found, match: re.Match[str]) -> None:
    found.parts["repeating"] = float(match.group(1))


def _flash(found: Found, match: re.Match[str]) -> None:
    """Of several contexts the model's own comes first."""
    if found.get("flash_attention") is None:
        found.put("flash_attention", match.group(1) in ("1", "enabled"))


def _offloaded(found: Found, match: re.Match[str]) -> None:
    """Layers on GPUs, the output among them, where they are not all."""
    there, every = int(match.group(1)), int(match.group(2))
    if there < every:
        found.put("n_gpu_layers", int(found.parts.get("repeating", max(there - 1, 0))) + bool(there))


def _stays(found: Found, match: re.Match[str]) -> None:
    """A layer whose experts stay in the machine's memory: the first ones do."""
    worth, kept = found.values.get("n_cpu_moe", (PRINTED, 0))
    found.values["n_cpu_moe"] = (worth, max(kept, int(match.group(1)) + 1))


def _go_weights(found: Found, match: re.Match[str]) -> None:
    _fullest(found, "weights_gib_per_gpu", match.group(1), _size(match))


def _go_cache(found: Found, match: re.Match[str]) -> None:
    _fullest(found, "available_kv_gib", match.group(1), _size(match))


def _go_compute(found: Found, match: re.Match[str]) -> None:
    _fullest(found, "activation_peak_gib", match.group(1), _size(match))


def _size(match: re.Match[str]) -> float:
    return float(match.group(2)) * {"G": 1.0, "M": _MIB, "K": _MIB * _MIB}.get(match.group(3), 2.0**-30)


def _file_type(found: Found, match: re.Match[str]) -> None:
    kind = match.group(1).strip()
    if kind.lower() in _UNQUANTIZED:
        found.put("dtype", {"f16": "float16", "bf16": "bfloat16"}.get(kind.lower(), "float32"))
    else:
        found.put("quantization", f"gguf {kind}")


_SIZE = rf" *= *({NUMBER}) MiB"
#: As Ollama's own runner writes sizes (ml/device.go).
_GO_SIZE = rf'device="?{_DEVICE}"? size="({NUMBER}) ([GMK]?)i?B"'

WORDINGS: tuple[Wording, ...] = (
    wording("llama_model_loader: loaded meta data", r"tensors from (?P<model>\S+\.gguf)", worth=COMMAND, starts=True),
    wording("general.name", r"general\.name(?: +str)? *= *(?P<model>[^\n|]{1,100}?)\s*$"),
    wording("file type ", r"print_info: file type +(?:=|:) (.{1,40})", also=_file_type),
    wording("model ftype", r"llm_load_print_meta: model ftype +(?:=|:) (.{1,40})", also=_file_type),
    wording("flash_attn ", r"flash_attn += (0|1|disabled|enabled)\b", also=_flash),
    wording("Flash Attention was auto", r"Flash Attention was auto, set to (enabled|disabled)", also=_flash),
    wording("repeating layers to GPU", r"offloading (\d{1,5}) repeating layers to GPU", also=_repeating),
    wording(" layers to GPU", r"offloaded (\d{1,5})/(\d{1,5}) layers to GPU", also=_offloaded),
    wording("_exps", r"blk\.(\d{1,4})\.ffn_\w+_exps\.weight .{0,60}overr?id+en to CPU\b", also=_stays),
    wording(" buffer size", rf"load_tensors: *{_DEVICE}(?: model)? buffer size{_SIZE}", also=_weights),
    wording(" KV buffer size", rf"{_DEVICE} KV buffer size{_SIZE}", also=_cache),
    wording(" compute buffer size", rf"{_DEVICE} compute buffer size{_SIZE}", also=_compute),
    wording(
        "n_ctx  ",
        r"(?:llama_context|llama_new_context_with_model|llama_init_from_model): n_ctx +(?:=) <#max_model_len>\b",
    ),
    wording("n_seq_max", r"n_seq_max +(?:=) <#max_num_seqs>\b"),
    wording("n_batch ", r": n_batch +(?:=) <#max_num_batched_tokens>\b"),
    wording(" cells, ", r"size = +[\d.]+ MiB \( *(\d{1,12}) cells(?:, +\d+ layers, +\d+/(\d{1,4}) seqs)?", also=_cells),
    wording(
        "memory_breakdown_print: |   - ",
        rf"memory_breakdown_print: \| +- {_DEVICE} ?(?:\(([^)|]{{2,60}})\))? *\| *(\d+) *= *\d+ *\+ *"
        r"\( *\d+ *= *(\d+) *\+ *(\d+) *\+ *(\d+)\)",
        also=_breakdown,
    ),
    wording(
        " free vs. target of", rf"- {_DEVICE} \(([^)]{{2,60}})\): *(\d+) total, +\d+ used, +-?\d+ free", also=_device
    ),
    wording(
        "projected to use ", r"projected to use (\d{1,9}) MiB of device memory vs\. (\d{1,9}) MiB", also=_projected
    ),
    wording("loading model '", r"load_model: loading model '(?P<model>[^']{1,250})'", worth=COMMAND),
    wording('msg="model weights"', rf'msg="model weights" {_GO_SIZE}', also=_go_weights),
    wording('msg="kv cache"', rf'msg="kv cache" {_GO_SIZE}', also=_go_cache),
    wording('msg="compute graph"', rf'msg="compute graph" {_GO_SIZE}', also=_go_compute),
    wording("KvSize:", r"\bKvSize:<#max_model_len>\b"),
    wording("Parallel:", r"\bParallel:<#max_num_seqs>\b"),
    wording("unable to allocate", r"unable to allocate \S+ buffer", outcome="oom_load"),
    wording("failed to allocate buffer", r"failed to allocate buffer for kv cache", outcome="oom_kv"),
    wording("server is listening on", r"server is listening on", outcome="served"),
    wording("HTTP server listening", r"HTTP server listening", outcome="served"),
)
