"""A GGUF file as llama.cpp loads it: what every layer keeps, and every tensor in the type in which it is stored.

The shapes are those of the tensors; what no shape tells stands in the metadata. File names of sources are relative to
ggml-org/llama.cpp at 0c1e5709 (2026-10-01).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from gpu_sizer.cards.loading import validate
from gpu_sizer.cards.model_card import ContextLength, ModelCard, Source
from gpu_sizer.cards.writing import plain
from gpu_sizer.errors import CardError, printable, shown
from gpu_sizer.importers.checkpoint import Checkpoint, StoredTensor
from gpu_sizer.importers.gguf import FILE_TYPES, PLAIN
from gpu_sizer.model.architecture import Architecture, Block, Run
from gpu_sizer.model.bounds import LONGEST_ID, LONGEST_TEXT, MOST_LAYERS, MOST_SIZE, MOST_TOKENS
from gpu_sizer.model.feed_forwards.dense import Dense
from gpu_sizer.model.feed_forwards.mixture_of_experts import MixtureOfExperts
from gpu_sizer.model.gguf import EMBEDDING, HEAD
from gpu_sizer.model.mixers.attention import Attention
from gpu_sizer.model.mixers.gated_delta_net import GatedDeltaNet
from gpu_sizer.model.mixers.kimi_delta_attention import KimiDeltaAttention
from gpu_sizer.model.mixers.latent_attention import LatentAttention
from gpu_sizer.model.mixers.mamba1 import Mamba1
from gpu_sizer.model.mixers.mamba2 import Mamba2
from gpu_sizer.model.mixers.short_convolution import ShortConvolution
from gpu_sizer.model.weights import FileTensors, GgufFile, Weights

if TYPE_CHECKING:
    from gpu_sizer.model.mixer import Mixer

#: The kinds of files that are known (``gguf_architectures.yaml``).
_TABLE = Path(__file__).parent / "gguf_architectures.yaml"
#: Tensors of a layer by which attention is told.
_ATTENTION = ("attn_q.weight", "attn_q_b.weight", "attn_k.weight")


@cache
def _known() -> dict[str, Any]:
    """The table of architectures."""
    text = _TABLE.read_text(encoding="utf-8")
    table: dict[str, Any] = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return table


class _Metadata:
    """What a file says of its model, by the keys below its architecture."""

    def __init__(self, file: str, metadata: Mapping[str, Any]) -> None:
        self.file, self._all = file, metadata
        name = metadata.get("general.architecture")
        self.architecture = name if isinstance(name, str) else ""

    def fail(self, key: str, reason: str) -> CardError:
        return CardError(self.file, key, reason)

    def number(self, key: str, default: int | None = None, *, layer: int = 0, most: int = MOST_SIZE) -> int:
        """A whole number, of a layer where they differ."""
        value = self._all.get(f"{self.architecture}.{key}", default)
        if isinstance(value, list):
            value = value[layer] if layer < len(value) else None
        whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
        if not whole or isinstance(value, bool) or not 0 <= value <= most:
            raise self.fail(f"{self.architecture}.{key}", f"must be a whole number of the model's, not {shown(value)}")
        return int(value)

    def listed(self, key: str) -> list[bool] | None:
        """A list of which layers something holds for, null where there is none."""
        value = self._all.get(f"{self.architecture}.{key}")
        return [bool(v) for v in value] if isinstance(value, list) else None


class _Layers:
    """The layers of a file."""

    def __init__(self, m: _Metadata, checkpoint: Checkpoint) -> None:
        self.m = m
        self.outside: list[StoredTensor] = []
        self.of: dict[int, dict[str, StoredTensor]] = defaultdict(dict)
        for t in checkpoint.tensors.values():
            first, _, rest = t.name.partition(".")
            number, _, name = rest.partition(".")
            if first == "blk" and number.isdecimal() and len(number) < 6:
                self.of[int(number)][name] = t
            else:
                self.outside.append(t)
        every = m.number("block_count", most=MOST_LAYERS)
        self.ahead_layers = m.number("nextn_predict_layers", 0, most=every)
        self.count = every - self.ahead_layers
        missing = next((i for i in range(self.count) if i not in self.of), None)
        if self.count < 1 or missing is not None:
            raise m.fail("", f"has no tensors of layer {missing or 0} of {self.count}")
        self.hidden = m.number("embedding_length")
        self._windows = self._spans()
        self._own = self.count - m.number("attention.shared_kv_layers", 0, most=self.count)

    def _spans(self) -> list[int | None]:
        """The window of each layer, null for those that see everything."""
        m, name, known = self.m, self.m.architecture, _known()
        windowed, nothing = known["windowed"], [None] * self.count
        if name not in windowed:
            return [*nothing]
        own = known["of_size"].get(name, {"layers": self.count, "window": 0})
        chunk = known["chunks"].get(name)
        window = m.number("attention.sliding_window", chunk or own["window"], most=MOST_TOKENS)
        if not window or own["layers"] != self.count:
            return [*nothing]
        listed, every = m.listed("attention.sliding_window_pattern"), windowed[name]
        if listed is None:
            if every is None:
                raise m.fail(f"{name}.attention.sliding_window_pattern", "must list which layers have windows")
            every = m.number("attention.sliding_window_pattern", every)
            last = 0 if name in known["whole_first"] else every - 1
            listed = [every == 0 or i % every != last for i in range(self.count)]
        return [(chunk or window) if i < len(listed) and listed[i] else None for i in range(self.count)]

    def _attention(self, i: int) -> Mixer:
        m, heads = self.m, self.m.number("attention.head_count", layer=i)
        groups = m.number("attention.head_count_kv", heads, layer=i)
        if not heads or not groups:
            raise m.fail(f"{m.architecture}.attention.head_count", "must be at least 1 where a layer attends")
        if (rank := m.number("attention.kv_lora_rank", 0)) and m.number("attention.key_length_mla", 0):
            rope, values = m.number("rope.dimension_count", 0), m.number("attention.value_length_mla")
            nope = m.number("attention.key_length_mla") - rope
            return LatentAttention(
                num_attention_heads=heads,
                q_lora_rank=m.number("attention.q_lora_rank", 0) or None,
                kv_lora_rank=rank,
                qk_nope_head_dim=nope,
                qk_rope_head_dim=rope,
                v_head_dim=values,
            )
        window = self._windows[i]
        usual = self.hidden // heads
        keys = m.number("attention.key_length", usual)
        values = m.number("attention.value_length", usual)
        if window is not None:
            keys = m.number("attention.key_length_swa", keys)
            values = m.number("attention.value_length_swa", values)
        chunked = m.architecture in _known()["chunks"]
        return Attention(
            num_attention_heads=heads,
            num_key_value_heads=groups,
            head_dim=keys,
            v_head_dim=values if values != keys else None,
            sliding_window=None if chunked else window,
            attention_chunk_size=window if chunked else None,
            shares_cache=i >= self._own,
        )

    def _state(self, names: Mapping[str, StoredTensor]) -> Mixer:
        m = self.m
        if "shortconv.conv.weight" in names:
            return ShortConvolution(width=self.hidden, conv_kernel=m.number("shortconv.l_cache"))
        kernel = m.number("ssm.conv_kernel")
        if width := m.number("kda.head_dim", 0):
            return KimiDeltaAttention(num_heads=m.number("attention.head_count"), head_dim=width, conv_kernel=kernel)
        inner, size, rank = m.number("ssm.inner_size"), m.number("ssm.state_size"), m.number("ssm.time_step_rank")
        if "ssm_x.weight" in names:
            return Mamba1(intermediate_size=inner, state_size=size, conv_kernel=kernel, time_step_rank=rank)
        groups = m.number("ssm.group_count")
        if m.architecture in _known()["delta"]:
            return GatedDeltaNet(
                num_k_heads=groups, num_v_heads=rank, head_k_dim=size, head_v_dim=inner // rank, conv_kernel=kernel
            )
        return Mamba2(num_heads=rank, head_dim=inner // rank, state_size=size, n_groups=groups, conv_kernel=kernel)

    def _mixers(self, i: int) -> list[Mixer]:
        names = self.of[i]
        recurrent = any(n.startswith(("ssm_", "shortconv.")) for n in names)
        attends = any(n in names for n in _ATTENTION) or ("attn_qkv.weight" in names and not recurrent)
        mixers = [self._attention(i)] if attends else []
        return [*mixers, self._state(names)] if recurrent else mixers

    def _feed_forwards(self, i: int) -> tuple[MixtureOfExperts | None, Dense | None]:
        """A mixture of experts, a dense one, or both; neither for layers that only mix."""
        names, m = self.of[i], self.m
        mixture = dense = None
        if (down := names.get("ffn_down_exps.weight")) is not None and len(down.shape) == 3:
            shared = names.get("ffn_down_shexp.weight")
            mixture = MixtureOfExperts(
                num_experts=down.shape[0],
                num_experts_per_tok=m.number("expert_used_count", layer=i),
                moe_intermediate_size=down.shape[-1],
                gated="ffn_gate_exps.weight" in names or "ffn_gate_up_exps.weight" in names,
                num_shared_experts=int(shared is not None),
                shared_expert_intermediate_size=shared.shape[-1] if shared is not None else None,
            )
        if (down := names.get("ffn_down.weight")) is not None:
            up = names.get("ffn_up.weight")
            fused = up is not None and up.shape[0] == 2 * down.shape[-1]
            dense = Dense(intermediate_size=down.shape[-1], gated=fused or "ffn_gate.weight" in names)
        return mixture, dense

    def block(self, i: int) -> Block:
        """A layer."""
        mixers, (mixture, dense) = self._mixers(i), self._feed_forwards(i)
        if not mixers and mixture is None and dense is None:
            raise self.m.fail(f"blk.{i}", "holds no attention, no state and no feed-forward that is known here")
        return Block(
            mixer=mixers[0] if mixers else None,
            second_mixer=mixers[1] if len(mixers) > 1 else None,
            feed_forward=mixture or dense,
            dense=dense if mixture else None,
        )

    def ahead(self) -> dict[str, StoredTensor]:
        """Tensors of layers that predict ahead (src/models: TENSOR_SKIP without load_mtp)."""
        return {t.name: t for i, names in self.of.items() if i >= self.count for t in names.values()}


def _groups(tensors: Mapping[str, StoredTensor]) -> tuple[FileTensors, ...]:
    """Tensors of one shape and type together, in the file's order."""
    alike: dict[tuple[tuple[int, ...], str], list[str]] = defaultdict(list)
    for name, t in tensors.items():
        alike[t.shape or (1,), t.dtype.lower()].append(printable(name)[:LONGEST_TEXT])
    return tuple(FileTensors(names=tuple(names), shape=shape, type=kind) for (shape, kind), names in alike.items())


def _type_of(metadata: Mapping[str, Any], checkpoint: Checkpoint) -> str:
    """The type of the file: as it says, or that of most of its bytes."""
    told = metadata.get("general.file_type")
    known = FILE_TYPES.get(told) if isinstance(told, int) else None
    kind = next(iter(checkpoint.bytes_by_dtype()))
    # An unquantized file's number stays where somebody quantizes its tensors one by one.
    return kind if known is None or (known in PLAIN) != (kind in PLAIN) else known


def file_card(file: Path, metadata: Mapping[str, Any], checkpoint: Checkpoint) -> ModelCard:
    """The card of a GGUF file, its tensors as they are.

    Raises:
        CardError: no model, one whose cache is not known here, or one that is not whole.
    """
    m = _Metadata(str(file), metadata)
    name = m.architecture
    known = _known()
    other = known["other"].get(str(metadata.get("general.type"))) or known["other"].get(name)
    if other is not None:
        raise m.fail("", f"is {other}: name the model's own file")
    if name not in known["whole"] and name not in known["windowed"]:
        said = f"{shown(name)} is not known here: llama.cpp has none of that name, or keeps a cache of its own for it"
        raise m.fail("general.architecture", said if name else "is missing")
    try:
        return _card(file, m, metadata, checkpoint)
    except CardError:
        raise
    except (ValueError, TypeError, ArithmeticError, LookupError, AttributeError) as error:
        raise CardError(str(file), "", str(error)[:200] or type(error).__name__) from None


def _card(file: Path, m: _Metadata, metadata: Mapping[str, Any], checkpoint: Checkpoint) -> ModelCard:
    layers = _Layers(m, checkpoint)
    stored = {t.name: t for t in layers.outside}
    if (embedding := stored.get(EMBEDDING)) is None or len(embedding.shape) != 2:
        raise m.fail(EMBEDDING, "is missing")
    blocks: dict[str, Block] = {}
    groups: dict[str, tuple[FileTensors, ...]] = {}
    known: dict[tuple[Block, tuple[FileTensors, ...]], str] = {}
    stack = []
    for i in range(layers.count):
        block, tensors = layers.block(i), _groups(layers.of[i])
        if (name := known.get((block, tensors))) is None:
            name = known[block, tensors] = f"layer-{i}"
            blocks[name], groups[name] = block, tensors
        stack.append(name)
    kind = _type_of(metadata, checkpoint)
    told = metadata.get("general.name")
    title = printable(told if isinstance(told, str) and told.strip() else file.stem)[:LONGEST_ID].strip()
    sizes = ", ".join(f"{t} {size / 10**9:.2f} GB" for t, size in checkpoint.bytes_by_dtype().items())
    held = "quantized" if kind not in PLAIN else "as they are in the file"
    card = ModelCard(
        id=title.lower().replace(" ", "-") or "model",
        name=title.replace(" ", "-") or "model",
        context=ContextLength(native=m.number("context_length", most=MOST_TOKENS)),
        weights=Weights(
            dtype="float16" if Counter(t.dtype for t in checkpoint.tensors.values())["F16"] else "bfloat16",
            file_type=kind.lower(),
            file=GgufFile(
                layers=groups,
                outside=_groups(stored),
                ahead=_groups(layers.ahead()),
                ahead_layers=layers.ahead_layers,
            ),
        ),
        architecture=Architecture(
            hidden_size=layers.hidden,
            vocab_size=embedding.shape[0],
            blocks=blocks,
            stack=tuple(Run(blocks=(name,), repeat=len(list(same))) for name, same in groupby(stack)),
            tie_word_embeddings=HEAD not in stored,
        ),
        notes=(f"a {kind} file, {held}, tensor by tensor: {sizes}"[:LONGEST_TEXT], *_beside(file, layers)),
        sources=(Source(url=str(file)[:LONGEST_TEXT], facts="tensors, their types and metadata (GGUF)"),),
    )
    return validate(plain(card), ModelCard, file)


def _beside(file: Path, layers: _Layers) -> list[str]:
    """What stands in the file or beside it and is not loaded unless it is asked for."""
    notes = []
    if ahead := layers.ahead():
        size = sum(t.size for t in ahead.values()) / 10**9
        notes.append(
            f"{size:.2f} GB of layers that predict tokens ahead are in the file and not loaded without drafting"
        )
    for other in sorted(file.parent.glob("*mmproj*.gguf"))[:1]:
        size = other.stat().st_size / 10**9
        notes.append(f"text only: {printable(other.name)[:80]} beside it ({size:.2f} GB) comes on top with --mmproj")
    return notes
