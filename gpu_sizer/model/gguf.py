"""The tensors of a GGUF file as an inventory holds them."""

from __future__ import annotations

from fnmatch import fnmatchcase

from gpu_sizer.model.formats import OF_FILE
from gpu_sizer.model.tensor import Tensor
from gpu_sizer.model.weights import PLAIN_TYPES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gpu_sizer.model.constraints import Part
    from gpu_sizer.model.weights import FileTensors

#: Tables that are read row by row, in the machine's memory (src/llama-arch.cpp: LLM_TENSOR_LAYER_INPUT).
INPUTS = ("token_embd.weight", "per_layer_token_embd.weight", "position_embd.weight", "token_types.weight")
#: The embedding, which is the head as well where a file has none.
EMBEDDING, HEAD = "token_embd.weight", "output.weight"
#: Parts of the model by what the names of tensors hold; the first match counts.
_PARTS: tuple[tuple[str, Part], ...] = (
    ("*_exps.*", "experts"),
    ("*_shexp.*", "shared_experts"),
    ("*norm*", "norms"),
    ("ffn_gate_inp*", "router"),
    ("ffn_*", "mlp"),
    ("attn_*", "attention"),
    ("ssm_*", "attention"),
    ("shortconv*", "attention"),
    ("indexer*", "attention"),
    ("*token_embd*", "embedding"),
    ("position_embd*", "embedding"),
    ("token_types*", "embedding"),
    ("output.*", "lm_head"),
)


def _tensors(group: FileTensors, used: int) -> Iterator[Tensor]:
    fmt = PLAIN_TYPES.get(group.type, f"{OF_FILE}{group.type}")
    for name in group.names:
        part: Part = next((part for sign, part in _PARTS if fnmatchcase(name, sign)), "other")
        expert, looked_up = part == "experts" and len(group.shape) > 1, name in INPUTS[1:]
        shape, copies = (group.shape[1:], group.shape[0]) if expert else (group.shape, 1)
        yield Tensor(
            name,
            shape,
            part,
            fmt,
            copies=copies,
            active_copies=min(copies, used) if expert else int(not looked_up),
            is_expert=expert,
            is_vocabulary=name in (EMBEDDING, HEAD),
            on_host=looked_up,
        )


def tensors_of(groups: Iterable[FileTensors], used: int = 1) -> tuple[Tensor, ...]:
    """The tensors of groups; of experts a token uses so many."""
    return tuple(tensor for group in groups for tensor in _tensors(group, used))
