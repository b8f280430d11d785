"""Ollama: a Modelfile with the context that was planned (docs/modelfile.mdx of ollama/ollama).

Ollama runs llama.cpp's kernels and places layers itself; what a Modelfile cannot say are settings of its server, told
in comments (envconfig/config.go: OLLAMA_NUM_PARALLEL, OLLAMA_KV_CACHE_TYPE, OLLAMA_FLASH_ATTENTION).
"""

from __future__ import annotations

import re

from gpu_sizer.deploy.limits import engine_alone, one_machine
from gpu_sizer.deploy.options import pairs
from gpu_sizer.deploy.serving import Serving
from gpu_sizer.deploy.text import comment
from gpu_sizer.errors import RequestError

#: As in `gpu-sizer deploy --as`.
NAME = "ollama"
#: Types of the cache that its server takes.
CACHE_TYPES = ("f16", "q8_0", "q4_0")
#: More layers than any model has: all of them.
ALL_LAYERS = 999
_PLAIN = re.compile(r"[A-Za-z0-9._/:@-]+")


def render(serving: Serving) -> str:
    """The file."""
    engine_alone(serving, "Ollama", "llama.cpp")
    one_machine(serving, "Ollama")
    if not _PLAIN.fullmatch(serving.weights):
        raise RequestError(f"a Modelfile takes plain names, not {serving.weights[:60]!r}")
    told = {option: values[0] for option, values in pairs(serving.command) if values}
    s = serving.fit.settings
    if (kind := told["--cache-type-k"]) not in CACHE_TYPES and kind != "bf16":
        raise RequestError(f"Ollama has caches of {', '.join(CACHE_TYPES)}, not of {kind}")
    source = told.get("--model") or f"hf.co/{told['--hf-repo']}"
    server = [f"OLLAMA_NUM_PARALLEL={s.users}"]
    if kind in CACHE_TYPES and kind != "f16":
        server += ["OLLAMA_FLASH_ATTENTION=1", f"OLLAMA_KV_CACHE_TYPE={kind}"]
    notes = [
        *serving.header(container=False),
        f"ollama create {serving.name} -f FILE, then: ollama run {serving.name}",
        f"The server's own settings are variables of ollama serve: {' '.join(server)}",
        "It listens on this machine alone, and asks for no key: OLLAMA_HOST opens it.",
    ]
    return (
        comment(notes)
        + f"FROM {source}\n"
        + f"PARAMETER num_ctx {s.context}\n"
        + f"PARAMETER num_batch {s.max_num_batched_tokens}\n"
        + f"PARAMETER num_gpu {ALL_LAYERS}\n"
    )
