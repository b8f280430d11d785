"""``quantization_config`` -> the scheme that says how each linear module of a layer is stored."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from gpu_sizer.errors import shown
from gpu_sizer.importers.config import Config
from gpu_sizer.model.constraints import WeightFormat
from gpu_sizer.model.formats import SCALE_BLOCK

#: What a scheme makes of a linear module: its format, or null where it stays as it is.
Scheme = Callable[[str], WeightFormat | None]


#: Modules on one list beyond which it is no model's; the longest released has some thousands.
MOST_PATTERNS = 20_000
#: The same of a list of every expert: MiniMax M3's has 22,422.
MOST_LISTED = 200_000
#: A repeated group that repeats within itself, or two open repeats in a row of groups: time without bound.
_RUNAWAY = re.compile(r"[*+}?][^()\[\]]*\)[*+{]")


def _expression(c: Config, pattern: str) -> re.Pattern[str]:
    """A ``re:`` entry, compiled; one that may take unbounded time is refused."""
    try:
        if len(pattern) > 500 or _RUNAWAY.search(pattern) or pattern.count(".*") > 8:
            raise c.fail("quantization_config", f"the expression {shown(pattern)} is too involved to be tried")
        return re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise c.fail("quantization_config", f"{shown(pattern)} is no regular expression: {error}") from None


def _ignored(c: Config, patterns: list[str]) -> Callable[[str], bool]:
    """Whether a module is on a list; entries are names, parts of names, wildcards or ``re:`` expressions."""
    if len(patterns) > MOST_PATTERNS:
        raise c.fail("quantization_config", f"lists {len(patterns):,} modules; {MOST_PATTERNS:,} is the most")
    expressions = [_expression(c, p[3:]) for p in patterns if p.startswith("re:")]
    plain = sorted({bare_name(p) for p in patterns if not p.startswith("re:")})

    def test(module: str) -> bool:
        # Checkpoints write the one shared expert in the singular or in the plural; a card has the plural.
        spellings = {module, module.replace(".shared_experts.", ".shared_expert.")}
        if any(e.match(name) for e in expressions for name in spellings):
            return True
        module = bare_name(module)
        for p in plain:
            if "*" in p:
                if fnmatchcase(module, p) or fnmatchcase(module, p + ".*"):
                    return True
            elif module == p or module.startswith(p + ".") or module.endswith("." + p) or f".{p}." in f".{module}.":
                return True
        return False

    return test


#: modelopt's names of formats.
_ALGORITHMS: dict[str, WeightFormat] = {
    "NVFP4": "nvfp4",
    "W4A16_NVFP4": "nvfp4",
    "FP8": "float8-tensor",
    "FP8_PER_CHANNEL_PER_TOKEN": "float8-channel",
    "FP8_PB_WO": "float8-block",
    "MXFP8": "mxfp8",
}


def _texts(value: Any) -> list[str]:
    return [v for v in value if isinstance(v, str)] if isinstance(value, list) else []


def _group_format(c: Config, group: Mapping[str, Any], container: str) -> WeightFormat:
    """The format of one compressed-tensors ``config_groups`` entry."""
    weights = group.get("weights")
    if not isinstance(weights, Mapping):
        raise c.fail("quantization_config.config_groups", "an entry without weights")
    bits, kind = weights.get("num_bits"), weights.get("type")
    strategy, size = weights.get("strategy"), weights.get("group_size")
    if kind == "int" and (weights.get("symmetric") is False or weights.get("actorder") in ("group", True)):
        raise c.fail(
            "quantization_config.config_groups", "integer weights with zero points or reordered groups are not known"
        )
    if kind == "float" and bits == 8:
        if strategy == "block":
            _must_be_square(c, weights.get("block_structure"))
            return "float8-block"
        return "float8-tensor" if strategy == "tensor" or strategy is None else "float8-channel"
    if kind == "float" and bits == 4:
        return _float4(c, "mxfp4" if "mxfp4" in container or size == 32 else "nvfp4", size)
    if kind == "int" and bits == 4 and size in (32, 128):
        return "int4-group32" if size == 32 else "int4-group128"
    if kind == "int" and bits == 8 and strategy == "channel" and isinstance(group.get("input_activations"), Mapping):
        return "int8-channel"
    raise c.fail(
        "quantization_config.config_groups", f"weights of {bits} bits, type {kind}, group {size} are not known"
    )


#: Values that share one scale.
_GROUPS = {"mxfp4": 32, "nvfp4": 16}


def _float4(c: Config, fmt: WeightFormat, size: Any) -> WeightFormat:
    """A format of four bits, whose groups are of one size only."""
    if size is not None and (isinstance(size, bool) or size != _GROUPS[fmt]):
        raise c.fail("quantization_config", f"groups of {fmt} have {_GROUPS[fmt]} values, not {shown(size)}")
    return fmt


def _must_be_square(c: Config, block: Any) -> None:
    if block not in (None, [SCALE_BLOCK, SCALE_BLOCK], f"{SCALE_BLOCK}x{SCALE_BLOCK}"):
        raise c.fail("quantization_config", f"scales of blocks of {str(block)[:20]} are not known; 128 x 128 are")


def _groups(c: Config, q: Mapping[str, Any], groups: list[Any], ignore: Callable[[str], bool]) -> Scheme:
    """compressed-tensors: each group's format for the modules that it targets by class, name or expression."""
    container = str(q.get("format") or q.get("quant_algo") or "").lower()
    targeted: list[tuple[bool, Callable[[str], bool], WeightFormat]] = []
    for group in groups:
        if not isinstance(group, Mapping):
            raise c.fail("quantization_config.config_groups", "an entry that is no mapping")
        fmt = _group_format(c, group, str(group.get("format") or container).lower())
        # The engine's MXFP4 method knows experts alone and leaves other layers as they are.
        names = _texts(group.get("targets")) or ["Linear"]
        named = _ignored(c, [n for n in names if n != "Linear"])
        targeted.append(("Linear" in names, named, fmt))
    # What is named counts before what is meant by its class (compressed_tensors/utils.py: find_matched_target).
    targeted.sort(key=lambda entry: entry[0])

    def scheme(module: str) -> WeightFormat | None:
        if ignore(module):
            return None
        own = next((fmt for everywhere, named, fmt in targeted if everywhere or named(module)), None)
        return None if own == "mxfp4" and ".experts." not in module else own

    return scheme


#: Methods whose weights no engine-independent rule sizes: a model in one of them is no release as it was trained.
_RELEASES_OF_OTHERS = ("awq", "gptq", "bitsandbytes", "hqq", "aqlm", "quark", "torchao", "auto-round", "gguf", "marlin")


def scheme_of(c: Config, q: Mapping[str, Any]) -> Scheme | None:
    method = q.get("quant_method")
    listed = next(
        (q[k] for k in ("modules_to_not_convert", "ignored_layers", "ignore", "exclude_modules") if q.get(k)), ()
    )
    ignore = _ignored(c, _texts(listed))
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
            return _groups(c, q, list(groups.values()), ignore)
        algo = str(q.get("quant_algo") or "").upper()
        if "NVFP4" in algo:
            _float4(c, "nvfp4", q.get("group_size"))
        if algo in _ALGORITHMS:
            # Inkling's list of what stays as it is names other layers in words of its own (vLLM inkling/nvidia/moe.py).
            experts_alone = c.model_type.startswith("inkling")
            return lambda module: (
                None if ignore(module) or (experts_alone and ".experts." not in module) else _ALGORITHMS[algo]
            )
    if isinstance(method, str) and method.lower().startswith(_RELEASES_OF_OTHERS):
        advice = "import the model that it was made from: plans are of weights as released, not of later quantizations"
        raise c.fail("quantization_config.quant_method", f"{shown(method)} is not sized; {advice}")
    raise c.fail("quantization_config.quant_method", f"{shown(method)} as configured is not supported")


def _float8(c: Config, q: Mapping[str, Any], ignore: Callable[[str], bool]) -> Scheme:
    """The ``fp8`` method: blocks of 128 x 128 or one scale a tensor; DeepSeek V4's experts are MXFP4 beside it.

    So are MiMo V2.6's, in a word of their own (vLLM ``quantization/fp8.py``: store_dtype).
    """
    # DeepSeek V4.1's blocks of 32 x 32 are held as MXFP8, their scales once a row (vLLM quant_config.py).
    fine = c.model_type == "deepseek_v41" and q.get("weight_block_size") == [32, 32] and q.get("scale_fmt") == "ue8m0"
    if not fine:
        _must_be_square(c, q.get("weight_block_size"))
    fmt: WeightFormat = "float8-block" if q.get("weight_block_size") else "float8-tensor"
    if fmt == "float8-block" and q.get("scale_fmt") == "ue8m0" and c.text_type == "deepseek_v4":
        fmt = "float8-block-ue8m0"
    if fine:
        fmt = "mxfp8"
    # GLM-5.3 Flash has some projections of latent attention in float8, which vLLM holds in bfloat16
    # (models/glm5next/common/model.py: quant_config=None, _try_load_fp8_attn_proj); delta attention has none.
    in_bfloat16 = c.text_type in ("glm5_next", "glm5_next_text")
    in_fp4 = "fp4" in (c.find("expert_dtype"), q.get("expert_dtype")) or q.get("store_dtype") == "mxfp4"
    experts: WeightFormat = "mxfp4" if in_fp4 else fmt

    def scheme(module: str) -> WeightFormat | None:
        if ignore(module) or (in_bfloat16 and ".self_attn." in module and ".indexer.wq_b" not in module):
            return None
        if module.endswith(".ngram_embedding"):
            # Qwen4's tables have one scale each (vLLM qwen4_exp/common/ngram_embedding.py).
            return "float8-tensor"
        return experts if ".experts." in module else fmt

    return scheme


def _listed_layers(c: Config, layers: Mapping[str, Any], ignore: Callable[[str], bool]) -> Scheme:
    """modelopt's mixed precision: a format per module, by name."""
    if len(layers) > MOST_LISTED:
        raise c.fail("quantization_config.quantized_layers", f"lists {len(layers):,} modules")
    formats: dict[str, WeightFormat] = {}
    for name, entry in layers.items():
        algo = str(entry.get("quant_algo", "")).upper() if isinstance(entry, Mapping) else ""
        if algo not in _ALGORITHMS:
            raise c.fail(f"quantization_config.quantized_layers.{name[:80]}", f"{shown(algo)} is not known")
        # Experts are listed one by one, and asked about together.
        place = _EXPERT.sub(".experts.{expert}.", bare_name(name))
        if formats.setdefault(place, _ALGORITHMS[algo]) != _ALGORITHMS[algo]:
            raise c.fail(f"quantization_config.quantized_layers.{name[:80]}", "is of another type than its sisters")
        if "NVFP4" in algo:
            _float4(c, "nvfp4", entry.get("group_size"))

    def scheme(module: str) -> WeightFormat | None:
        if ignore(module):
            return None
        bare = bare_name(module)
        while bare:
            if bare in formats:
                return formats[bare]
            bare = bare.rpartition(".")[0]
        return None

    return scheme


#: One of a layer's experts.
_EXPERT = re.compile(r"\.experts\.\d+\.")
#: Nemotron-H calls whatever a layer holds its mixer.
_NEMOTRON_ATTENTION = re.compile(r"\.mixer\.(?=[qkvo]_proj)")
_NEMOTRON_FEED_FORWARD = re.compile(r"\.mixer\.(?=(up_proj|down_proj|experts|shared_experts|gate)\b)")


_MIXTRAL = {"w1": "gate_proj", "w3": "up_proj", "w2": "down_proj"}


#: What stands before the layers of a language model, the longer of two that begin alike first.
_PREFIXES = ("model.language_model.", "language_model.model.", "model.llm.", "model.", "language_model.", "backbone.")


def bare_name(module: str) -> str:
    for prefix in _PREFIXES:
        if module.startswith(prefix):
            module = module[len(prefix) :]
            break
    module = _NEMOTRON_ATTENTION.sub(".self_attn.", module)
    module = _NEMOTRON_FEED_FORWARD.sub(".mlp.", module)
    # MiniMax says where its experts are, and Mixtral's names of their matrices.
    if ".block_sparse_moe." in module:
        module = module.replace(".block_sparse_moe.", ".mlp.")
        head, _, last = module.rpartition(".")
        module = f"{head}.{_MIXTRAL.get(last, last)}" if ".experts." in module else module
    # Ling says attention (vLLM bailing_moe_v3.py: hf_to_vllm_mapper).
    module = module.replace(".attention.", ".self_attn.")
    return module.replace(".shared_expert.", ".shared_experts.")
