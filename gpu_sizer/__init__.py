"""gpu_sizer: how many GPUs a language model takes, checked against what serving engines logged."""

from __future__ import annotations

__version__ = "0.1.0"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gpu_sizer.api import (
        ask,
        compare,
        estimate,
        fit_command,
        fits_on,
        load_gpu,
        load_machine,
        load_model,
        longest_context,
        memory_need,
        most_users,
        rent,
        size,
        speed,
        sweep,
        what_fits,
        which_gpu,
    )
    from gpu_sizer.errors import (
        CardError,
        DoesNotFitError,
        GpuSizerError,
        RequestError,
        UnknownGpuError,
        UnknownMachineError,
        UnknownModelError,
    )

#: Where each public name lives; a module is imported when one of its names is first used.
_HOMES = {
    "compare": "api",
    "estimate": "api",
    "fit_command": "api",
    "fits_on": "api",
    "load_gpu": "api",
    "load_machine": "api",
    "load_model": "api",
    "longest_context": "api",
    "memory_need": "api",
    "most_users": "api",
    "rent": "api",
    "size": "api",
    "speed": "api",
    "sweep": "api",
    "what_fits": "api",
    "which_gpu": "api",
    "ask": "api",
    "CardError": "errors",
    "DoesNotFitError": "errors",
    "GpuSizerError": "errors",
    "RequestError": "errors",
    "UnknownGpuError": "errors",
    "UnknownMachineError": "errors",
    "UnknownModelError": "errors",
}

__all__ = [
    "CardError",
    "DoesNotFitError",
    "GpuSizerError",
    "RequestError",
    "UnknownGpuError",
    "UnknownMachineError",
    "UnknownModelError",
    "__version__",
    "ask",
    "compare",
    "estimate",
    "fit_command",
    "fits_on",
    "load_gpu",
    "load_machine",
    "load_model",
    "longest_context",
    "memory_need",
    "most_users",
    "rent",
    "size",
    "speed",
    "sweep",
    "what_fits",
    "which_gpu",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'gpu_sizer' has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(f"gpu_sizer.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
