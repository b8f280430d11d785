"""A model as an inventory of tensors: the one place from which counts and bytes come."""

from __future__ import annotations

from collections import Counter
from math import prod

from gpu_sizer.errors import RequestError
from gpu_sizer.model.formats import ELEMENT_BYTES, WEIGHT_FORMATS, is_scaled, storage_bytes
from gpu_sizer.model.tensor import Split, Tensor
from gpu_sizer.records import dataclass, field, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Protocol

    from gpu_sizer.model.architecture import Architecture, Block, ExtraTensor
    from gpu_sizer.model.weights import FormatRule, GgufFile, Weights

    class Described(Protocol):
        """What of a card an inventory is made from."""

        @property
        def architecture(self) -> Architecture:
            """How it is built."""

        @property
        def weights(self) -> Weights:
            """The types in which it was released."""


#: Names of a block's norms, by how many it has.
_NORM_NAMES = ("input_layernorm", "post_attention_layernorm", "pre_feedforward_layernorm", "post_feedforward_layernorm")


@dataclass(frozen=True, slots=True)
class Inventory:
    """Every tensor of a model, grouped by where it stands.

    ``blocks`` holds the tensors of each distinct layer once; ``layer_names`` says which block each layer is.
    """

    blocks: dict[str, tuple[Tensor, ...]]
    layer_names: tuple[str, ...]
    embedding: tuple[Tensor, ...]
    head: tuple[Tensor, ...]
    final: tuple[Tensor, ...]
    towers: tuple[Tensor, ...]
    mtp: tuple[Tensor, ...]
    mtp_beside: tuple[Tensor, ...]
    """Those of multi-token prediction that stand beside its blocks."""
    tied: bool
    looped: bool = False
    """Layers are run through several times."""
    kinds: frozenset[tuple[str, bool, bool]] = field(init=False, compare=False, repr=False)
    """Of its tensors, multi-token prediction left out: format, whether experts', whether in the machine's memory.

    Most models have few of these, which spares looking at every tensor for one that is not there.
    """

    def __post_init__(self) -> None:
        every = (*self.blocks.values(), self.embedding, self.head, self.final, self.towers)
        kinds = frozenset([(t.fmt, t.is_expert, t.on_host) for tensors in every for t in tensors])
        object.__setattr__(self, "kinds", kinds)

    def everything(self) -> Iterator[tuple[Tensor, int]]:
        """Each tensor once with the number of layers that have it, multi-token prediction left out."""
        for name, layers in Counter(self.layer_names).items():
            for tensor in self.blocks[name]:
                yield tensor, layers
        for tensors in (self.embedding, () if self.tied else self.head, self.final, self.towers):
            for tensor in tensors:
                yield tensor, 1

    @property
    def main_format(self) -> str:
        """The format in which most bytes of the weights are."""
        if len(formats := {fmt for fmt, _, _ in self.kinds}) == 1:
            return formats.pop()
        sizes: Counter[str] = Counter()
        for tensor, layers in self.everything():
            sizes[tensor.fmt] += storage_bytes(tensor.shape, tensor.fmt) * tensor.copies * layers
        return max(sizes, key=lambda fmt: sizes[fmt])

    @property
    def has_experts(self) -> bool:
        """Whether some layer is a mixture of experts."""
        return any(is_expert for _, is_expert, _ in self.kinds)

    @property
    def has_scaled_experts(self) -> bool:
        """Whether experts are stored with scales beside low-precision values."""
        return any(is_expert and is_scaled(fmt) for fmt, is_expert, _ in self.kinds)

    @property
    def total_parameters(self) -> int:
        """All parameters, a tied head counted once, multi-token prediction left out."""
        return sum(t.parameters * n for t, n in self.everything())

    @property
    def active_parameters(self) -> int:
        """Parameters that one token uses."""
        return sum(t.active_parameters * n for t, n in self.everything())

    @property
    def active_without_embedding(self) -> int:
        """Parameters of the language model that one token computes with: no table is looked up, no tower passed.

        A head is computed with, so that a matrix which is embedding and head stays.
        """
        looked_up = [t for t in self.embedding if not (self.tied and t.is_vocabulary)]
        return self.active_parameters - sum(t.active_parameters for t in (*looked_up, *self.towers))

    @property
    def checkpoint_parameters(self) -> int:
        """All that the checkpoint holds: towers that the total leaves out, and the layers that predict ahead, too."""
        left_out = sum(prod(t.shape) * t.copies for t in self.towers if not t.is_parameter)
        return self.total_parameters + left_out + sum(t.parameters for t in self.mtp)

    @property
    def host_bytes(self) -> int:
        """Bytes of the tables that stand in the machine's memory."""
        if not any(on_host for _, _, on_host in self.kinds):
            return 0
        return sum(storage_bytes(t.shape, t.fmt) * t.copies * n for t, n in self.everything() if t.on_host)

    def parameters_by_part(self) -> dict[str, int]:
        """Parameters of each part: embedding, attention, norms, mlp, router, experts ..."""
        parts: Counter[str] = Counter()
        for tensor, layers in self.everything():
            parts[tensor.part] += tensor.parameters * layers
        return dict(parts)


def _norms(count: int, hidden: int, fmt: str, kind: str, names: Iterable[str]) -> Iterator[Tensor]:
    if kind == "none":
        return
    for name, _ in zip(names, range(count), strict=False):
        yield Tensor(f"{name}.weight", (hidden,), "norms", fmt)
        if kind == "layer":
            yield Tensor(f"{name}.bias", (hidden,), "norms", fmt)


def _extra(tensors: Iterable[ExtraTensor], fmt: str, prefix: str = "") -> Iterator[Tensor]:
    for t in tensors:
        split = None
        if t.split_dim is not None:
            split = Split(t.split_dim, t.units or t.shape[t.split_dim], t.name, t.replicate)
        yield Tensor(
            prefix + t.name,
            t.shape,
            t.part,
            fmt if t.dtype == "model" else t.dtype,
            split,
            copies=t.copies,
            # Of a table on the host a token uses some rows.
            active_copies=0 if t.host_table else t.copies,
            is_parameter=t.parameter,
            is_linear=t.linear,
            on_host=t.host_table,
        )


def block_tensors(block: Block, a: Architecture, fmt: str) -> tuple[Tensor, ...]:
    """The tensors of one layer, in the model's storage type: made once for models that have it in common."""
    # The block is kept beside them, so that no other can bear its identity.
    key = id(block), a.hidden_size, a.norm, fmt
    if (kept := _OF_BLOCKS.get(key)) is None:
        if len(_OF_BLOCKS) >= MOST_BLOCKS:
            _OF_BLOCKS.clear()
        kept = _OF_BLOCKS[key] = block, tuple(_block_tensors(block, a, fmt))
    return kept[1]


def _block_tensors(block: Block, a: Architecture, fmt: str) -> list[Tensor]:
    tensors = list(block.tensors(a.hidden_size, fmt, a.norm))
    tensors += _norms(block.norms, a.hidden_size, fmt, a.norm, (*_NORM_NAMES, *(f"norm_{i}" for i in range(4, 16))))
    tensors += _extra(block.extra, fmt)
    return tensors


#: Layers whose tensors are kept.
MOST_BLOCKS = 1 << 10
_OF_BLOCKS: dict[tuple[int, int, str, str], tuple[Block, tuple[Tensor, ...]]] = {}

#: Signs that make a name of tensors a pattern.
_WILD = "*?["


class _Formats:
    """The formats in which a card's rules have some tensors stored: the first rule that matches a name holds."""

    def __init__(self, rules: Iterable[FormatRule]) -> None:
        # Most rules give names alone, and what matches patterns takes longer to load than a model to size.
        self._rules = [
            (frozenset(rule.tensors), tuple(t for t in rule.tensors if any(c in t for c in _WILD)), rule.format)
            for rule in rules
        ]

    def of(self, tensor: Tensor, path: str) -> Tensor:
        """The tensor of a path in its format."""
        if tensor.is_linear:
            for names, patterns, fmt in self._rules:
                if path in names or (patterns and _matches(path, patterns)):
                    return replace(tensor, fmt=fmt)
        return tensor


def _matches(path: str, patterns: Iterable[str]) -> bool:
    from fnmatch import fnmatchcase

    return any(fnmatchcase(path, pattern) for pattern in patterns)


def _as_what_if(tensor: Tensor, dtype: str | None, model_dtype: str) -> Tensor:
    """The tensor as it would be stored had the model been released in another type.

    Tensors that the model keeps in a type of their own (float32 states and biases) stay as they are.
    """
    if dtype is None or tensor.fmt != model_dtype:
        return tensor
    if dtype in ELEMENT_BYTES:
        return replace(tensor, fmt=dtype)
    return replace(tensor, fmt=dtype) if tensor.is_linear else tensor


#: What people write for a weight type, and the format it means.
WEIGHT_DTYPE_NAMES = {
    "bf16": "bfloat16",
    "fp16": "float16",
    "half": "float16",
    "fp32": "float32",
    "fp8": "float8",
    "float8": "float8",
    "f8": "float8",
    "e4m3": "float8",
    "fp4": "nvfp4",
    **dict.fromkeys(("int8", "w8a8"), "int8-channel"),
    **dict.fromkeys(("int4", "w4a16", "awq", "gptq"), "int4-group128"),
}


def weight_format(name: str) -> str:
    """The weight format that a name means: ``fp8`` is float8 with one scale per output channel.

    Raises:
        RequestError: not a known format.
    """
    lowered = name.lower().strip()
    resolved = WEIGHT_DTYPE_NAMES.get(lowered, lowered)
    if resolved == "float8":
        resolved = "float8-channel"
    if resolved not in WEIGHT_FORMATS:
        raise RequestError(f"unknown weights dtype {name!r}; known: {', '.join(WEIGHT_FORMATS)}")
    return resolved


def _of_file(card: Described, file: GgufFile) -> Inventory:
    """The inventory of a GGUF file: the tensors that it holds."""
    from gpu_sizer.model.gguf import EMBEDDING, HEAD, INPUTS, tensors_of

    a = card.architecture
    used = {name: max((f.num_experts_per_tok for f in b.feed_forwards), default=0) for name, b in a.blocks.items()}
    outside = tensors_of(file.outside)
    head = tuple(t for t in outside if t.name == HEAD)
    embedding = tuple(t for t in outside if t.name in INPUTS)
    return Inventory(
        blocks={name: tensors_of(groups, used[name]) for name, groups in file.layers.items()},
        layer_names=a.layer_names,
        embedding=embedding,
        head=head or tuple(t for t in embedding if t.name == EMBEDDING),
        final=tuple(t for t in outside if t.name not in (*INPUTS, HEAD)),
        towers=(),
        mtp=tensors_of(file.ahead),
        mtp_beside=(),
        tied=a.tie_word_embeddings,
    )


def build_inventory(card: Described, dtype: str | None = None) -> Inventory:
    """The inventory of a card.

    Args:
        card: the model.
        dtype: null for the types as released; otherwise every tensor (a plain type) or every linear
            layer of the stack (a scaled format) in this one: the what-if.

    Raises:
        RequestError: the data type is not known.
    """
    if card.weights.file is not None:
        if dtype is not None:
            raise RequestError(
                f"a GGUF file holds tensors in the types that it has: for {dtype} name the model that it was made from"
            )
        return _of_file(card, card.weights.file)
    a, fmt = card.architecture, card.weights.dtype
    what_if = weight_format(dtype) if dtype is not None else None
    as_built = what_if is None and not card.weights.rules
    formats = _Formats(() if what_if is not None else card.weights.rules)

    def stored(tensors: Iterable[Tensor], path: str) -> tuple[Tensor, ...]:
        if as_built:
            return tuple(tensors)
        return tuple(_as_what_if(formats.of(t, path + t.name), what_if, fmt) for t in tensors)

    def outside(tensors: Iterable[Tensor]) -> tuple[Tensor, ...]:
        if as_built:
            return tuple(tensors)
        plain = what_if if what_if in ELEMENT_BYTES else None
        return tuple(_as_what_if(formats.of(t, t.name), plain, fmt) for t in tensors)

    blocks = {name: stored(block_tensors(block, a, fmt), f"layers.{name}.") for name, block in a.blocks.items()}
    width = a.embedding_size or a.hidden_size
    vocabulary = Split(0, a.vocab_size, "vocabulary", replicate=False)
    embedding: list[Tensor] = []
    if a.embedding:
        rows = (a.vocab_size, width)
        embedding.append(Tensor("embed_tokens.weight", rows, "embedding", fmt, vocabulary, is_vocabulary=True))
    if a.position_embeddings:
        embedding.append(Tensor("embed_positions.weight", (a.position_embeddings, a.hidden_size), "embedding", fmt))
    embedding += _extra(a.extra, fmt)
    head: list[Tensor] = []
    if a.head:
        rows = (a.head_rows or a.vocab_size, width)
        scored = Split(0, rows[0], "vocabulary", replicate=False)
        head.append(Tensor("lm_head.weight", rows, "lm_head", fmt, scored, is_linear=True, is_vocabulary=True))
        if a.head_bias:
            head.append(Tensor("lm_head.bias", rows[:1], "lm_head", fmt, scored, is_vocabulary=True))
    final = _norms(int(a.final_norm), a.hidden_size, fmt, a.norm, ("norm",))
    towers = [t for tower in a.towers for t in _extra(tower.tensors, fmt, f"{tower.name}.")]
    mtp: list[Tensor] = []
    beside: list[Tensor] = []
    if a.mtp:
        for name, layers in a.mtp.blocks.items():
            mtp += block_tensors(a.blocks[name], a, fmt) * layers
        beside += [*_extra(a.mtp.extra, fmt)] * a.mtp.layers
        beside += _extra(a.mtp.once, fmt)
    return Inventory(
        blocks=blocks,
        layer_names=a.layer_names,
        embedding=outside(embedding),
        head=outside(head),
        final=outside(final),
        towers=outside(towers),
        mtp=outside([*mtp, *beside]),
        mtp_beside=outside(beside),
        tied=a.tie_word_embeddings,
        looped=any(block.passes > 1 for block in a.blocks.values()),
    )
