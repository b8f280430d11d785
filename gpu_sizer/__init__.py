"""gpu_sizer: how many GPUs a language model takes, checked against what serving engines logged."""

from gpu_sizer.api import estimate, load_gpu, load_model, size
from gpu_sizer.errors import (
    CardError,
    DoesNotFitError,
    GpuSizerError,
    RequestError,
    UnknownGpuError,
    UnknownModelError,
)
from gpu_sizer.queries.answers import ask

__version__ = "0.1.0"

__all__ = [
    "CardError",
    "DoesNotFitError",
    "GpuSizerError",
    "RequestError",
    "UnknownGpuError",
    "UnknownModelError",
    "__version__",
    "ask",
    "estimate",
    "load_gpu",
    "load_model",
    "size",
]
