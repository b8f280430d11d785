"""The data types in which a model was released."""

from __future__ import annotations

from gpu_sizer.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    from gpu_sizer.model.constraints import Text, WeightFormat

#: The matrices of every layer.
EVERYWHERE = ("layers.*",)


@dataclass(frozen=True, slots=True, kw_only=True)
class FormatRule:
    """Tensors that are stored in another format than the card's main type."""

    tensors: tuple[Text, ...]
    """Patterns (``*`` matches anything) of tensor names, ``layers.{layer}.mlp.experts.*`` ..."""
    format: WeightFormat
    """The format of the linear weights that match; the first rule that matches holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """Data types in which the weights were released."""

    dtype: Literal["bfloat16", "float16", "float32"]
    """Type of every tensor that no rule names, and of computation."""
    rules: tuple[FormatRule, ...] = ()
    """Groups of linear weights in another format, as released."""
    kv_cache_dtype: Literal["float8"] | None = None
    """A cache type that the checkpoint itself asks for."""

    file_type: Text | None = None
    """The type of the GGUF file in which the model is asked for by name (``q4_k_m``): read by llama.cpp, unless another
    engine or type is asked for."""

    def everywhere(self, fmt: WeightFormat, *, float8_cache: bool = False) -> Weights:
        """The same with every layer's matrices in one format, and a float8 cache if the checkpoint asks for it."""
        rules = (FormatRule(tensors=EVERYWHERE, format=fmt),)
        return Weights(dtype=self.dtype, rules=rules, kv_cache_dtype="float8" if float8_cache else self.kv_cache_dtype)

    @property
    def format_everywhere(self) -> WeightFormat | None:
        """The one format of every layer's matrices; null where there is none, or several."""
        only = self.rules[0] if len(self.rules) == 1 else None
        return only.format if only is not None and only.tensors == EVERYWHERE else None

    @property
    def cache_dtype(self) -> str:
        """The type of the cache where nobody asks for another."""
        return self.kv_cache_dtype or self.dtype
