"""``quantization_config`` -> which linear weights are stored in which format.

A configuration names modules of single layers; the card names blocks. Layers of one block whose formats
differ become blocks of their own, so that each rule of the card holds for a whole block.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from gpu_sizer.cards.architecture import Architecture
from gpu_sizer.cards.constraints import WeightFormat
from gpu_sizer.cards.model_card import FormatRule, Weights
from gpu_sizer.importers.config import Config
from gpu_sizer.importers.pieces import runs
from gpu_sizer.model.inventory import block_tensors
from gpu_sizer.records import replace

#: What a scheme makes of a linear module: its format, or null where it stays as it is.
Scheme = Callable[[str], WeightFormat | None]

Dtype = str


def _ignored(patterns: list[str]) -> Callable[[str], bool]:
    """Whether a module is on an ignore list; entries are names, parts of names, wildcards or ``re:`` expressions."""
    expressions = [re.compile(p[3:]) for p in patterns if p.startswith("re:")]
    plain = [_strip(p) for p in patterns if not p.startswith("re:")]

    def test(module: str) -> bool:
        # Checkpoints write the one shared expert in the singular or in the plural; a card has the plural.
        spellings = {module, module.replace(".shared_experts.", ".shared_expert.")}
        if any(e.match(name) for e in expressions for name in spellings):
            return True
        module = _strip(module)
        for p in plain:
            if "*" in p:
                if fnmatchcase(module, p) or fnmatchcase(module, p + ".*"):
                    return True
            elif module == p or module.startswith(p + ".") or module.endswith("." + p) or f".{p}." in f".{module}.":
                return True
        return False

    return test


def _texts(value: Any) -> list[str]:
    return [v for v in value if isinstance(v, str)] if isinstance(value, list) else []


def _group_format(c: Config, group: Mapping[str, Any], container: str) -> WeightFormat:
    """The format of one compressed-tensors ``config_groups`` entry."""
    weights = group.get("weights")
    if not isinstance(weights, Mapping):
        raise c.fail("quantization_config.config_groups", "an entry without weights")
    bits, kind = weights.get("num_bits"), weights.get("type")
    strategy, size = weights.get("strategy"), weights.get("group_size")
    if kind == "float" and bits == 8:
        if strategy == "block":
            return "float8-block"
        return "float8-tensor" if strategy == "tensor" or strategy is None else "float8-channel"
    if kind == "float" and bits == 4:
        return "mxfp4" if "mxfp4" in container or size == 32 else "nvfp4"
    if kind == "int" and bits == 4 and size in (32, 128):
        return "int4-group32" if size == 32 else "int4-group128"
    raise c.fail(
        "quantization_config.config_groups", f"weights of {bits} bits, type {kind}, group {size} are not known"
    )


def _scheme(c: Config, q: Mapping[str, Any]) -> Scheme | None:
    method = q.get("quant_method")
    ignore = _ignored(
        _texts(
            q.get("modules_to_not_convert") or q.get("ignored_layers") or q.get("ignore") or q.get("exclude_modules")
        )
    )
    if method == "fp8":
        return _float8(c, q, ignore)
    if method == "mxfp4":
        return lambda module: None if ignore(module) or ".experts." not in module else "mxfp4"
    if method in ("compressed-tensors", "fbgemm_fp8", "modelopt"):
        if method == "fbgemm_fp8":
            return lambda module: None if ignore(module) else "float8-channel"
        groups = q.get("config_groups")
        if isinstance(layers := q.get("quantized_layers"), Mapping):
            return _listed_layers(c, layers, ignore)
        if isinstance(groups, Mapping) and groups:
            container = str(q.get("format") or q.get("quant_algo") or "").lower()
            formats = {_group_format(c, g, container) for g in groups.values() if isinstance(g, Mapping)}
            if len(formats) == 1:
                only = formats.pop()
                if only == "mxfp4":
                    # The engine's MXFP4 method knows experts alone and leaves other layers as they are.
                    return lambda module: None if ignore(module) or ".experts." not in module else only
                return lambda module: None if ignore(module) else only
        algo = str(q.get("quant_algo") or "").upper()
        known: dict[str, WeightFormat] = {"NVFP4": "nvfp4", "FP8": "float8-tensor"}
        if algo in known:
            return lambda module: None if ignore(module) else known[algo]
    raise c.fail("quantization_config.quant_method", f"{method!r} as configured is not supported")


def _float8(c: Config, q: Mapping[str, Any], ignore: Callable[[str], bool]) -> Scheme:
    """The ``fp8`` method: blocks of 128 x 128 or one scale a tensor; DeepSeek V4's experts are MXFP4 beside it."""
    fmt: WeightFormat = "float8-block" if q.get("weight_block_size") else "float8-tensor"
    if fmt == "float8-block" and q.get("scale_fmt") == "ue8m0" and c.text_type == "deepseek_v4":
        fmt = "float8-block-ue8m0"
    experts: WeightFormat = "mxfp4" if c.find("expert_dtype") == "fp4" else fmt

    def scheme(module: str) -> WeightFormat | None:
        if ignore(module):
            return None
        return experts if ".experts." in module else fmt

    return scheme


def _listed_layers(c: Config, layers: Mapping[str, Any], ignore: Callable[[str], bool]) -> Scheme:
    """modelopt's mixed precision: a format per module, by name."""
    known: dict[str, WeightFormat] = {
        "NVFP4": "nvfp4",
        "FP8": "float8-tensor",
        "W4A16_NVFP4": "nvfp4",
        "FP8_PB_WO": "float8-block",
    }
    formats: dict[str, WeightFormat] = {}
    for name, entry in layers.items():
        algo = str(entry.get("quant_algo", "")).upper() if isinstance(entry, Mapping) else ""
        if algo not in known:
            raise c.fail(f"quantization_config.quantized_layers.{name}", f"{algo!r} is not known")
        formats[_strip(name)] = known[algo]

    def scheme(module: str) -> WeightFormat | None:
        if ignore(module):
            return None
        bare = _strip(module)
        while bare:
            if bare in formats:
                return formats[bare]
            bare = bare.rpartition(".")[0]
        return None

    return scheme


#: Nemotron-H calls whatever a layer holds its mixer.
_NEMOTRON_ATTENTION = re.compile(r"\.mixer\.(?=[qkvo]_proj)")
_NEMOTRON_FEED_FORWARD = re.compile(r"\.mixer\.(?=(up_proj|down_proj|experts|shared_experts|gate)\b)")


def _strip(module: str) -> str:
    for prefix in ("model.language_model.", "language_model.model.", "model.", "language_model.", "backbone."):
        if module.startswith(prefix):
            module = module[len(prefix) :]
            break
    module = _NEMOTRON_ATTENTION.sub(".self_attn.", module)
    module = _NEMOTRON_FEED_FORWARD.sub(".mlp.", module)
    return module.replace(".shared_expert.", ".shared_experts.")


def read_weights(c: Config, dtype: Any, a: Architecture) -> tuple[Weights, Architecture]:
    """The weights section of the card, and the architecture with blocks split where their formats differ."""
    q = c.find("quantization_config")
    if not isinstance(q, Mapping) or not q:
        return Weights(dtype=dtype), a
    scheme = _scheme(c, q)
    if scheme is None:
        return Weights(dtype=dtype), a
    modules = {name: _linear_modules(name, a) for name in a.blocks}
    variants: dict[str, list[tuple[WeightFormat | None, ...]]] = {name: [] for name in a.blocks}
    names: list[str] = []
    formats: dict[str, tuple[WeightFormat | None, ...]] = {}
    for index, block in enumerate(a.layer_names):
        signature = tuple(scheme(f"model.layers.{index}.{m}") for m in modules[block])
        if signature not in variants[block]:
            variants[block].append(signature)
        number = variants[block].index(signature)
        name = block if number == 0 else f"{block}-{number + 1}"
        formats[name] = signature
        names.append(name)
    blocks = {name: a.blocks[name] if name in a.blocks else a.blocks[name.rpartition("-")[0]] for name in formats}
    if a.mtp and a.mtp.block not in blocks:
        blocks[a.mtp.block] = a.blocks[a.mtp.block]
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


def _quantizes_head(q: Mapping[str, Any]) -> bool:
    """No loader quantizes the head unless the configuration targets it by name."""
    layers = q.get("quantized_layers")
    return isinstance(layers, Mapping) and any(_strip(name) == "lm_head" for name in layers)


def _linear_modules(name: str, a: Architecture) -> list[str]:
    return [t.name.removesuffix(".weight") for t in block_tensors(a.blocks[name], a, "bfloat16") if t.is_linear]
