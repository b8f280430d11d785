"""vLLM's wording, 0.4 to 0.32, both generations of the engine.

From vllm/v1/worker/gpu_worker.py, v1/worker/gpu_model_runner.py, v1/core/kv_cache_utils.py, config/compilation.py
and, for the first generation, vllm/worker/worker.py, executor/*_executor.py. Sizes that it printed as GB before
0.8.5 are GiB (divided by ``1 << 30``).
"""

from __future__ import annotations

import re

from gpu_sizer.engines.vllm.command_line import COMMAND_LINE, RANK, SLOTS, speculation_of
from gpu_sizer.engines.wording import (
    ARGUMENTS,
    COMMAND,
    CONFIG,
    FINAL,
    LOAD_NAMES,
    NUMBER,
    PREFIX,
    Found,
    Wording,
    option_value,
    setting,
    source_line,
    wording,
)

NAME = "vllm"

#: Keys of a record, and the names under which vLLM prints them.
_SETTINGS = {
    "dtype": ("dtype",),
    "quantization": ("quantization",),
    "kv_cache_dtype": ("kv_cache_dtype",),
    "max_model_len": ("max_seq_len", "max_model_len"),
    "tp": ("tensor_parallel_size",),
    "pp": ("pipeline_parallel_size",),
    "dp": ("data_parallel_size",),
    "ep": ("enable_expert_parallel",),
    "gpu_memory_utilization": ("gpu_memory_utilization",),
    "max_num_seqs": ("max_num_seqs",),
    "max_num_batched_tokens": ("max_num_batched_tokens",),
    "enforce_eager": ("enforce_eager",),
    "block_size": ("block_size",),
}
#: Settings that change the memory and that the estimate does not know.
_UNMODELLED = {
    "num_gpu_blocks_override": "a number of blocks set by hand",
}
#: Settings of a load that vLLM calls otherwise.
_OTHERWISE = {"prefix_caching": "enable_prefix_caching", "cpu_offload_gib": "cpu_offload_gb"}
_OFF = (None, "False", "false", "0", "0.0")
#: The configuration of what drafts, as a dictionary or as its class prints it.
_SPECULATIVE = re.compile(r"speculative_config['\"]?\s?[=:]\s?(?:SpeculativeConfig\(|\{)([^})]{0,600})")
#: Options of a command line without a value that are settings.
_SWITCHES = {f: told for f, told in COMMAND_LINE.switches.items() if told[0] in LOAD_NAMES}


def _dump(found: Found, text: str, worth: int) -> None:
    """Settings of a dump, whatever its form."""
    for name in ("model", "model_tag", "served_model_name"):
        if (value := setting(text, name)) is not None:
            found.put_text("served" if name == "served_model_name" else "model", value, worth)
    for key, names in _SETTINGS.items():
        if (value := setting(text, *names)) is not None:
            found.put_text(key, value.removeprefix("torch."), worth)
    for name, option in LOAD_NAMES.items():
        if name not in _SETTINGS and (value := setting(text, _OTHERWISE.get(name, name))) is not None:
            found.put(name, option_value(option, value), worth)
    if setting(text, "enable_lora") == "True":
        slots, rank = setting(text, "max_loras") or SLOTS, setting(text, "max_lora_rank") or RANK
        found.put("lora", f"{slots}x{rank}", worth)
    if (told := _SPECULATIVE.search(text)) is not None:
        put_speculation(found, told[1], worth)
    for name, what in _UNMODELLED.items():
        if setting(text, name) not in _OFF or f"{name}={{" in text or f"'{name}': {{" in text:
            found.note(f"{name} is set: the estimate knows nothing of {what}")


def put_speculation(found: Found, text: str, worth: int) -> None:
    """What drafts, from a dump of its configuration."""
    asked, why = speculation_of(
        setting(text, "method"), setting(text, "model"), setting(text, "num_speculative_tokens", "num_spec_tokens")
    )
    found.put("speculative", asked, worth)
    if why is not None:
        found.note(why)


def _defaults(found: Found) -> None:
    """Parallel sizes that a list of what is not default does not name."""
    for key in ("tp", "pp", "dp"):
        found.put(key, 1, PREFIX)


def _config(found: Found, match: re.Match[str]) -> None:
    _dump(found, match.string[match.start() :], CONFIG)


def _arguments(found: Found, match: re.Match[str]) -> None:
    _dump(found, match.string[match.start() :], ARGUMENTS)
    _defaults(found)


_FLAGS = {
    "tp": r"--tensor[-_]parallel[-_]size|-tp",
    "pp": r"--pipeline[-_]parallel[-_]size|-pp",
    "dp": r"--data[-_]parallel[-_]size|-dp",
    "gpu_memory_utilization": r"--gpu[-_]memory[-_]utilization",
    "max_model_len": r"--max[-_]model[-_]len",
    "max_num_seqs": r"--max[-_]num[-_]seqs",
    "max_num_batched_tokens": r"--max[-_]num[-_]batched[-_]tokens",
    "kv_cache_dtype": r"--kv[-_]cache[-_]dtype",
    "quantization": r"--quantization|-q",
    "dtype": r"--dtype",
    "block_size": r"--block[-_]size",
}


def _consumed(found: Found, match: re.Match[str]) -> None:
    """Weights and what lies outside of PyTorch, in one figure; the weights alone were told before."""
    weights, rest = found.get("weights_gib_per_gpu"), float(match.group(1))
    if weights is not None and rest >= weights:
        found.put("non_torch_gib", round(rest - weights, 2))


def _in_use(found: Found, match: re.Match[str]) -> None:
    size = float(match.group(1))
    found.put("available_kv_gib", round(size if match.group(2) == "GiB" else size / 2**30, 2))


def _command(found: Found, match: re.Match[str]) -> None:
    """A command line that stands in the text around a log."""
    text = match.string[match.start() :]
    named = match.group(1) or ((m := re.search(r"--model[ =](\S+)", text)) and m.group(1))
    if named:
        found.put_text("model", named.strip("'\"`"), COMMAND)
    for key, flag in _FLAGS.items():
        if (m := re.search(rf"(?<!\S)(?:{flag})[ =]([\w.]+)", text)) is not None:
            found.put_text(key, m.group(1), COMMAND)
    for flag, (key, value) in _SWITCHES.items():
        if re.search(rf"(?<!\S){flag.replace('-', '[-_]')}(?!\S)", text):
            found.put(key, value, COMMAND)
    if re.search(r"--enable[-_]expert[-_]parallel", text):
        found.put("ep", True, COMMAND)
    if named:
        _defaults(found)


_GIB = r" ?(?P<unit>[GM]i?B)"
#: A build from sources without their tags calls itself 0.1.dev19754: that tells no release.
_UNTAGGED = r"v?0\.1\.dev"
_VERSION = rf"(?!{_UNTAGGED})(?P<engine_version>v?\d+\.\d+[\w.+]*)"

WORDINGS: tuple[Wording, ...] = (
    *source_line("vllm"),
    wording("vLLM API server version", rf"vLLM API server version {_VERSION}", starts=True),
    wording("  version ", rf"[█▀▄]\s+version\s+{_VERSION}", starts=True),
    wording("  model   ", r"[█▀▄]\s+model\s+(?P<model>\S+)"),
    wording("vLLM server version", rf"vLLM server version {_VERSION}"),
    # Reports of the environment, and words around a log.
    wording("vLLM Version", rf"vLLM Version\s*: *{_VERSION}", worth=COMMAND),
    wording("vllm-openai:", r"vllm-openai:(?P<engine_version>v\d+\.\d+[\w.]*)", worth=COMMAND),
    wording("vLLM ", rf"\bvLLM (?:version:? )?{_VERSION}(?<!\.)", worth=COMMAND),
    wording("vllm==", r"\bvllm==(?P<engine_version>\d+\.\d+[\w.+]*)", worth=COMMAND),
    wording("non-default args: ", r"non-default args: ", also=_arguments),
    wording("args: Namespace(", r"args: Namespace\(", also=_arguments),
    wording(
        "with config: ",
        r"Initializing an? (?:(?P<engine_generation>V[01]) )?(?:LLM )?[Ee]ngine "
        rf"(?:\((?:{_UNTAGGED}[^)]*|v?(?P<engine_version>\d+\.\d+[\w.+]*))\) )?with config: ",
        worth=CONFIG,
        starts=True,
        also=_config,
    ),
    # Before 0.7 there was one generation, and it was not named.
    wording("Initializing an LLM engine", r"Initializing an LLM engine", engine_generation="V0", also=_config),
    wording("vllm serve ", r"vllm serve +(?!-)(\S+)", also=_command),
    wording("vllm.entrypoints", r"vllm\.entrypoints\.\S+()", also=_command),
    wording("Starting to load model ", r"Starting to load model (?P<model>\S+?)\.\.\.", worth=COMMAND),
    wording("weights took ", rf"(?:Loading|loading) model weights took <weights_gib_per_gpu>{_GIB}", worth=FINAL),
    wording("Model loading took ", rf"Model loading took <weights_gib_per_gpu>{_GIB}", worth=FINAL),
    # Later versions: "took 1.12 GiB memory and ..."; records of both stand in the evidence.
    wording("Model loading took ", rf"Model loading took {NUMBER} GiB and {NUMBER} sec", until="0.11"),
    wording("model weights take", rf"model weights take\s+<weights_gib_per_gpu>{_GIB}"),
    wording("weights memory: ", rf"weights memory: <weights_gib_per_gpu>{_GIB}"),
    wording("GiB for weight", rf"usage is <weights_gib_per_gpu>{_GIB} for weight"),
    wording("total_gpu_memory", rf"total_gpu_memory[\s=(]+<gpu_total_gib>{_GIB}", engine_generation="V0"),
    wording("gpu_memory_utilization (", r"gpu_memory_utilization \(<gpu_memory_utilization>\)"),
    wording("gpu_memory_utilization=", r"gpu_memory_utilization=<gpu_memory_utilization>"),
    wording("non_torch_memory", rf"non_torch_memory(?: takes)?[\s=]+<non_torch_gib>{_GIB}"),
    wording("GiB for non-torch", rf"<non_torch_gib>{_GIB} for non-torch memory"),
    wording("activation peak memory", rf"activation peak memory(?: takes)?\s+<activation_peak_gib>{_GIB}"),
    wording("torch peak memory increase: ", rf"torch peak memory increase: <activation_peak_gib>{_GIB}"),
    wording("for peak activation", rf"<activation_peak_gib>{_GIB} for peak activation"),
    wording(
        "reserved for KV Cache is", rf"reserved for KV Cache is\s+<available_kv_gib>{_GIB}", engine_generation="V0"
    ),
    wording(
        "available_kv_cache_memory", rf"available_kv_cache_memory[\s=]+<available_kv_gib>{_GIB}", engine_generation="V0"
    ),
    wording("kv_cache_size=", rf"\bkv_cache_size=<available_kv_gib>{_GIB}"),
    wording(
        "Available KV cache memory: ",
        rf"Available KV cache memory: <available_kv_gib>{_GIB}",
        worth=FINAL,
        engine_generation="V1",
    ),
    wording(
        "memory for KV Cache as specified",
        rf"reserved <available_kv_gib>{_GIB} memory for KV Cache as specified by kv_cache_memory_bytes",
        worth=FINAL,
        engine_generation="V1",
        also=lambda found, _: found.note("kv_cache_memory_bytes is set: the cache is not what the memory would leave"),
    ),
    wording(
        " KV cache size: ",
        r"[A-Z]+(?: \+ host)? KV cache size: <#kv_cache_tokens> tokens",
        worth=FINAL,
        engine_generation="V1",
    ),
    wording(
        "Maximum concurrency for ", r"Maximum concurrency for <#max_model_len> tokens per request: <max_concurrency>x"
    ),
    wording(" blocks: ", r"# (?!CPU)\w+ blocks: <#gpu_blocks>\b"),
    wording(", # CPU blocks: ", r", # CPU blocks: \d", engine_generation="V0"),
    wording("num_gpu_blocks is: ", r"num_gpu_blocks is: <#gpu_blocks>\b"),
    wording("CUDAGraph memory", rf"<graph_gib>{_GIB} for CUDAGraph memory"),
    wording("for consumed memory", rf"({NUMBER}) ?GiB for consumed memory", also=_consumed),
    wording("kv cache memory in use is", r"kv cache memory in use is (\d[\d.]{0,20}) (GiB|bytes)", also=_in_use),
    wording(
        "The current --gpu-memory-utilization=",
        r"The current --gpu-memory-utilization=<gpu_memory_utilization>",
        worth=FINAL,
    ),
    wording("Graph capturing finished", rf"Graph capturing finished in \d+ secs?, took <graph_gib>{_GIB}", worth=FINAL),
    wording("Using max model len ", r"Using max model len <#max_model_len>\b"),
    wording(
        "Auto-fit max_model_len: reduced",
        r"Auto-fit max_model_len: reduced from \d+ to <#max_model_len>\b",
        worth=FINAL,
    ),
    wording(
        "max_num_batched_tokens=",
        r"hunked prefill is enabled(?: with|.*?) ?\(?max_num_batched_tokens=<#max_num_batched_tokens>\b",
        worth=ARGUMENTS,
    ),
    wording("Free memory on device", rf"Free memory on device[^(\n]{{0,20}}\([\d.]+/<gpu_total_gib>{_GIB}\)"),
    wording(
        "utilization is (",
        r"[Dd]esired GPU memory utilization is \(<gpu_memory_utilization>, ",
    ),
    wording(
        "less than desired GPU memory utilization",
        r"less than desired GPU memory utilization \(<gpu_memory_utilization>, ",
        outcome="error_other",
        also=lambda found, _: found.note("another process holds part of the GPU's memory: the engine refused to start"),
    ),
    wording("max seq len (", r"with the models?'s max seq len \(<#max_model_len>\)", worth=FINAL),
    wording(
        "cache is needed, which is larger",
        rf"<needed_kv_gib>{_GIB} KV\s+cache is needed, which is larger than the "
        r"available KV\s+cache\s+memory \(<available_kv_gib> ?GiB",
        worth=FINAL,
        outcome="oom_kv",
    ),
    wording("Engine core initialization failed", r"Engine core initialization failed", outcome="error_other"),
    wording("Engine process failed to start", r"Engine process failed to start", outcome="error_other"),
    wording(
        "that can be stored in KV cache",
        r"max seq len \(<#max_model_len>\) is larger than the maximum number of tokens that can be stored in KV cache "
        r"\(<#kv_cache_tokens>\)",
        worth=FINAL,
        outcome="oom_kv",
    ),
    wording(
        " cache blocks",
        r"max_num_seqs \(<#max_num_seqs>\) exceeds (?:the )?available (?:Mamba|state) cache blocks \(<#gpu_blocks>\)",
        worth=FINAL,
        outcome="oom_kv",
    ),
    wording("No available memory for the cache blocks", r"No available memory for the cache blocks", outcome="oom_kv"),
    wording("Cannot auto-fit max_model_len", r"Cannot auto-fit max_model_len", outcome="oom_kv"),
    wording("init engine (profile", r"init engine \(profile", outcome="served"),
    wording("Starting vLLM", r"Starting vLLM (?:API )?server", outcome="served"),
)
