"""``quantization_config`` -> which linear weights of the card are stored in which format.

A configuration names modules of single layers; the card names blocks. Layers of one block whose formats
differ become blocks of their own, so that each rule of the card holds for a whole block.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gpu_sizer.importers.config import Config
from gpu_sizer.importers.pieces import runs
from gpu_sizer.importers.schemes import bare_name, scheme_of
from gpu_sizer.model.architecture import Architecture
from gpu_sizer.model.constraints import WeightFormat
from gpu_sizer.model.inventory import block_tensors
from gpu_sizer.model.weights import FormatRule, Weights
from gpu_sizer.records import replace


def read_weights(c: Config, dtype: Any, a: Architecture) -> tuple[Weights, Architecture]:
    """The weights section of the card, and the architecture with blocks split where their formats differ."""
    q = c.find("quantization_config")
    if not isinstance(q, Mapping) or not q:
        return Weights(dtype=dtype), a
    scheme = scheme_of(c, q)
    if scheme is None:
        return Weights(dtype=dtype), a
    modules = {name: _linear_modules(name, a) for name in a.blocks}
    variants: dict[str, list[tuple[WeightFormat | None, ...]]] = {name: [] for name in a.blocks}
    names: list[str] = []
    formats: dict[str, tuple[WeightFormat | None, ...]] = {}
    for index, block in enumerate(a.layer_names):
        signature = tuple(scheme(f"model.layers.{index}.{_spelled(c, m)}") for m in modules[block])
        if signature not in variants[block]:
            variants[block].append(signature)
        number = variants[block].index(signature)
        name = block if number == 0 else f"{block}-{number + 1}"
        formats[name] = signature
        names.append(name)
    blocks = {name: a.blocks[name] if name in a.blocks else a.blocks[name.rpartition("-")[0]] for name in formats}
    for name in a.mtp.blocks if a.mtp else ():
        blocks.setdefault(name, a.blocks[name])
    rules: list[FormatRule] = []
    by_format: dict[WeightFormat, list[str]] = {}
    for name, signature in formats.items():
        original = modules[name if name in modules else name.rpartition("-")[0]]
        for module, fmt in zip(original, signature, strict=True):
            if fmt is not None:
                by_format.setdefault(fmt, []).append(f"layers.{name}.{module}.weight")
    if (fmt := scheme("lm_head")) is not None and not a.tie_word_embeddings and _quantizes_head(q):
        by_format.setdefault(fmt, []).append("lm_head.weight")
    rules = [FormatRule(tensors=tuple(paths), format=fmt) for fmt, paths in by_format.items()]
    cache = q.get("kv_cache_scheme")
    float8_cache = isinstance(cache, Mapping) and cache.get("num_bits") == 8 and cache.get("type") == "float"
    weights = Weights(dtype=dtype, rules=tuple(rules), kv_cache_dtype="float8" if float8_cache else None)
    return weights, replace(a, blocks=blocks, stack=runs(names))


def _spelled(c: Config, module: str) -> str:
    """A module in the words of the checkpoint: Gemma 4's experts stand beside its dense feed-forward, not in it."""
    return module.replace("mlp.experts.", "experts.") if c.text_type.startswith("gemma4") else module


def _quantizes_head(q: Mapping[str, Any]) -> bool:
    """No loader quantizes the head unless the configuration targets it by name."""
    layers = q.get("quantized_layers")
    return isinstance(layers, Mapping) and any(bare_name(name) == "lm_head" for name in layers)


def _linear_modules(name: str, a: Architecture) -> list[str]:
    return [t.name.removesuffix(".weight") for t in block_tensors(a.blocks[name], a, "bfloat16") if t.is_linear]
