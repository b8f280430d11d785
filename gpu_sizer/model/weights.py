"""The data types in which a model was released, or those of the file that holds it."""

from __future__ import annotations

from math import prod

from gpu_sizer.model.bounds import MOST_VALUES
from gpu_sizer.model.formats import BLOCKS
from gpu_sizer.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    from gpu_sizer.model.constraints import Dimension, Id, NonNegativeInt, Text, WeightFormat


#: What inventories call the plain types of GGUF files.
PLAIN_TYPES = {
    "f16": "float16",
    "bf16": "bfloat16",
    "f32": "float32",
    "f64": "float64",
    "i8": "int8",
    "i16": "int16",
    "i32": "int32",
    "i64": "int64",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FileTensors:
    """Tensors of one shape and type that stand together in a GGUF file."""

    names: tuple[Text, ...]
    """Their names below the layer, or whole outside of the layers."""
    shape: tuple[Dimension, ...]
    """Their shape, output dimension first; that of experts begins with their number."""
    type: Id
    """Their type, as ggml calls it in lower case: q4_k, f32 ..."""

    def __post_init__(self) -> None:
        if self.type not in BLOCKS and self.type not in PLAIN_TYPES:
            raise ValueError(f"{self.type!r} is no type of tensors that is known")
        if not self.names or not self.shape or prod(self.shape) > MOST_VALUES:
            raise ValueError(f"a tensor needs a name and a shape, and at most {MOST_VALUES:,} values")
        if self.type in BLOCKS and self.shape[-1] % BLOCKS[self.type][0]:
            raise ValueError(f"a shape of {list(self.shape)} does not suit {self.type}")


@dataclass(frozen=True, slots=True, kw_only=True)
class GgufFile:
    """The tensors of a GGUF file, in place of those of the release that it was made from."""

    layers: dict[Id, tuple[FileTensors, ...]]
    """Those of a layer, by the name of its block."""
    outside: tuple[FileTensors, ...]
    """Those of no layer: embedding, head, last norm."""
    ahead: tuple[FileTensors, ...] = ()
    """Those of layers that predict tokens ahead, which are loaded for that alone."""
    ahead_layers: NonNegativeInt = 0
    """How many layers these are: the engine counts them among those that it may offload."""


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
    file: GgufFile | None = None
    """The tensors of the GGUF file that this is; null for a release."""

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
