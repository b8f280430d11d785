"""How each engine is started: one module an engine, found by the name of the plan's engine."""

from __future__ import annotations

from importlib import import_module

from gpu_sizer.errors import RequestError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gpu_sizer.deploy.engines.starter import Starter

#: Engines by the names that plans use, and their modules here.
_MODULES = {
    "vllm": "vllm",
    "sglang": "sglang",
    "tensorrt-llm": "tensorrt_llm",
    "tgi": "tgi",
    "llama.cpp": "llama_cpp",
}


def starter_of(engine: str) -> Starter:
    """How an engine is started.

    Raises:
        RequestError: an engine without a server of its own.
    """
    if engine not in _MODULES:
        raise RequestError(f"{engine} has no server that could be started; those have: {', '.join(_MODULES)}")
    found: Starter = import_module(f"gpu_sizer.deploy.engines.{_MODULES[engine]}").STARTER
    return found
