"""What tells the GPU, whatever the engine: nvidia-smi, PyTorch's messages, names of tuned kernels."""

from __future__ import annotations

import re

from gpu_sizer.engines.wording import LOADED, PRINTED, Found, wording

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gpu_sizer.engines.wording import Wording

#: Names of GPUs begin so.
_MAKERS = r"(?:NVIDIA|Tesla|Quadro|GeForce|AMD)\b"


def _underscored(found: Found, match: re.Match[str]) -> None:
    found.put("gpu", match.group(1).replace("_", " "), PRINTED)


def _out_of_memory(found: Found, _: re.Match[str]) -> None:
    """While loading the weights, beside them, or later: then another outcome, for the cache was there already."""
    if found.get("available_kv_gib") is None and found.get("kv_cache_tokens") is None:
        found.put("outcome", "oom_kv" if LOADED in found.parts else "oom_load")
    else:
        found.put("outcome", "error_other")
        found.note("it ran out of memory after the cache was allocated, in warm-up or graph capture")


WORDINGS: tuple[Wording, ...] = (
    wording("NVIDIA", rf"\|\s+\d+\s+(?P<gpu>{_MAKERS}(?: ?[\w/()-]+)+?)\s{{2,}}(?:On|Off|N/A)\s", worth=PRINTED),
    wording("GPU 0: ", rf"\bGPU 0: (?P<gpu>{_MAKERS}[\w /()-]{{2,60}}?)\s*(?:\(UUID|$|\n)"),
    wording("device_name=", r"device_name=((?:NVIDIA|AMD)_\w[\w-]{1,50}?)(?:,|\.json|\b)", also=_underscored),
    wording("compute capability", rf"Device \d+: (?P<gpu>{_MAKERS}[\w /()-]{{2,60}}?), compute capability"),
    wording("using device ", rf"using device \w+ \((?P<gpu>{_MAKERS}[\w /-]{{2,60}}?)\)"),
    wording("ut of memory", r"(?:CUDA|HIP) out of memory", also=_out_of_memory),
    wording("would exceed allowed", r"Allocation on device \d+ would exceed allowed memory", also=_out_of_memory),
    wording("Device limit", r"Device limit +: <gpu_total_gib> GiB"),
    wording("cudaMalloc failed: out of memory", r"cudaMalloc failed: out of memory", outcome="oom_load"),
    wording(", gfx", rf"Device \d+: (?P<gpu>{_MAKERS}[\w /()-]{{2,60}}?), gfx\d"),
    wording("total capac", r"GPU \d+ has a total capac(?:i)?ty of <gpu_total_gib> GiB"),
    wording("GiB total capacity", r"GPU \d+; <gpu_total_gib> GiB total capacity"),
    wording("Application startup complete", r"Application startup complete", outcome="served"),
)
