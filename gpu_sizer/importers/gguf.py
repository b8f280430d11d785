"""GGUF headers -> a model card: the metadata say the architecture, the tensor list says every format.

Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md. Read with care: every length is checked against
what is left of the file before anything is believed, and no tensor data are read.
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

from gpu_sizer.errors import CardError, printable, shown
from gpu_sizer.files import open_regular
from gpu_sizer.importers.checkpoint import Checkpoint, StoredTensor
from gpu_sizer.model.bounds import MOST_TOKENS
from gpu_sizer.model.formats import BLOCKS

MAGIC = b"GGUF"
#: Strings, tensor lists and lists of metadata beyond these are no model's.
MOST_STRING, MOST_TENSORS, MOST_ENTRIES = 64 << 20, 100_000, 200_000
#: Strings within arrays, all of a file's together: each is passed over one by one. Large vocabularies have a million.
MOST_STRINGS = 2_000_000
#: Bytes of a key, of a text that is kept, and of a tensor's name (ggml's own bound of a name is 64).
LONGEST_KEY, LONGEST_TEXT, LONGEST_NAME = 65_535, 400, 256
#: Elements of an array that is kept (one for each layer), and of all that are.
KEPT, MOST_KEPT = 4096, 200_000
#: Files of one model, and how one of several is called (tools/gguf-split; src/llama.cpp: llama_split_path).
MOST_PARTS = 1000
_PART = re.compile(r"-\d{5}-of-\d{5}\.gguf$")

_SCALARS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
_STRING, _ARRAY = 8, 9

#: Tensor types by their numbers, and the bytes of a value of the plain ones (ggml/include/ggml.h: ggml_type).
TYPES = {
    0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 6: "Q5_0", 7: "Q5_1", 8: "Q8_0", 10: "Q2_K", 11: "Q3_K", 12: "Q4_K",
    13: "Q5_K", 14: "Q6_K", 16: "IQ2_XXS", 17: "IQ2_XS", 18: "IQ3_XXS", 19: "IQ1_S", 20: "IQ4_NL", 21: "IQ3_S",
    22: "IQ2_S", 23: "IQ4_XS", 24: "I8", 25: "I16", 26: "I32", 27: "I64", 28: "F64", 29: "IQ1_M", 30: "BF16",
    34: "TQ1_0", 35: "TQ2_0", 39: "MXFP4", 40: "NVFP4", 41: "Q1_0", 42: "Q2_0",
}  # fmt: skip
PLAIN = {"F32": 4, "F16": 2, "BF16": 2, "F64": 8, "I8": 1, "I16": 2, "I32": 4, "I64": 8}
#: Types of whole files by their numbers (include/llama.h: llama_ftype).
FILE_TYPES = {
    0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 7: "Q8_0", 8: "Q5_0", 9: "Q5_1", 10: "Q2_K", 11: "Q3_K_S", 12: "Q3_K_M",
    13: "Q3_K_L", 14: "Q4_K_S", 15: "Q4_K_M", 16: "Q5_K_S", 17: "Q5_K_M", 18: "Q6_K", 19: "IQ2_XXS", 20: "IQ2_XS",
    21: "Q2_K_S", 22: "IQ3_XS", 23: "IQ3_XXS", 24: "IQ1_S", 25: "IQ4_NL", 26: "IQ3_S", 27: "IQ3_M", 28: "IQ2_S",
    29: "IQ2_M", 30: "IQ4_XS", 31: "IQ1_M", 32: "BF16", 36: "TQ1_0", 37: "TQ2_0", 38: "MXFP4_MOE", 39: "NVFP4",
    40: "Q1_0", 41: "Q2_0",
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


def is_gguf(file: Path) -> bool:
    """Whether a file begins as GGUF files do, whatever its name: Ollama's blobs bear none."""
    with open_regular(file) as stream:
        return stream.read(len(MAGIC)) == MAGIC


def read_model(file: Path) -> tuple[dict[str, Any], Checkpoint]:
    """What :func:`read_gguf` reads of a model in one file, or in several of which this is one.

    The tensors of all parts are read; what tells the shape stands in the first (src/llama-model-loader.cpp).

    Raises:
        CardError: as there, or a part that is not there.
    """
    metadata, checkpoint = read_gguf(file)
    count = metadata.get("split.count", 1)
    if not isinstance(count, int) or count <= 1:
        return metadata, checkpoint
    told = _PART.search(file.name)
    if told is None or count > MOST_PARTS:
        raise CardError(str(file), "split.count", f"one of {shown(count)} parts, and its name does not tell which")
    tensors: dict[str, StoredTensor] = {}
    names = [f"{file.name[: told.start()]}-{number:05}-of-{count:05}.gguf" for number in range(1, count + 1)]
    for number, name in enumerate(names):
        part = file.with_name(name)
        if not part.is_file():
            raise CardError(str(file), "split.count", f"one of {count} parts: {name} is not beside it")
        of_part, stored = read_gguf(part)
        metadata = of_part if number == 0 else metadata
        tensors |= stored.tensors
    return metadata, Checkpoint(tensors, tuple(names))


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
    return key in _GENERAL or key.partition(".")[2] in _KEYS or key.partition(".")[2] in _OF_LAYERS


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
        label = TYPES[kind]
        block, size = BLOCKS[label.lower()] if label not in PLAIN else (1, PLAIN[label])
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

#: Keys of every file: what it is, and which part of several (docs/gguf.md; src/llama-arch.cpp: LLM_KV_NAMES).
_GENERAL = frozenset(("general.architecture", "general.name", "general.type", "general.file_type"))
_GENERAL |= {"split.no", "split.count"}
#: Metadata below the architecture's prefix that tell what layers keep beside those of a configuration.
_OF_LAYERS = frozenset(
    (
        "nextn_predict_layers",
        "attention.value_length",
        "attention.key_length_swa",
        "attention.value_length_swa",
        "attention.sliding_window_pattern",
        "attention.shared_kv_layers",
        "ssm.conv_kernel",
        "ssm.inner_size",
        "ssm.state_size",
        "ssm.time_step_rank",
        "ssm.group_count",
        "kda.head_dim",
        "shortconv.l_cache",
    )
)

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
