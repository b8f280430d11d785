"""DeepSeek-V4 under llama.cpp: its caches of windows, compressed states and index keys, and the buffer of its graph.

Every sequence has streams of its own, whatever is shared otherwise (``src/llama-kv-cache-dsv4.cpp``): rows of a window
in every layer, a row for every 4 or 128 tokens where a layer compresses, an index key beside each of those of 4, and
the compressors' states in float32. ``tests/engines/test_llama_cpp_compressed.py`` has
what llama.cpp itself allocates.

The buffer is counted for builds that pick by a kernel of their own (``GGML_OP_LIGHTNING_INDEXER``): before, the scores
of every index head stood in memory, 65.5 GiB at a million tokens (https://github.com/unslothai/unsloth/pull/6940).
"""

from __future__ import annotations

from gpu_sizer.errors import UncountableError
from gpu_sizer.memory.activations import compressed_mixers
from gpu_sizer.model.caches import LayerKeeps
from gpu_sizer.model.formats import BLOCK_SCALED, ELEMENT_BYTES, OF_FILE
from gpu_sizer.model.mixers.compressed_attention import INDEXED_RATIO
from gpu_sizer.records import replace
from gpu_sizer.units import ceil_div, round_up

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gpu_sizer.cards.model_card import ModelCard
    from gpu_sizer.model.architecture import Architecture
    from gpu_sizer.model.inventory import Inventory
    from gpu_sizer.model.mixers.compressed_attention import CompressedAttention
    from gpu_sizer.model.tensor import Tensor

#: Graphs compute in float32, and so are the compressors' states.
VALUE_BYTES = ELEMENT_BYTES["float32"]
MASK_BYTES = ELEMENT_BYTES["float16"]
#: Caches are whole multiples of so many rows.
ROWS = 256
#: What a matrix in float8 becomes in a file, and what experts have to be (conversion/deepseek.py: tensor_force_quant,
#: repack_mxfp4_blocks).
EIGHT_BITS, EXPERTS = f"{OF_FILE}q8_0", "mxfp4"
#: Queries, their norm, their turned copy and what attention gives stand at once.
QUERIES = 4


def as_file(card: ModelCard, inventory: Inventory) -> Inventory:
    """The inventory in the types of a GGUF file of the release: float8 as Q8_0, vectors in float32, all else as it was.

    Raises:
        UncountableError: experts in another format than MXFP4, which the converter does not take.
    """

    def stored(t: Tensor) -> Tensor:
        if t.is_expert and t.fmt != EXPERTS:
            raise UncountableError(
                f"llama.cpp's converter takes DeepSeek-V4's experts in MXFP4 alone, and {card.name} has them in "
                f"{t.fmt}: name the release that it was made from",
                about="model",
            )
        if t.fmt in BLOCK_SCALED:
            return replace(t, fmt=EIGHT_BITS)
        return replace(t, fmt="float32") if len(t.shape) == 1 and t.fmt in ELEMENT_BYTES else t

    blocks = {name: tuple([stored(t) for t in tensors]) for name, tensors in inventory.blocks.items()}
    head, final = tuple(map(stored, inventory.head)), tuple(map(stored, inventory.final))
    return replace(inventory, blocks=blocks, head=head, final=final)


def _rows(context: int, ratio: int) -> int:
    """Rows of a cache of compressed states; 0 for a layer without."""
    return round_up(ceil_div(context, ratio), ROWS) if ratio else 0


def _window(m: CompressedAttention, context: int, batch: int) -> int:
    return min(context, round_up(m.sliding_window + batch, ROWS))


def cache_bytes(m: CompressedAttention, context: int, batch: int, value: float) -> int:
    """Bytes of a layer's caches of one sequence, ``value`` of each value, and of its states."""
    compressed = _rows(context, m.compress_ratio)
    values = m.head_dim * (_window(m, context, batch) + compressed)
    if m.compress_ratio == INDEXED_RATIO:
        values += m.index_head_dim * compressed
    return int(values * value) + state_bytes(m)


def state_bytes(m: CompressedAttention) -> int:
    """Bytes of the compressors' states of one sequence: values and gates, of 4 tokens twice as many and as wide."""
    if not m.compress_ratio:
        return 0
    overlaps = m.compress_ratio == INDEXED_RATIO
    width = 2 * (m.head_dim + m.index_head_dim) if overlaps else m.head_dim
    return 2 * width * m.compress_ratio * (2 if overlaps else 1) * VALUE_BYTES


def keeps(m: CompressedAttention, value: int) -> LayerKeeps:
    """What a layer keeps of a sequence with ``value`` bytes of each value, rows that fill caches up left out."""
    token = 0.0
    if m.compress_ratio:
        picks = m.index_head_dim if m.compress_ratio == INDEXED_RATIO else 0
        token = (m.head_dim + picks) * value / m.compress_ratio
    row = m.head_dim * value
    return LayerKeeps(token, row, row * m.sliding_window, state_bytes(m), latent=True)


def compute_bytes(a: Architecture, context: int, batch: int, *, copies: int, flash_attention: bool) -> int:
    """Bytes of one GPU's compute buffer, at least: what stands at once while a layer attends to what it picked.

    Args:
        a: the model.
        context: tokens of one sequence, padded.
        batch: tokens of a physical batch (``n_ubatch``).
        copies: of the graph's inputs, where several GPUs work on batches one after another.
        flash_attention: whether scores are never whole in memory.
    """
    mixers = list(compressed_mixers(a).values())
    window = max([_window(m, context, batch) for m in mixers])
    heads = max([m.num_attention_heads for m in mixers])
    width = max([m.head_dim for m in mixers])
    mask = MASK_BYTES if flash_attention else VALUE_BYTES
    rows = {ratio: _rows(context, ratio) for ratio in {m.compress_ratio for m in mixers}}
    picked, longest = rows.get(INDEXED_RATIO, 0), max(rows.values())
    # One mask for each kind of rows; the index keys' is in float16 (src/llama-graph.cpp: build_attn_inp_dsv4).
    inputs = batch * (mask * (window + sum(rows.values())) + MASK_BYTES * picked)
    # What is picked becomes a mask: emptied, summed, and set behind the window's (build_top_k_mask).
    picks = batch * mask * 3 * picked
    keys = MASK_BYTES * width * (window + longest)
    scores = 0 if flash_attention else batch * heads * (window + longest) * VALUE_BYTES
    return inputs * copies + picks + keys + scores + QUERIES * batch * heads * width * VALUE_BYTES
