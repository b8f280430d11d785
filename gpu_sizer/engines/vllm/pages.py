"""The pages in which vLLM allocates a layer's cache: its block size and bytes.

From vLLM 0.32/0.33: ``v1/kv_cache_interface.py`` (the specs), ``platforms/interface.py``
(``_align_hybrid_block_size``), ``model_executor/models/deepseek_v4`` (compressed attention).
"""

from __future__ import annotations

from math import lcm

from gpu_sizer.cards.gpu_spec import BLACKWELL, HOPPER
from gpu_sizer.engines.vllm.specs import FULL, RING, Chunked, EveryState, Sliding, State
from gpu_sizer.model.architecture import Block
from gpu_sizer.model.caches import SHORT_CONVOLUTIONS, CacheTypes, LayerCache, float8_index_bytes
from gpu_sizer.model.mixers.attention import Attention
from gpu_sizer.model.mixers.compressed_attention import CompressedAttention
from gpu_sizer.records import dataclass, replace
from gpu_sizer.units import ceil_div, round_up

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gpu_sizer.engines.vllm.specs import Spec
    from gpu_sizer.model.mixer import Mixer
    from gpu_sizer.units import Whole


DEFAULT_BLOCK = 16
#: Sparse latent attention and float8 latent caches work in blocks of 64 tokens (FlashMLA), ...
LATENT_BLOCK = 64
#: ... other latent caches on data-center Blackwell in blocks of 32 (FLASHINFER_MLA); its sparse attention has float8
#: records of a byte a value (FLASHINFER_MLA_SPARSE).
BLACKWELL_LATENT_BLOCK = 32
#: MiniMax-M3's sparse attention works in blocks of 128.
SPARSE_BLOCK = 128
#: The latent cache of a hybrid model is aligned to 128 tokens.
HYBRID_LATENT_ALIGNMENT = 128
#: Width to which keys and values of latent attention were padded where they were cached whole.
EXPANDED_HEAD = 256
#: The gated delta rule, whose prefill leaves checkpoints every 64 tokens.
DELTA = "gated_delta_net"
DELTA_CHECKPOINT = 64


@dataclass(frozen=True, slots=True)
class Page:
    """One layer's cache as the engine's planner sees it: what it keeps, in blocks of so many tokens and bytes."""

    spec: Spec
    block_size: int
    page_bytes: int
    latent: bool = False
    stride: int = 1
    """Bytes of which the distance between blocks is a multiple."""
    width: int = 0
    """Width of a head, in which pages may differ alone; 0 for caches without heads."""
    convolution: bool = False
    """Whether it holds states of short convolutions, which are paged as windows are."""
    HASHED_ONCE = True

    @property
    def kind(self) -> str:
        """full, sliding, chunked, state or ring."""
        return self.spec.kind

    def blocks(self, context: Whole, tokens_in_flight: int, context_parallel: int = 1) -> Whole:
        """Blocks that one request of this length takes at most, on each of the ranks that share its tokens."""
        return self.spec.blocks(context, tokens_in_flight, self.block_size, context_parallel)


@dataclass(frozen=True, slots=True)
class PageRules:
    """What decides pages beside the model: the engine's version and the GPU."""

    windows: bool = True
    """Windowed layers keep their window only; false where the hybrid manager is off or absent."""
    prefix_caching: bool = True
    """States are kept at block boundaries (vLLM's "align" mode)."""
    checkpoints: tuple[str, ...] = ("kimi_delta_attention", "mamba2", "gated_delta_net")
    """Mixers whose prefill leaves a checkpoint in one more block."""
    block_size: int | None = None
    """A block size asked for."""
    expanded_latent: bool = False
    """Latent attention caches keys and values of all heads (before vLLM 0.7)."""
    masked_block: int | None = None
    """Tokens in a block of attention that sees images as a whole, in kernels of which one masks them."""
    generation: int | None = None
    """First number of the GPU's compute capability, on which the caches of latent attention and of shared compressed
    states depend."""
    aligned_states: bool = True
    """Prefix caching keeps states at boundaries of blocks, of any model (the mode "align")."""
    every_state: bool = False
    """... and of some classes at every boundary (the mode "all")."""
    state_chunk: int | None = None
    """States are kept at every boundary of blocks (the mode "all"), whole multiples of this; null elsewhere."""
    drafted: int = 0
    """Tokens drafted ahead, each with a state of its own."""
    narrow_states: bool = True
    """Data-center Blackwell keeps compressed states in four bits (from vLLM 0.31 on)."""
    HASHED_ONCE = True


def _compressed_pages(m: CompressedAttention) -> list[Page]:
    """DeepSeek-V4: a short window, compressed states of the whole context, and the compressor's own states.

    584 bytes a state (448 float8, 64 bfloat16, scales), float32 for the compressor; pages are whole multiples
    of 576 bytes.
    """

    def page(rows: int, row_bytes: int) -> int:
        return round_up(rows * row_bytes, 576)

    state_row = 584
    pages = [Page(Sliding(m.sliding_window), 64, page(64, state_row), latent=True)]
    if m.compress_ratio == 0:
        return pages
    rows = 256 // m.compress_ratio
    float32 = 4
    if m.index_head_dim and m.compress_ratio == 4:
        pages.append(Page(FULL, 256, page(rows, m.index_head_dim + float32), latent=True))
        pages.append(Page(Sliding(8), 4, page(4, 4 * m.index_head_dim * float32), latent=True))
        pages.append(Page(FULL, 256, page(rows, state_row), latent=True))
        pages.append(Page(Sliding(8), 4, page(4, 4 * m.head_dim * float32), latent=True))
        return pages
    pages.append(Page(FULL, 256, page(rows, state_row), latent=True))
    pages.append(Page(Sliding(m.compress_ratio), 8, page(8, 2 * m.head_dim * float32), latent=True))
    return pages


def _shared_pages(m: CompressedAttention, rules: PageRules) -> list[Page]:
    """DeepSeek-V4.1: a short window in every layer; states, their index keys and a ring where a layer makes them.

    Data-center Blackwell has records of 528 bytes (512 float8, 16 scales) and, where the fused attention runs, states
    of 288 (256 of four bits, 32 scales), in pages of whole 512 bytes and blocks of whole records; others have V4's
    584 bytes in pages of whole 576. An index key is 132 bytes. The ring holds one block a request: 8 rows of keys and
    scores in float32 (``models/deepseek_v41/attention.py``, ``compressor.py``). Blocks have as many tokens as all
    backends take: 64 on Hopper, else 128 (``sparse_mla.py``, ``v1/attention/backends/mla/indexer.py``).
    """
    blackwell = rules.generation == BLACKWELL
    window_row, align = (528, 512) if blackwell else (584, 576)
    state_row = 288 if blackwell and rules.narrow_states else window_row
    tokens = rules.block_size or (64 if rules.generation == HOPPER else 128)

    def page(rows: int, row_bytes: int) -> int:
        return round_up(rows * row_bytes, align)

    stride = lcm(window_row, state_row) if blackwell else 1
    pages = [Page(Sliding(m.sliding_window), 32, page(32, window_row), latent=True, stride=stride)]
    if m.shares_states == "maker":
        rows = tokens // m.compress_ratio
        pages.append(Page(FULL, tokens, page(rows, float8_index_bytes(m.index_head_dim)), latent=True))
        pages.append(Page(FULL, tokens, page(rows, state_row), latent=True))
        if m.compress_ratio > 1:
            pages.append(Page(RING, 8, 8 * 2 * m.head_dim * 4, latent=True))
    return pages


def _short_convolution_page(m: Attention, tp: int, types: CacheTypes) -> Page:
    """The states of a layer's short convolutions: windows of as many tokens as there are taps, in a cache of their own.

    The inputs of all four lie side by side in heads, whose width is raised to a power of two
    (``models/inkling/nvidia/sconv_swa_attn.py: InklingConvState``).
    """
    c = m.short_convolutions
    assert c is not None
    values = m.head_dim + (m.v_head_dim or m.head_dim) + 2 * (c.hidden_size // m.num_key_value_heads)
    width = 1 << (values - 1).bit_length()
    token = max(1, m.num_key_value_heads // tp) * width * types.conv_bytes
    return Page(Sliding(c.conv_kernel), c.conv_kernel, c.conv_kernel * token, width=width, convolution=True)


def _attention_block(caches: list[LayerCache], types: CacheTypes, rules: PageRules) -> int:
    """Tokens in a block of an attention cache, before states raise it."""
    if rules.block_size:
        return rules.block_size
    latent = [c for c in caches if c.mixer == "latent"]
    if any(c.sparse and c.mixer == "attention" for c in caches):
        return SPARSE_BLOCK
    if any(c.sparse for c in latent):
        return LATENT_BLOCK
    if latent and rules.generation == BLACKWELL:
        return BLACKWELL_LATENT_BLOCK
    # Where only Triton's kernels run, they take the default (TRITON_MLA).
    flash = rules.generation in (None, HOPPER)
    if latent and types.cache_bytes == 1:
        return LATENT_BLOCK if flash else DEFAULT_BLOCK
    if rules.masked_block is not None:
        return rules.masked_block
    if types.cache_bytes == 1 and any(c.wide for c in caches):
        # Heads of 512 with a float8 cache run on Triton's kernel, in blocks of 64 (Gemma 4).
        return LATENT_BLOCK
    return DEFAULT_BLOCK


def _record(c: LayerCache) -> LayerCache:
    """A latent float8 cache in the format of data-center Blackwell's sparse attention; the model tells Hopper's."""
    return replace(c, token_bytes=c.values) if c.sparse and c.values else c


def _state(mixer: str, whole: bool, rules: PageRules) -> Spec:
    """The copies of a state that a request holds, one more for each token drafted ahead."""
    if rules.prefix_caching and rules.state_chunk is not None:
        return EveryState(rules.drafted)
    kept = 2 + int(mixer in rules.checkpoints) if rules.prefix_caching else 1
    return State(kept + rules.drafted, whole)


def _hybrid_block(caches: list[LayerCache], block: int, rules: PageRules) -> int:
    """The attention block whose page covers the largest state (``_align_hybrid_block_size``)."""
    per_token = max(c.token_bytes for c in caches if c.kind != "state")
    state = max(c.state_bytes for c in caches if c.kind == "state")
    align = block
    if any(c.latent for c in caches):
        align = max(align, HYBRID_LATENT_ALIGNMENT)
    if rules.prefix_caching and rules.state_chunk is not None:
        align = lcm(align, rules.state_chunk)
    if rules.prefix_caching and DELTA in rules.checkpoints and any(c.mixer == DELTA for c in caches):
        align = lcm(align, DELTA_CHECKPOINT)
    return align * ceil_div(state, align * per_token)


def _expanded(c: LayerCache, types: CacheTypes) -> LayerCache:
    """A latent cache as engines without a latent kernel keep it (vLLM 0.5 ``models/deepseek_v2.py``)."""
    return LayerCache("full", token_bytes=2 * c.heads * EXPANDED_HEAD * types.cache_bytes) if c.heads else c


def layer_pages(
    blocks: dict[str, Block], tensor_parallel_size: int, types: CacheTypes, rules: PageRules
) -> dict[str, list[Page]]:
    """The pages of each distinct layer, in the order in which the engine registers them."""
    compressed = {n: b.mixer for n, b in blocks.items() if isinstance(b.mixer, CompressedAttention)}
    if compressed:
        return {n: _shared_pages(m, rules) if m.shares_states else _compressed_pages(m) for n, m in compressed.items()}
    by_block = {name: block.caches(tensor_parallel_size, types) for name, block in blocks.items()}
    if rules.expanded_latent:
        by_block = {name: [_expanded(c, types) for c in caches] for name, caches in by_block.items()}
    if types.cache_bytes == 1 and rules.generation == BLACKWELL:
        by_block = {name: [_record(c) for c in caches] for name, caches in by_block.items()}
    every = [c for caches in by_block.values() for c in caches]
    block = _attention_block(every, types, rules)
    # Caches of a few tokens a request have blocks of their own.
    every = [c for c in every if c.mixer != SHORT_CONVOLUTIONS and c.kind != "ring"]
    states = [c for c in every if c.kind == "state"]
    attention = [c for c in every if c.kind != "state"]
    if states and attention:
        block = max(block, _hybrid_block(every, block, rules))
    elif states:
        # Without attention prefixes are not cached (config/model.py: is_prefix_caching_supported).
        rules = replace(rules, prefix_caching=False)
    shared_page = block * max((c.token_bytes for c in attention), default=0)
    # Without the hybrid manager windows keep every token where another layer does.
    windows = rules.windows or all(c.kind != "full" for c in attention)

    def page(c: LayerCache, mixer: Mixer | None) -> Page:
        if c.kind == "state":
            if c.mixer == SHORT_CONVOLUTIONS:
                assert isinstance(mixer, Attention)
                made = _short_convolution_page(mixer, tensor_parallel_size, types)
                return made if windows else replace(made, spec=FULL)
            return Page(_state(c.mixer, c.whole, rules), block, max(c.state_bytes, shared_page))
        if c.kind == "ring":
            assert c.span is not None
            return Page(RING, c.span, c.span * c.token_bytes, c.latent)
        spec: Spec = FULL
        if c.span is not None and windows:
            spec = Chunked(c.span) if c.kind == "chunked" else Sliding(c.span)
        # Heads of another width are another spec to the planner, even where they take the same bytes (a draft's beside
        # its model's).
        width = mixer.head_dim if isinstance(mixer, Attention) else 0
        return Page(spec, block, block * c.token_bytes, c.latent, width=width)

    return {name: [page(c, blocks[name].mixer) for c in caches] for name, caches in by_block.items()}
