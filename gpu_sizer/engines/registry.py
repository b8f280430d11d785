"""Engines by name: ``vllm``, ``vllm@0.11``, ``sglang``, ``llama.cpp``."""

from __future__ import annotations

from functools import cache

from gpu_sizer.errors import RequestError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gpu_sizer.engines.engine import Engine

#: Modules and classes of the profiles, in the order in which they are listed; each is imported when it is asked for.
_ENGINES = {
    "vllm": ("gpu_sizer.engines.vllm.engine", "VllmEngine"),
    "sglang": ("gpu_sizer.engines.sglang.engine", "SglangEngine"),
    "tensorrt-llm": ("gpu_sizer.engines.tensorrt_llm.engine", "TensorrtLlmEngine"),
    "tgi": ("gpu_sizer.engines.tgi.engine", "TgiEngine"),
    "transformers": ("gpu_sizer.engines.transformers.engine", "TransformersEngine"),
    "llama.cpp": ("gpu_sizer.engines.llama_cpp.engine", "LlamaCppEngine"),
}
#: Other spellings.
_ALIASES = {
    "tensorrt_llm": "tensorrt-llm",
    "trtllm": "tensorrt-llm",
    "trt-llm": "tensorrt-llm",
    "tensorrtllm": "tensorrt-llm",
    "text-generation-inference": "tgi",
    "llama_cpp": "llama.cpp",
    "llamacpp": "llama.cpp",
    "llama-cpp": "llama.cpp",
    "hf": "transformers",
}


def engine_name(name: str) -> str:
    """The name of an engine as the project writes it; unknown ones stay as they are."""
    lowered = name.strip().lower()
    return _ALIASES.get(lowered, lowered)


@cache
def engine(name: str = "vllm") -> Engine:
    """The engine of a name, with an optional version behind ``@``.

    Raises:
        RequestError: no such engine or version.
    """
    base, at, version = name.strip().lower().partition("@")
    if at and not version:
        raise RequestError(f"engine {name!r} names no version behind the @, as in {base}@0.11")
    base = engine_name(base)
    if base not in _ENGINES:
        raise RequestError(f"unknown engine {name!r}; known: {', '.join(_ENGINES)}")
    module, kind = _ENGINES[base]
    found: Engine = getattr(__import__(module, fromlist=[kind]), kind)(version or None)
    return found


def engine_names() -> tuple[str, ...]:
    """The engines that are known."""
    return tuple(_ENGINES)
