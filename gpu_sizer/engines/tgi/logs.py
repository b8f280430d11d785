"""TGI's wording, 1.0 to 3.3: its launcher (launcher/src/main.rs), its router and its shards.

Of the router: router/src/main.rs up to 2.0, router/src/server.rs up to 2.2, then backends/v3/src/lib.rs and main.rs; of
the shards: server/text_generation_server/models/flash_causal_lm.py. The pool is told in tokens alone; weights are not
told at all. Arguments are printed as Rust does, on one line up to 1.4 and on many since 2.0.
"""

from __future__ import annotations

import re

from gpu_sizer.engines.wording import ARGUMENTS, COMMAND, CONFIG, FINAL, LOADED, PREFIX, Found, source_line, wording

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gpu_sizer.engines.wording import Wording

NAME = "tgi"

#: Keys of a record, and the launcher's arguments as Rust prints them.
_ARGUMENTS = {
    "model": "model_id",
    "tp": "num_shard",
    "dtype": "dtype",
    "quantization": "quantize",
    "kv_cache_dtype": "kv_cache_dtype",
    "max_model_len": "max_total_tokens",
    "max_num_batched_tokens": "max_batch_prefill_tokens",
    "max_num_seqs": "max_batch_size",
    "gpu_memory_utilization": "cuda_memory_fraction",
}
#: Arguments that change the memory and that the estimate does not know.
_UNMODELLED = {"speculate": "what drafts", "lora_adapters": "adapters"}
#: Arguments that a version brought, and the last line that prints none of that name.
_BROUGHT = (
    ("prometheus_port", "3.2"),
    ("enable_prefill_logprobs", "2.4"),
    ("usage_stats", "2.2"),
    ("lora_adapters", "2.0"),
    ("cuda_graphs", "1.4"),
    ("speculate", "1.2"),
)
#: Parts of a name that stands for an argument's value: ``BitsandbytesNF4``, ``CompressedTensors``.
_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_SPACE = r"(?:\\+n|\s)*"


def _argument(text: str, name: str) -> str | None:
    """The value of an argument, with or without ``Some``, and with quotes and line ends escaped or not."""
    argument = re.search(rf'\b{name}: (?:Some\({_SPACE})?(?:\\*")?([^\s"\\,()\u2502]+)', text)
    return argument[1] if argument is not None and argument[1] != "None" else None


def _arguments(found: Found, match: re.Match[str]) -> None:
    text = match.string[match.start() :]
    for key, name in _ARGUMENTS.items():
        if (value := _argument(text, name)) is not None:
            found.put_text(key, value if key == "model" else _WORDS.sub("-", value).lower(), ARGUMENTS)
    if (kind := found.get("dtype")) is not None:
        found.values["dtype"] = (ARGUMENTS, kind.replace("b-float", "bfloat"))
    if _argument(text, "sharded") == "false":
        found.put("tp", 1, ARGUMENTS)
    if re.search(rf"cuda_graphs: Some\({_SPACE}\[{_SPACE}0{_SPACE},?{_SPACE}\]", text):
        found.put("enforce_eager", True, ARGUMENTS)
    for name, what in _UNMODELLED.items():
        if _argument(text, name) is not None:
            found.note(f"{name} is set: the estimate knows nothing of {what}")
    # Of a list that was cut off nothing is missing.
    if "max_waiting_tokens: " in text and re.search(r"\benv: (?:true|false)\b", text):
        for name, last in _BROUGHT:
            if f"{name}: " not in text:
                found.worded_until(last)


def _command(found: Found, match: re.Match[str]) -> None:
    """A command line in the text around a log."""
    text = match.string[match.start() :]
    for key, name in _ARGUMENTS.items():
        if (told := re.search(rf"(?<!\S)--{name.replace('_', '-')}[ =]([\w./:-]+)", text)) is not None:
            found.put_text(key, told[1], COMMAND)


def _shard(found: Found, match: re.Match[str]) -> None:
    """A shard that speaks is one of those that there are."""
    worth, kept = found.values.get("tp", (PREFIX, 0))
    if worth == PREFIX:
        found.values["tp"] = (PREFIX, max(kept, int(match[1]) + 1))


def _loaded(found: Found, _: re.Match[str]) -> None:
    found.parts[LOADED] = 1.0


def _given(found: Found, _: re.Match[str]) -> None:
    found.parts["given"] = 1.0
    found.note("the model has no paged cache in TGI: its batch of tokens is a setting, not what the memory holds")


def _pool(found: Found, match: re.Match[str]) -> None:
    """Tokens of the pool, where the shards measured them."""
    if "given" not in found.parts:
        found.put_text("kv_cache_tokens", match[1], FINAL)
        found.quote(" ".join(match[0].split()))
    found.put("outcome", "served")


def _too_few(found: Found, match: re.Match[str]) -> None:
    """The router's words after a warm-up; before it, the launcher's of a setting."""
    if LOADED in found.parts:
        found.put_text("max_model_len", match[1], FINAL)
        found.put_text("kv_cache_tokens", match[2], FINAL)
        found.put("outcome", "oom_kv")
    else:
        found.put("outcome", "error_other")


def _warm_up(found: Found, match: re.Match[str]) -> None:
    found.put_text("max_num_batched_tokens", match[1], CONFIG)
    found.put("outcome", "oom_kv")
    found.note(f"the warm-up found no memory for a prefill of {int(match[1]):,} tokens beside the weights")


#: Behind the name of what speaks: the file and line since 1.0, in a form of its own as JSON.
_ROUTER = r"text_generation_router\S*: (?:\S+?\.rs:\d+: )?"

WORDINGS: tuple[Wording, ...] = (
    *source_line("tgi"),
    wording("Args {", r"\bArgs \{.*?\bmodel_id: ", starts=True, also=_arguments),
    wording("text-generation-", r"text-generation-(?:launcher|inference).*?(?<!\S)--model-id[ =]", also=_command),
    wording(
        "text-generation-inference:",
        r"text-generation-inference: ?v?(?P<engine_version>\d+\.\d+(?:\.\d+)?)\b",
        worth=COMMAND,
    ),
    wording("TGI ", r"\bTGI (?:version:? ?)?v?(?P<engine_version>\d+\.\d+(?:\.\d+)?)\b", worth=COMMAND),
    wording("Sharding model on ", r"Sharding model on <#tp> processes", worth=FINAL),
    wording("shard-manager", r"shard-manager.*?\brank\W{0,4}(\d{1,3})\b", also=_shard),
    wording(" of model ", r"Serving revision \S+ of model (?P<model>[^\s\"]+)"),
    wording(" process for ", r"(?:check and )?download process for (?P<model>[^\s\"]+)"),
    wording("`max_total_tokens` to", r"Default `max_total_tokens` to <#max_model_len>\b", worth=CONFIG),
    wording("otal tokens defaulted to", r"Maximum total tokens defaulted to <#max_model_len>\b", worth=FINAL),
    wording(
        "`max_batch_prefill_tokens` to",
        r"Default `max_batch_prefill_tokens` to <#max_num_batched_tokens>\b",
        worth=CONFIG,
    ),
    wording("max_prefill_tokens=", r"\bmax_prefill_tokens=(?:Some\()?<#max_num_batched_tokens>\b", worth=CONFIG),
    wording("max_prefill_tokens=", r"\bmax_total_tokens=(?:Some\()?<#max_model_len>\b", worth=CONFIG),
    wording("Warming up model", r"Warming up model\b", also=_loaded),
    wording("Method Warmup encountered", r"Method Warmup encountered an error", also=_loaded),
    wording("automatic max batch total", r"Model does not support automatic max batch total tokens", also=_given),
    wording("KV-cache blocks: ", r"KV-cache blocks: <#gpu_blocks>, size: <#block_size>\b", worth=FINAL),
    wording("max batch total tokens", r"Inferred max batch total tokens: (\d{1,12})\b", also=_pool),
    wording("max batch total tokens", r"Setting max batch total tokens to (\d{1,12})\b", also=_pool),
    wording("Not enough memory to handle", r"Not enough memory to handle (\d{1,12}) prefill tokens", also=_warm_up),
    wording(
        "Not enough memory to handle",
        r"Not enough memory to handle (?:\d{1,12}) total tokens with (\d{1,12}) prefill tokens",
        also=_warm_up,
    ),
    wording(
        "Not enough memory to handle",
        r"Not enough memory to handle `max_total_tokens=<#max_model_len>`",
        worth=FINAL,
        outcome="oom_kv",
    ),
    wording(
        "`max_total_tokens` must be <=",
        r"`max_total_tokens` must be <= `max_batch_total_tokens`\. Given: (\d{1,12}) and (\d{1,12})",
        also=_too_few,
    ),
    wording("ArgumentValidation(", r"ArgumentValidation\(", outcome="error_other"),
    wording("NotEnoughCUDADevices(", r"NotEnoughCUDADevices\(", outcome="error_other"),
    wording(" failed to start", r"Shard \d{1,4} failed to start", outcome="error_other"),
    wording("ShardCannotStart", r"Error: ShardCannotStart", outcome="error_other"),
    wording("Webserver Crashed", r"Webserver Crashed", outcome="error_other"),
    wording("Connected", rf"{_ROUTER}Connected\b", outcome="served"),
    wording("Connected", r'"message":"Connected","target":"text_generation_router', outcome="served"),
)
