"""Quantized GGUF files: which tensor is stored in which type, and how many bytes that takes.

A file's type is a mixture of those of its tensors (src/llama-quant.cpp: ``llama_tensor_get_type_impl``, without an
importance matrix). A file that is there tells its own (:mod:`gpu_sizer.importers.gguf`).
"""

from __future__ import annotations

from math import prod

from gpu_sizer.model.formats import BLOCKS, ELEMENT_BYTES, storage_bytes
from gpu_sizer.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gpu_sizer.model.tensor import Tensor

#: What a row takes that is no whole number of blocks (``tensor_type_fallback``).
FALLBACK = {"q2_k": "q4_0", "q3_k": "q4_0", "q4_k": "q5_0", "q5_k": "q5_1", "q6_k": "q8_0", "iq4_xs": "iq4_nl"}
#: A file's type -> that of the tensors for which nothing else is said (``llama_ftype_get_default_type``).
FILE_TYPES = {
    **{t: t for t in ("q4_0", "q4_1", "q5_0", "q5_1", "q8_0", "q6_k", "iq4_nl", "iq4_xs", "q2_k")},
    **dict.fromkeys(("q3_k_s", "q3_k_m", "q3_k_l"), "q3_k"),
    **dict.fromkeys(("q4_k_s", "q4_k_m"), "q4_k"),
    **dict.fromkeys(("q5_k_s", "q5_k_m"), "q5_k"),
}
#: What people write for a file's type; ``Q4_K`` is Q4_K_M to llama-quantize, and Ollama's ``q4`` is the same.
NAMES = {
    **{t: t for t in FILE_TYPES},
    "q2": "q2_k",
    "q3": "q3_k_m",
    "q4": "q4_k_m",
    "q5": "q5_k_m",
    "q6": "q6_k",
    "q8": "q8_0",
    "q3_k": "q3_k_m",
    "q4_k": "q4_k_m",
    "q5_k": "q5_k_m",
    **{t.replace("_", ""): t for t in FILE_TYPES},
}
#: Experts of Mixtral, for which the mixtures have rules of their own.
_EIGHT = 8
#: Layers of the models that llama.cpp calls 70B.
_LAYERS_OF_70B = 80
#: Scaled formats that GGUF has as they were released (ggml/include/ggml.h: GGML_TYPE_MXFP4).
KEPT = ("mxfp4",)
_FEW = ("q3_k_s", "q3_k_m", "q4_k_s", "q4_k_m", "q2_k", "iq4_nl", "iq4_xs")


def file_type(name: str) -> str | None:
    """The file's type that a name means: ``Q4_K_M``; null for other names."""
    return NAMES.get(name.lower().replace("-", "_"))


@dataclass(frozen=True, slots=True)
class Mixture:
    """One file's type for one model.

    Attributes:
        name: the file's type.
        layers: layers of the model.
        experts: experts of a layer; 1 where it has none.
        grouped: query heads that share one head of values, at least.
        tied: the head is the embedding.
    """

    name: str
    layers: int
    experts: int = 1
    grouped: int = 1
    tied: bool = False

    def _more(self, layer: int) -> bool:
        """Whether a layer is one of those that get more bits."""
        n = self.layers
        return layer < n // 8 or layer >= 7 * n // 8 or (layer - n // 8) % 3 == 2

    def _values(self, layer: int, base: str) -> str:
        file_type = base
        if self.name == "q2_k":
            file_type = "q4_k" if self.grouped >= 4 else "q3_k"
        elif self.name == "q3_k_m":
            file_type = "q5_k" if layer < 2 else "q4_k"
        elif self.name == "q3_k_l" or (self.name in ("iq4_nl", "iq4_xs") and self.grouped >= 4):
            file_type = "q5_k"
        elif self.name in ("q4_k_m", "q5_k_m") and self._more(layer):
            file_type = "q6_k"
        elif self.name == "q4_k_s" and layer < 4:
            file_type = "q5_k"
        if self.layers == _LAYERS_OF_70B and file_type in ("q3_k", "q4_k"):
            file_type = "q5_k"
        return "q8_0" if self.experts == _EIGHT else file_type

    def _down(self, layer: int, base: str) -> str:
        early = layer < self.layers // 8
        if self.name == "q2_k":
            return "q3_k"
        if self.name == "q3_k_m":
            return "q5_k" if layer < self.layers // 16 else "q4_k"
        if self.name == "q3_k_l" or (early and self.name in ("q4_k_s", "iq4_nl", "iq4_xs")):
            return "q5_k"
        return "q6_k" if self.name in ("q4_k_m", "q5_k_m") and self._more(layer) else base

    def _output(self, base: str) -> str:
        if self.experts == _EIGHT:
            return "q5_k" if self.name in _FEW else base
        return {"q2_k": "q3_k", "q3_k_m": "q4_k", "q3_k_l": "q5_k"}.get(self.name, base)

    def type_of(self, tensor: Tensor, layer: int) -> str:
        """The type in which a matrix is stored; the embedding and the head stand in no layer, so theirs is not used."""
        base, name = FILE_TYPES[self.name], tensor.name
        if "lm_head" in name or (self.tied and "embed_tokens" in name and not _is_table(tensor)):
            return "q8_0" if base == "q8_0" or tensor.shape[-1] % BLOCKS[base][0] else "q6_k"
        if "v_proj" in name or "kv_b_proj" in name:
            return self._values(layer, base)
        if "k_proj" in name:
            return "q8_0" if self.experts == _EIGHT else base
        if "down_proj" in name:
            return self._down(layer, base)
        if "qkv_proj" in name:
            return {"q3_k_m": "q4_k", "q3_k_l": "q4_k", "q4_k_m": "q5_k", "q5_k_m": "q6_k"}.get(self.name, base)
        return self._output(base) if "o_proj" in name else base

    def bytes_of(self, tensor: Tensor, layer: int = 0) -> int:
        """Bytes of a tensor with all its copies."""
        if tensor.fmt in KEPT:
            return storage_bytes(tensor.shape, tensor.fmt) * tensor.copies
        matrix = len(tensor.shape) > 1 and (tensor.is_linear or tensor.is_vocabulary or _is_table(tensor))
        if not matrix or tensor.part in ("router", "norms") or "embed_positions" in tensor.name:
            return prod(tensor.shape) * ELEMENT_BYTES["float32"] * tensor.copies
        *outer, rows, columns = tensor.shape
        return prod(outer) * rows * row_bytes(self.type_of(tensor, layer), columns) * tensor.copies


def _is_table(tensor: Tensor) -> bool:
    """An embedding of every token for every layer, of the file's own type (src/llama-quant.cpp)."""
    return "embed_tokens_per_layer" in tensor.name


def row_bytes(kind: str, columns: int) -> int:
    """Bytes of one row in a type, or in the one that stands in where its blocks do not fit; else in float16."""
    for fitting in (kind, FALLBACK.get(kind, kind)):
        values, size = BLOCKS[fitting]
        if columns % values == 0:
            return columns // values * size
    return columns * ELEMENT_BYTES["float16"]
