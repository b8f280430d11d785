"""llama-swap: an entry of its configuration, which starts the engine when a request names the model.

Keys as in config-schema.json of mostlygeek/llama-swap. It replaces ``${NAME}`` in commands, of which ``${PORT}`` is the
port that it chose.
"""

from __future__ import annotations

import shlex
from typing import Any

from gpu_sizer.deploy.limits import one_machine
from gpu_sizer.deploy.options import pairs
from gpu_sizer.deploy.serving import Serving
from gpu_sizer.deploy.text import comment, one_line, yaml_documents
from gpu_sizer.errors import RequestError

#: As in `gpu-sizer deploy --as`.
NAME = "llama-swap"
#: The least that it waits for a start.
LEAST_WAIT = 15


def render(serving: Serving) -> str:
    """The configuration."""
    one_machine(serving, "llama-swap")
    if "${" in serving.weights or not serving.weights.isprintable():
        raise RequestError(f"llama-swap takes names without ${{...}} on one line, not {serving.weights[:60]!r}")
    port = next(values[0] for option, values in pairs(serving.command) if option == "--port")
    words = list(serving.command)
    words[words.index("--port") + 1] = "${PORT}"
    # Requests come from llama-swap alone, on the same machine.
    if "--host" in words:
        words[words.index("--host") + 1] = "127.0.0.1"
    elif serving.starter.title == "vLLM":
        words += ["--host", "127.0.0.1"]
    command = " ".join(word if word == "${PORT}" else shlex.quote(word) for word in words)
    model: dict[str, Any] = {
        "cmd": command,
        "name": one_line(serving.title)[:128],
        "checkEndpoint": "/health",
    }
    config = {"healthCheckTimeout": max(LEAST_WAIT, serving.start_seconds), "models": {serving.name: model}}
    notes = [
        *serving.header(container=False),
        "llama-swap --config FILE: it starts the engine for the first request that names the model.",
        f"The port is llama-swap's choice, not {port}; llama-swap itself asks clients for a key (apiKeys).",
        f"{serving.shown} must be on the machine's PATH.",
    ]
    return comment(notes) + yaml_documents([config])
