"""A checkpoint's own tensor list against the inventory that the configuration implies, name by name."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from gpu_sizer.importers.checkpoint import Checkpoint
from gpu_sizer.model.inventory import Inventory
from gpu_sizer.model.tensor import Tensor
from gpu_sizer.records import dataclass

#: Tensors of a checkpoint that hold no parameters of the model: scales of quantized weights, rotary tables.
_NO_PARAMETERS = re.compile(
    r"(_scale|_scale_inv|_scale_2|_scales|_zero_point|_zeros|_shape|input_scale|weight_packed_shape|inv_freq|rotary_emb\.\w+|"
    r"masked_bias|attn\.bias|e_score_correction_bias|k_scale|v_scale)$"
)

#: How families name what the inventory names as Llama does: (expression, replacement), the first match counts.
#: Several tensors of the inventory may become one of the checkpoint (fused projections): their values add up.
NAMES: dict[str, tuple[tuple[str, str], ...]] = {
    "mixtral": (
        (r"mlp\.gate\.", "block_sparse_moe.gate."),
        (r"mlp\.experts\.(\d+)\.gate_proj", r"block_sparse_moe.experts.\1.w1"),
        (r"mlp\.experts\.(\d+)\.down_proj", r"block_sparse_moe.experts.\1.w2"),
        (r"mlp\.experts\.(\d+)\.up_proj", r"block_sparse_moe.experts.\1.w3"),
    ),
    "phi3": (
        (r"self_attn\.[qkv]_proj", "self_attn.qkv_proj"),
        (r"mlp\.(gate|up)_proj", "mlp.gate_up_proj"),
    ),
    "gpt_oss": (
        (r"mlp\.gate\.", "mlp.router."),
        (r"mlp\.experts\.\d+\.(gate|up)_proj\.weight", "mlp.experts.gate_up_proj"),
        (r"mlp\.experts\.\d+\.(gate|up)_proj\.bias", "mlp.experts.gate_up_proj_bias"),
        (r"mlp\.experts\.\d+\.down_proj\.weight", "mlp.experts.down_proj"),
        (r"mlp\.experts\.\d+\.down_proj\.bias", "mlp.experts.down_proj_bias"),
    ),
    "llama": (),
    "mistral": (),
    "qwen2": (),
    "qwen3": (),
    "qwen3_moe": (),
    "gemma": (),
    "gemma2": (),
    "gemma3_text": (),
    "olmo": (),
    "olmoe": (),
    "granite": (),
    "smollm3": (),
    "seed_oss": (),
    "deepseek_v3": ((r"mlp\.shared_expert\.", "mlp.shared_experts."),),
    "starcoder2": (
        (r"mlp\.up_proj", "mlp.c_fc"),
        (r"mlp\.down_proj", "mlp.c_proj"),
    ),
}


@dataclass(frozen=True, slots=True)
class Difference:
    """A tensor on which checkpoint and inventory disagree."""

    name: str
    problem: str

    def __str__(self) -> str:
        return f"{self.name}: {self.problem}"


def _names(tensor: Tensor, prefix: str) -> Iterator[str]:
    if "{expert}" in tensor.name:
        for expert in range(tensor.copies):
            yield prefix + tensor.name.replace("{expert}", str(expert))
    else:
        yield prefix + tensor.name


def expected_tensors(inventory: Inventory, model_type: str) -> Counter[str] | None:
    """Values that the checkpoint of a family holds under each name; null where the family's names are not known."""
    rules = NAMES.get(model_type)
    if rules is None:
        return None
    shapes: Counter[str] = Counter()

    def add(tensor: Tensor, prefix: str) -> None:
        if not tensor.is_parameter:
            return
        each = tensor.parameters // tensor.copies
        for name in _names(tensor, prefix):
            for expression, replacement in rules:
                name, changed = re.subn(expression, replacement, name)
                if changed:
                    break
            shapes[name] += each

    for index, block in enumerate(inventory.layer_names):
        for tensor in inventory.blocks[block]:
            add(tensor, f"model.layers.{index}.")
    for tensor in (*inventory.embedding, *inventory.final):
        add(tensor, "model.")
    if not inventory.tied:
        for tensor in inventory.head:
            add(tensor, "")
    return shapes


def stored_elements(checkpoint: Checkpoint) -> dict[str, int]:
    """Values under each name of a checkpoint, without scales and tables."""
    return {t.name: t.elements for t in checkpoint.tensors.values() if not _NO_PARAMETERS.search(t.name)}


def compare(inventory: Inventory, checkpoint: Checkpoint, model_type: str) -> list[Difference]:
    """Where the checkpoint and the inventory differ, tensor by tensor; their totals where names are not known.

    Multi-token-prediction layers stand behind the last layer in the checkpoint; their values must add up.
    """
    stored = stored_elements(checkpoint)
    expected = expected_tensors(inventory, model_type)
    if expected is None:
        total, ours = sum(stored.values()), inventory.total_parameters
        near = abs(total - ours) <= 1e-3 * ours
        return [] if near else [Difference("in all", f"{total:,} values stored, {ours:,} expected")]
    layers = len(inventory.layer_names)
    behind = re.compile(r"model\.layers\.(\d+)\.")

    def is_prediction(name: str) -> bool:
        match = behind.match(name)
        return match is not None and int(match[1]) >= layers

    differences = []
    for name in sorted(set(expected) | {n for n in stored if not is_prediction(n)}):
        if name not in stored:
            differences.append(Difference(name, f"missing from the checkpoint ({expected[name]:,} values expected)"))
        elif name not in expected:
            if inventory.tied and name == "lm_head.weight":
                continue
            differences.append(Difference(name, f"not expected ({stored[name]:,} values stored)"))
        elif stored[name] != expected[name]:
            differences.append(Difference(name, f"{stored[name]:,} values stored, {expected[name]:,} expected"))
    return differences
