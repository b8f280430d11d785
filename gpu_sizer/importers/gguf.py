"""GGUF headers -> a model card: the metadata say the architecture, the tensor list says every format.

Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md. Read with care: every length is checked against
what is left of the file before anything is believed, and no tensor data are read.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

from gpu_sizer.errors import CardError, printable, shown
from gpu_sizer.files import open_regular
from gpu_sizer.importers.checkpoint import Checkpoint, StoredTensor
from gpu_sizer.model.bounds import MOST_TOKENS

MAGIC = b"GGUF"
#: Strings, tensor lists and lists of metadata beyond these are no model's.
MOST_STRING, MOST_TENSORS, MOST_ENTRIES = 64 << 20, 100_000, 200_000
#: Strings within arrays, all of a file's together: each is passed over one by one. Large vocabularies have a million.
MOST_STRINGS = 2_000_000
#: Bytes of a key, of a text that is kept, and of a tensor's name (ggml's own bound of a name is 64).
LONGEST_KEY, LONGEST_TEXT, LONGEST_NAME = 65_535, 400, 256
#: Elements of an array that is kept (one for each layer), and of all that are.
KEPT, MOST_KEPT = 4096, 200_000

_SCALARS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
_STRING, _ARRAY = 8, 9

#: Tensor types: name, values in a block, bytes of a block (ggml ``ggml-common.h``).
TYPES: dict[int, tuple[str, int, int]] = {
    0: ("F32", 1, 4), 1: ("F16", 1, 2), 2: ("Q4_0", 32, 18), 3: ("Q4_1", 32, 20), 6: ("Q5_0", 32, 22),
    7: ("Q5_1", 32, 24), 8: ("Q8_0", 32, 34), 10: ("Q2_K", 256, 84), 11: ("Q3_K", 256, 110), 12: ("Q4_K", 256, 144),
    13: ("Q5_K", 256, 176), 14: ("Q6_K", 256, 210), 16: ("IQ2_XXS", 256, 66), 17: ("IQ2_XS", 256, 74),
    18: ("IQ3_XXS", 256, 98), 19: ("IQ1_S", 256, 50), 20: ("IQ4_NL", 32, 18), 21: ("IQ3_S", 256, 110),
    22: ("IQ2_S", 256, 82), 23: ("IQ4_XS", 256, 136), 24: ("I8", 1, 1), 25: ("I16", 1, 2), 26: ("I32", 1, 4),
    27: ("I64", 1, 8), 28: ("F64", 1, 8), 29: ("IQ1_M", 256, 56), 30: ("BF16", 1, 2), 34: ("TQ1_0", 256, 54),
    35: ("TQ2_0", 256, 66), 39: ("MXFP4", 32, 17), 40: ("NVFP4", 64, 36), 41: ("Q1_0", 128, 18),
}  # fmt: skip


class _Reader:
    """Bounded reads from a file."""

    def __init__(self, file: Path, stream: BinaryIO, length: int) -> None:
        self.file, self.stream, self.length = file, stream, length
        self.strings, self.kept = 0, 0

    def fail(self, reason: str) -> CardError:
        return CardError(str(self.file), "", reason)

    def take(self, count: int) -> bytes:
        if count < 0 or self.stream.tell() + count > self.length:
            raise self.fail(f"truncated: {count:,} bytes wanted at {self.stream.tell():,} of {self.length:,}")
        return self.stream.read(count)

    def scalar(self, code: str) -> Any:
        return struct.unpack(code, self.take(struct.calcsize(code)))[0]

    def string(self, most: int) -> str:
        count = self.scalar("<Q")
        if count > most:
            raise self.fail(f"claims a string of {count:,} bytes where {most:,} is the most")
        return self.take(count).decode("utf-8", "replace")

    def skip(self, count: int) -> None:
        if self.stream.tell() + count > self.length:
            raise self.fail(f"truncated: {count:,} bytes wanted at {self.stream.tell():,} of {self.length:,}")
        self.stream.seek(count, 1)

    def value(self, kind: int) -> Any:
        """A number, a short text, or a list of numbers; null for others, which tell no model's shape."""
        if kind in _SCALARS:
            return self.scalar(_SCALARS[kind])
        if kind == _STRING:
            count = self.scalar("<Q")
            if count > LONGEST_TEXT:
                self.skip_string(count)
                return None
            return self.take(count).decode("utf-8", "replace")
        if kind != _ARRAY:
            raise self.fail(f"a value of unknown type {kind}")
        inner, count = self.scalar("<I"), self.scalar("<Q")
        if inner in _SCALARS and count <= KEPT:
            self.kept += count
            if self.kept > MOST_KEPT:
                raise self.fail("has more lists of numbers by layer than a model")
            return [self.scalar(_SCALARS[inner]) for _ in range(count)]
        self.skip_array(inner, count)
        return None

    def skip_value(self, kind: int) -> None:
        """Passes over a value."""
        if kind in _SCALARS:
            self.skip(struct.calcsize(_SCALARS[kind]))
        elif kind == _STRING:
            self.skip_string(self.scalar("<Q"))
        elif kind == _ARRAY:
            self.skip_array(self.scalar("<I"), self.scalar("<Q"))
        else:
            raise self.fail(f"a value of unknown type {kind}")

    def skip_string(self, count: int) -> None:
        if count > MOST_STRING:
            raise self.fail(f"claims a string of {count:,} bytes")
        self.skip(count)

    def skip_array(self, inner: int, count: int) -> None:
        if inner in _SCALARS:
            self.skip(struct.calcsize(_SCALARS[inner]) * count)
        elif inner == _STRING:
            self.strings += count
            if self.strings > MOST_STRINGS:
                raise self.fail(f"claims {shown(self.strings)} strings in arrays; {MOST_STRINGS:,} is the most")
            for _ in range(count):
                self.skip_string(self.scalar("<Q"))
        else:
            raise self.fail(f"an array of values of type {inner}")


def read_gguf(file: Path) -> tuple[dict[str, Any], Checkpoint]:
    """The metadata that tell a model's shape, and the tensor list of a GGUF file.

    Raises:
        CardError: not GGUF, truncated, or with lengths that the file does not have.
    """
    with open_regular(file) as stream:
        try:
            return _read(_Reader(file, stream, os.fstat(stream.fileno()).st_size))
        except OSError as error:
            raise CardError(str(file), "", error.strerror or "cannot be read") from None


def _is_wanted(key: str) -> bool:
    """Whether a key of the metadata says what kind of model it is, or its shape."""
    return key in ("general.architecture", "general.name") or key.partition(".")[2] in _KEYS


def _read(r: _Reader) -> tuple[dict[str, Any], Checkpoint]:
    if r.length < 24 or r.take(4) != MAGIC:
        raise r.fail("not a GGUF file")
    version = r.scalar("<I")
    if version not in (2, 3):
        raise r.fail(f"GGUF version {version} is not supported; 2 and 3 are")
    tensor_count, entry_count = r.scalar("<Q"), r.scalar("<Q")
    if tensor_count > MOST_TENSORS or entry_count > MOST_ENTRIES:
        raise r.fail(f"claims {tensor_count:,} tensors and {entry_count:,} metadata entries")
    metadata = {}
    for _ in range(entry_count):
        key, kind = r.string(LONGEST_KEY), r.scalar("<I")
        if _is_wanted(key):
            metadata[key] = r.value(kind)
        else:
            r.skip_value(kind)
    tensors = {}
    for _ in range(tensor_count):
        name, dimensions = r.string(LONGEST_NAME), r.scalar("<I")
        if dimensions > 4:
            raise r.fail(f"the tensor {shown(name)} has {dimensions:,} dimensions")
        shape = tuple(r.scalar("<Q") for _ in range(dimensions))[::-1]
        kind, _offset = r.scalar("<I"), r.scalar("<Q")
        if kind not in TYPES:
            raise CardError(str(r.file), printable(name[:120]), f"tensor type {kind} is not supported")
        label, block, size = TYPES[kind]
        if prod(shape) >= 1 << 50 or (shape and shape[-1] % block):
            raise CardError(
                str(r.file), printable(name[:120]), f"a shape of {shown(list(shape))} does not suit {label}"
            )
        tensors[name] = StoredTensor(name, label, shape, prod(shape) // block * size)
    return metadata, Checkpoint(tensors, (r.file.name,))


#: GGUF architectures -> model_type of the family that reads them.
ARCHITECTURES = {
    "llama": "llama",
    "qwen2": "qwen2",
    "qwen3": "qwen3",
    "qwen3moe": "qwen3_moe",
    "gemma": "gemma",
    "gemma2": "gemma2",
    "gemma3": "gemma3_text",
    "phi3": "phi3",
    "starcoder2": "starcoder2",
    "gpt-oss": "gpt_oss",
    "deepseek2": "deepseek_v3",
    "olmo2": "olmo2",
    "granite": "granite",
}

#: Metadata below the architecture's prefix -> key of the configuration.
_KEYS = {
    "block_count": "num_hidden_layers",
    "context_length": "max_position_embeddings",
    "embedding_length": "hidden_size",
    "feed_forward_length": "intermediate_size",
    "attention.head_count": "num_attention_heads",
    "attention.head_count_kv": "num_key_value_heads",
    "attention.key_length": "head_dim",
    "attention.sliding_window": "sliding_window",
    "vocab_size": "vocab_size",
    "expert_count": "num_experts",
    "expert_used_count": "num_experts_per_tok",
    "expert_feed_forward_length": "moe_intermediate_size",
    "expert_shared_count": "n_shared_experts",
    "leading_dense_block_count": "first_k_dense_replace",
    "attention.q_lora_rank": "q_lora_rank",
    "attention.kv_lora_rank": "kv_lora_rank",
    "rope.dimension_count": "qk_rope_head_dim",
    "attention.value_length_mla": "v_head_dim",
    "attention.key_length_mla": "qk_head_dim",
}


def configuration(file: Path, metadata: Mapping[str, Any], checkpoint: Checkpoint) -> dict[str, Any]:
    """The Hugging Face configuration that a GGUF's metadata stand for.

    Raises:
        CardError: an architecture that is not supported.
    """
    name = metadata.get("general.architecture")
    if not isinstance(name, str) or name not in ARCHITECTURES:
        known = ", ".join(sorted(ARCHITECTURES))
        said = "is missing" if name is None else f"{shown(name)} is not supported"
        raise CardError(str(file), "general.architecture", f"{said}; known: {known}")
    config: dict[str, Any] = {"model_type": ARCHITECTURES[name]}
    for key, target in _KEYS.items():
        value: Any = metadata.get(f"{name}.{key}")
        if isinstance(value, list) and value:
            if any(v != value[0] for v in value):
                raise CardError(str(file), f"{name}.{key}", "differs between layers, which is not supported")
            value = value[0]
        if value is None:
            continue
        whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
        if not whole or isinstance(value, bool) or not 0 <= value <= MOST_TOKENS:
            raise CardError(str(file), f"{name}.{key}", f"must be a whole number of the model's, not {shown(value)}")
        config[target] = int(value)
    if config["model_type"] == "llama" and config.get("num_experts"):
        config["model_type"] = "mixtral"
        config["num_local_experts"] = config.pop("num_experts")
    if config["model_type"] == "llama" and config.get("sliding_window"):
        config["model_type"] = "mistral"
    embedding = checkpoint.tensors.get("token_embd.weight")
    if embedding is not None:
        config["vocab_size"] = embedding.shape[0]
    config["tie_word_embeddings"] = "output.weight" not in checkpoint.tensors
    config["attention_bias"] = "blk.0.attn_q.bias" in checkpoint.tensors and name == "llama"
    if "qk_head_dim" in config:
        config["qk_nope_head_dim"] = config.pop("qk_head_dim") - config.get("qk_rope_head_dim", 0)
    config["dtype"] = "float16" if "F16" in checkpoint.bytes_by_dtype() else "bfloat16"
    return config
