"""A Hugging Face configuration -> a model card."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gpu_sizer.cards.loading import validate
from gpu_sizer.cards.model_card import ContextLength, ModelCard, Source
from gpu_sizer.cards.writing import plain
from gpu_sizer.errors import CardError, shown
from gpu_sizer.files import parse_json, read_regular
from gpu_sizer.importers.config import Config
from gpu_sizer.importers.families import family
from gpu_sizer.importers.quantization import read_weights
from gpu_sizer.model.bounds import LONGEST_ID, LONGEST_TEXT, MOST_TOKENS

_MOST_BYTES = 4 << 20
_DTYPES = {"bfloat16": "bfloat16", "float16": "float16", "float32": "float32", "half": "float16", "float": "float32"}

#: What a Llama-shaped configuration must say to be read as one.
_LLAMA_KEYS = (
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "intermediate_size",
    "vocab_size",
    "rms_norm_eps",
    "hidden_act",
)
#: Parts of key names that Llama does not have: their presence forbids reading an unknown type as Llama.
_FOREIGN = (
    "expert",
    "moe",
    "lora_rank",
    "ssm",
    "mamba",
    "state_size",
    "linear_",
    "conv",
    "layer_types",
    "vision",
    "audio",
    "text_config",
    "parallel",
    "qk_norm",
    "q_norm",
)


def _is_llama_shaped(c: Config) -> bool:
    """Whether an unknown configuration says all that Llama's does, and nothing that Llama's does not."""
    if any(c.find(key) is None for key in _LLAMA_KEYS) or c.find("hidden_act") not in ("silu", "swish"):
        return False
    return not any(part in key for key, value in c.raw.items() if value not in (None, False) for part in _FOREIGN)


def read_json(path: Path, most: int = _MOST_BYTES) -> Any:
    """A JSON file of at most ``most`` bytes (4 MiB).

    Raises:
        CardError: absent, too large, or not JSON.
    """
    data = read_regular(path, most)
    try:
        return parse_json(data)
    except ValueError as error:
        raise CardError(str(path), "", f"not valid JSON ({error})") from None


def _dtype(c: Config) -> str:
    value = c.find("dtype", "torch_dtype")
    if value is None:
        # As the engine does (ModelConfig): float16 where nothing is said, bfloat16 for native low precision.
        if isinstance(c.find("quantization_config"), Mapping):
            return "bfloat16"
        c.warnings.append("the configuration names no dtype; bfloat16 is assumed")
        return "bfloat16"
    name = value.removeprefix("torch.") if isinstance(value, str) else ""
    if name not in _DTYPES:
        raise c.fail("dtype", f"must be one of {', '.join(_DTYPES)}, not {shown(value)}")
    return _DTYPES[name]


#: Rope types whose factor is not in max_position_embeddings yet (vLLM ``config/model.py: _get_and_verify_max_len``).
_MULTIPLIED = ("linear", "dynamic", "ntk")
_LENGTH_KEYS = (
    "model_max_length", "max_position_embeddings", "n_positions", "max_seq_len", "seq_length", "max_sequence_length",
    "max_seq_length", "n_ctx",
)  # fmt: skip


def _context(c: Config) -> ContextLength:
    native = c.number(*_LENGTH_KEYS, default=2048, most=MOST_TOKENS)
    scaling = c.find("rope_scaling", "rope_parameters")
    if isinstance(scaling, Mapping) and "gemma3" not in c.model_type:
        kind, factor = scaling.get("rope_type") or scaling.get("type"), scaling.get("factor")
        if kind in _MULTIPLIED and isinstance(factor, int | float) and 1 < factor < 1024:
            native = int(native * factor)
    return ContextLength(native=native)


_FACTS = "architecture, data types, context length (config.json)"
#: Sizes whose absence is worth a word, though the family's class supplies them.
_SIZES = ("vocab_size", "intermediate_size", "num_attention_heads", "num_key_value_heads", "head_dim")


#: Kinds of layers that are alike in all of a family whose reader asks for none.
_ALIKE = ("full_attention", "attention", "indexed_attention", "chunked_attention")


def _check_unread_layers(c: Config) -> None:
    """A list of layers that the family's reader does not ask for holds nothing that it would have to know."""
    if "layer_types" not in c.asked:
        c.kinds(_ALIKE, "layer_types")


def _supplied(c: Config) -> list[str]:
    said = [f"{key} {c.supplied[key]}" for key in _SIZES if key in c.supplied]
    return [f"left out by the configuration, supplied by the family's class: {', '.join(said)}"] if said else []


def card_from_config(raw: Mapping[str, Any], *, name: str, source: str, file: str = "config.json") -> ModelCard:
    """The card that a configuration implies.

    Args:
        raw: the parsed ``config.json``.
        name: the model's name; its id is this in lower case.
        source: where the configuration was read.
        file: its name in messages.

    Raises:
        CardError: an unknown architecture, or a configuration that lacks or contradicts something.
    """
    c = Config(raw, file)
    verified = True
    build = family(c.model_type) or family(c.text_type)
    if build is None:
        if not _is_llama_shaped(c):
            kind = c.model_type or "(none)"
            raise CardError(
                file, "model_type", f"{shown(kind)} is not supported, and the configuration is not shaped like Llama's"
            )
        build, verified = family("llama"), False
        c.warnings.append(f"model_type {shown(c.model_type)} is not known; read as Llama-shaped, unverified")
    assert build is not None
    try:
        architecture = build(c)
        _check_unread_layers(c)
        weights, architecture = read_weights(c, _dtype(c), architecture)
        context = _context(c)
        c.warnings += _supplied(c)
        card = ModelCard(
            id=name.lower()[:LONGEST_ID],
            name=name[:LONGEST_TEXT],
            context=context,
            weights=weights,
            architecture=architecture,
            engine_class=c.architectures[0][:LONGEST_TEXT] if c.architectures else None,
            verified=verified,
            notes=tuple(c.warnings),
            sources=(
                Source(url=source[:LONGEST_TEXT], facts="architecture, data types, context length (config.json)"),
            ),
        )
        # What a card may hold is said once, in its schema.
        return validate(plain(card), ModelCard, Path(file))
    except CardError:
        raise
    except (ValueError, TypeError, ArithmeticError, LookupError, AttributeError, RecursionError) as error:
        raise CardError(file, "", str(error)[:200] or type(error).__name__) from None


#: modelopt's own file, which engines read where ``config.json`` names no quantization.
MODELOPT_FILE = "hf_quant_config.json"


def with_modelopt(raw: Mapping[str, Any], beside: Any) -> Mapping[str, Any]:
    """The configuration with what ``hf_quant_config.json`` beside it says of the weights.

    As the engine merges them (vLLM ``model_executor/model_loader/weight_utils.py: get_quant_config``).
    """
    inner = beside.get("quantization") if isinstance(beside, Mapping) else None
    if raw.get("quantization_config") or not isinstance(inner, Mapping):
        return raw
    made: dict[str, Any] = {"quant_method": "modelopt", **inner}
    if str(inner.get("kv_cache_quant_algo") or "").upper() == "FP8":
        made["kv_cache_scheme"] = {"num_bits": 8, "type": "float"}
    return {**raw, "quantization_config": made}


def import_folder(path: str | os.PathLike[str]) -> ModelCard:
    """The card of a model folder, or of a ``config.json`` itself.

    Raises:
        CardError: no configuration there, or one that cannot be used.
    """
    where = Path(path)
    config = where / "config.json" if where.is_dir() else where
    raw = read_json(config)
    if not isinstance(raw, Mapping):
        raise CardError(str(config), "", "not a JSON object")
    if (beside := config.parent / MODELOPT_FILE).is_file():
        raw = with_modelopt(raw, read_json(beside))
    name = (where if where.is_dir() else where.parent).resolve().name or "model"
    return card_from_config(raw, name=name, source=str(where), file=str(config))
