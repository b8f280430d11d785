"""SGLang's wording (srt/model_executor/model_runner.py, mem_cache/memory_pool.py, managers/scheduler.py).

What it prints as GB is GiB (divided by ``1 << 30``). ``mem_fraction_static`` is a share of the free memory for
weights and cache together, not vLLM's utilisation, and is told as a note.
"""

from __future__ import annotations

import re

from gpu_sizer.engines.sglang.command_line import TOGETHER, adapters_of, speculation_of
from gpu_sizer.engines.wording import ARGUMENTS, COMMAND, COUNT, FINAL, NUMBER, Found, Wording, setting, wording

NAME = "sglang"

_SETTINGS = {
    "model": ("model_path",),
    "served": ("served_model_name",),
    "dtype": ("dtype",),
    "quantization": ("quantization",),
    "kv_cache_dtype": ("kv_cache_dtype",),
    "max_model_len": ("context_length",),
    "tp": ("tp_size",),
    "pp": ("pp_size",),
    "dp": ("dp_size",),
    "max_num_seqs": ("max_running_requests",),
    "max_num_batched_tokens": ("chunked_prefill_size",),
    "block_size": ("page_size",),
}


def _arguments(found: Found, match: re.Match[str]) -> None:
    text = match.string[match.start() :]
    for key, names in _SETTINGS.items():
        if (value := setting(text, *names)) is not None:
            found.put_text(key, value, ARGUMENTS)
    if setting(text, "enable_dp_attention") == "True":
        _within(found, ARGUMENTS)
    told = {name: setting(text, name) for name in TOGETHER}
    for key, (value, why) in (
        ("speculative", speculation_of(told, setting(text, "model_path"))),
        ("lora", adapters_of(told)),
    ):
        found.put(key, value, ARGUMENTS)
        if why is not None:
            found.note(why)
    if (share := setting(text, "mem_fraction_static")) is not None:
        found.note(f"mem_fraction_static {share[:20]}")


def _within(found: Found, worth: int) -> None:
    """Replicas of attention lie within the ranks, and share the experts (srt/layers/dp_attention.py)."""
    ranks, replicas = found.get("tp"), found.get("dp")
    if ranks and replicas and ranks % replicas == 0:
        found.values["tp"] = (worth, ranks // replicas)
        found.put("ep", replicas > 1, worth)


def _command(found: Found, match: re.Match[str]) -> None:
    text = match.string[match.start() :]
    for key, flag in (
        ("model", r"--model(?:-path)?"),
        ("tp", r"--tp(?:-size)?|--tensor-parallel-size"),
        ("dp", r"--dp(?:-size)?|--data-parallel-size"),
        ("pp", r"--pp(?:-size)?|--pipeline-parallel-size"),
        ("max_model_len", r"--context-length"),
        ("quantization", r"--quantization"),
        ("kv_cache_dtype", r"--kv-cache-dtype"),
    ):
        if (m := re.search(rf"(?<!\S)(?:{flag})[ =](\S+)", text)) is not None:
            found.put_text(key, m.group(1).strip("'\"`"), COMMAND)
    if re.search(r"(?<!\S)--enable-dp-attention\b", text):
        _within(found, COMMAND)


def _begin(found: Found, match: re.Match[str]) -> None:
    found.parts.setdefault("begin", float(match.group(1)))


def _end(found: Found, match: re.Match[str]) -> None:
    """Versions before 0.4 print what is left, not what the weights took."""
    if (begin := found.parts.get("begin")) is not None and begin > (left := float(match.group(1))):
        found.put("weights_gib_per_gpu", round(begin - left, 2))


#: Who speaks: ``[2026-.. DP1 TP3 EP3]``.
_SPEAKER = re.compile(r"\[[\d :.-]*((?:[A-Z]{2}\d+ ?)*)\]")


def _speaker(match: re.Match[str]) -> str:
    told = _SPEAKER.search(match.string[:200])
    return told.group(1).strip() if told else ""


#: Ranks in a speaker's name.
_RANK = re.compile(r"([A-Z]{2})(\d{1,4})")


def _spread(found: Found, speaker: str) -> None:
    """The layout by who speaks: replicas of attention are numbered within the ranks, the model's have ranks each."""
    told = {name: int(rank) for name, rank in _RANK.findall(speaker)}
    if found.values.get("dp", (COMMAND,))[0] > COMMAND or not {"DP", "TP"} <= told.keys():
        return
    lowest = f"lowest rank of {told['DP']}"
    found.parts[lowest] = min(told["TP"], found.parts.get(lowest, told["TP"]))
    found.parts["ranks"] = max(told["TP"] + 1, found.parts.get("ranks", 1))
    first = {int(k.rpartition(" ")[2]): v for k, v in found.parts.items() if k.startswith("lowest rank of ")}
    replicas, ranks = max(first) + 1, int(found.parts["ranks"])
    if replicas == 1:
        return
    within = all(rank > 0 for replica, rank in first.items() if replica)
    found.values["dp"] = (COMMAND, replicas)
    found.values["tp"] = (COMMAND, ranks // replicas if within and ranks % replicas == 0 else ranks)
    if within:
        found.put("ep", True, COMMAND)


def _cache(found: Found, match: re.Match[str]) -> None:
    """A process's cache; pools that it makes after its memory pool ended are its draft model's."""
    tokens, *sizes = match.groups()
    size, speaker = sum(float(s) for s in sizes if s is not None), _speaker(match)
    if f"ended {speaker}" in found.parts:
        found.put("draft_kv_gib", round(size, 2), FINAL)
        if found.get("speculative") is None:
            found.note("a draft model's cache stands beside the model's: the estimate knows nothing of it")
        return
    _spread(found, speaker)
    found.put_text("kv_cache_tokens", tokens, FINAL)
    found.quote(" ".join(match.group(0).split()))
    if size:
        # A model with windows has two pools, whose memory adds up.
        found.parts[f"pool {speaker}"] = found.parts.get(f"pool {speaker}", 0.0) + size
        whole = [v for k, v in found.parts.items() if k.startswith("pool ")]
        found.values["available_kv_gib"] = (FINAL, round(min(whole), 2))


def _pools_end(found: Found, match: re.Match[str]) -> None:
    speaker = _speaker(match)
    if f"pool {speaker}" in found.parts:
        found.parts[f"ended {speaker}"] = 1.0


_GB = r" ?G(?:i)?B"

WORDINGS: tuple[Wording, ...] = (
    # 0.5.20 and later print a dictionary (entrypoints/engine.py: resolved_dict).
    wording("server_args=", r"server_args=(?:ServerArgs\(|\{)", starts=True, also=_arguments),
    wording("sglang.launch_server", r"sglang\.launch_server", also=_command),
    wording("sglang serve", r"sglang serve", also=_command),
    wording("Load weight begin", rf"Load weight begin\. avail mem=({NUMBER}) GB", also=_begin),
    wording("Load weight end", rf"Load weight end\..*?avail mem=({NUMBER}) GB", also=_end),
    wording("Load weight end", rf"Load weight end\..*?mem usage=<weights_gib_per_gpu>{_GB}", worth=FINAL),
    wording("Load weight end", r"Load weight end\..*?dtype=torch\.(?P<dtype>\w+)"),
    wording("Load weight end", r"Load weight end\..*?quant=(?P<quantization>[\w-]+)"),
    wording("Using KV cache dtype: ", r"Using KV cache dtype: (?:torch\.)?(?P<kv_cache_dtype>\w+)", worth=FINAL),
    wording(
        "KV Cache is allocated.",
        rf"KV Cache is allocated\..*?#tokens: ({COUNT}), "
        rf"(?:K size: ({NUMBER}) ?GB, V size: ({NUMBER}) ?GB|KV size: ({NUMBER}) ?GB)",
        also=_cache,
    ),
    wording(
        "KV Cache is allocated.", r"KV Cache is allocated\. dtype: (?:torch\.)?(?P<kv_cache_dtype>\w+)", worth=FINAL
    ),
    wording("Memory pool end.", r"Memory pool end\.", also=_pools_end),
    wording("max_total_num_tokens=", r"max_total_num_tokens=<#kv_cache_tokens>\b"),
    wording("max_total_num_tokens=", r"chunked_prefill_size=<#max_num_batched_tokens>\b", worth=FINAL),
    wording("max_total_num_tokens=", r"max_running_requests=<#max_num_seqs>\b", worth=FINAL),
    wording("max_total_num_tokens=", r"context_len=<#max_model_len>\b", worth=FINAL),
    wording("uda graph end", rf"[Cc]apture cuda graph end\..*?mem usage=<graph_gib>{_GB}"),
    wording("Not enough memory. Please try to increase --mem-fraction-static", "Not enough memory", outcome="oom_kv"),
    wording("leave no GPU memory for the KV cache", "leave no GPU memory for the KV cache", outcome="oom_kv"),
    wording("The server is fired up", "The server is fired up", outcome="served"),
)
