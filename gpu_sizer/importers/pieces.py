"""Pieces that families share: attention, feed-forwards and stacks read from a configuration."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from gpu_sizer.errors import shown
from gpu_sizer.importers.config import Config
from gpu_sizer.model.architecture import Architecture, Block, ExtraTensor, Run
from gpu_sizer.model.feed_forwards.dense import Dense
from gpu_sizer.model.feed_forwards.mixture_of_experts import MixtureOfExperts
from gpu_sizer.model.mixers.attention import Attention


def attention(c: Config, **differs: Any) -> Attention:
    """Grouped-query attention with the keys that most families share; ``differs`` overrides fields."""
    values: dict[str, Any] = {
        "num_attention_heads": c.heads,
        "num_key_value_heads": c.number("num_key_value_heads", default=c.heads),
        "head_dim": c.head_dim,
    }
    return Attention(**{**values, **differs})


def dense(c: Config, **differs: Any) -> Dense:
    """A dense feed-forward of ``intermediate_size``."""
    if "intermediate_size" not in differs:
        differs["intermediate_size"] = c.number("intermediate_size", "ffn_dim", "n_inner")
    return Dense(**differs)


def mixture(c: Config, **differs: Any) -> MixtureOfExperts:
    """A mixture of experts with the usual keys."""
    values: dict[str, Any] = {}
    if "num_experts" not in differs:
        values["num_experts"] = c.number("num_experts", "num_local_experts", "n_routed_experts")
    if "num_experts_per_tok" not in differs:
        values["num_experts_per_tok"] = c.number("num_experts_per_tok", "num_experts_per_token", "experts_per_token")
    if "moe_intermediate_size" not in differs:
        values["moe_intermediate_size"] = c.optional("moe_intermediate_size") or c.number("intermediate_size")
    return MixtureOfExperts(**values, **differs)


def head_gate(c: Config, name: str, outputs: int) -> ExtraTensor:
    """The gate of the attention's output, projected from the layer's input and cut by heads."""
    return ExtraTensor(
        name=f"self_attn.{name}.weight",
        shape=(outputs, c.hidden_size),
        part="attention",
        split_dim=0,
        units=c.heads,
        linear=True,
    )


def runs(names: Sequence[str]) -> tuple[Run, ...]:
    """The shortest stack that gives these layers in order: a repeated pattern, what leads, what trails.

    >>> [(r.blocks, r.repeat) for r in runs(["a", "b", "b", "b"])]
    [(('a',), 1), (('b',), 3)]
    """
    result: list[Run] = []
    i, count = 0, len(names)
    while i < count:
        best_period, best_repeat = 1, 1
        for period in range(1, min(16, count - i) + 1):
            repeat = 1
            while names[i + repeat * period : i + (repeat + 1) * period] == names[i : i + period]:
                repeat += 1
            if repeat > 1 and repeat * period > best_repeat * best_period:
                best_period, best_repeat = period, repeat
        result.append(Run(blocks=tuple(names[i : i + best_period]), repeat=best_repeat))
        i += best_period * best_repeat
    return tuple(result)


def stack(
    c: Config, blocks: dict[str, Block], names: Sequence[str], *, empty_layers: int = 0, **ends: Any
) -> Architecture:
    """An architecture of these blocks in this order, with ends as configured.

    Blocks that no layer uses are left out, unless multi-token prediction uses them; ``empty_layers`` counts the
    configured layers that hold nothing and have no name.
    """
    if c.find("num_hidden_layers") is not None and len(names) + empty_layers != c.layers:
        raise c.fail("num_hidden_layers", f"is {c.layers}, and {len(names)} layers are named")
    mtp = ends.get("mtp")
    used = set(names) | set(mtp.blocks if mtp else ())
    values: dict[str, Any] = {
        "hidden_size": c.hidden_size,
        "vocab_size": c.number("vocab_size", "padded_vocab_size"),
        "blocks": {name: block for name, block in blocks.items() if name in used},
        "stack": runs(list(names)),
        "tie_word_embeddings": c.tied(),
    }
    return Architecture(**{**values, **ends})


def uniform(c: Config, block: Block, **ends: Any) -> Architecture:
    """An architecture in which every layer is alike."""
    return stack(c, {"layer": block}, ["layer"] * c.layers, **ends)


def sparse_steps(c: Config) -> list[str]:
    """Which layers have experts, as Qwen says it: every so many, and none of those listed."""
    step, plain = c.number("decoder_sparse_step", default=1), set(c.layer_numbers("mlp_only_layers") or ())
    return ["dense" if i in plain or (i + 1) % step else "experts" for i in range(c.layers)]


def layer_types(c: Config, names: dict[str, str], otherwise: Sequence[str] | None = None) -> list[str]:
    """Names of blocks by the configuration's ``layer_types``; ``otherwise`` where it has none.

    Raises:
        CardError: a layer type that the family does not know, or no list and no rule.
    """
    listed = c.kinds(names, "layer_types")
    if listed is None:
        if otherwise is None:
            raise c.fail("layer_types", "missing, and the family has no rule for it")
        return list(otherwise)
    return [names[t] for t in listed]


def layers_told(c: Config, key: str, otherwise: Iterable[int]) -> set[int]:
    """Numbers of layers as a list, or as a text with commas between them."""
    value = c.find(key)
    if not isinstance(value, str):
        listed = c.layer_numbers(key)
        return set(otherwise if listed is None else listed)
    if not value.strip():
        return set(otherwise)
    numbers = [part.strip() for part in value.split(",") if part.strip()]
    if wrong := [n for n in numbers if not n.isdecimal() or len(n) > 4 or int(n) >= c.layers]:
        raise c.fail(key, f"must hold numbers of layers from 0 to {c.layers - 1}, not {shown(wrong[0])}")
    return {int(n) for n in numbers}


def dense_first(c: Config, first: int) -> list[str]:
    """Which layers are dense and which have experts: listed, or dense first and then experts every so many."""
    every = c.number("moe_layer_freq", default=1)
    listed = c.kinds(("dense", "sparse"), "mlp_layer_types")
    if listed is not None:
        return ["dense" if kind == "dense" else "experts" for kind in listed]
    return ["dense" if i < first or i % every else "experts" for i in range(c.layers)]
