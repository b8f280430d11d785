"""DeepSeek-V4 under SGLang: its pools of windows, compressed states and index keys, and which kernels run its experts.

One number of tokens sizes every pool (``model_executor/pool_configurator.py: DSV4PoolConfigurator``, which logs it as
``full_token``): each layer keeps a window, in a pool of a tenth as many tokens; a layer that compresses keeps a state
for every 4 or 128 tokens, and a key of the indexer beside those of 4; the compressor's own states follow the windows
where 4 tokens are compressed, and the requests where 128 are. Nothing of it is cut: every rank keeps all.

Checked against start-ups that print it: 7,705.45 bytes a token for V4 Flash and 13,735.04 for V4 Pro at a ratio of 0.15
(0.5.15 to 0.5.20), 32,781.44 for V4 Pro at 0.15 (0.5.13) and 15,955.85 for V4 Flash (0.5.12); the tests have them.
"""

from __future__ import annotations

from math import ceil

from gpu_sizer.cards.gpu_spec import BLACKWELL, GpuSpec
from gpu_sizer.engines.sglang.reserve import constants
from gpu_sizer.engines.versions import reaches
from gpu_sizer.memory.activations import FLOAT_BYTES, compressed_mixers
from gpu_sizer.model.caches import LayerKeeps, float8_index_bytes
from gpu_sizer.model.mixers.compressed_attention import INDEXED_RATIO
from gpu_sizer.records import dataclass
from gpu_sizer.units import round_up

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from gpu_sizer.model.architecture import Architecture
    from gpu_sizer.model.mixers.compressed_attention import CompressedAttention

#: The ratio without an indexer, whose states are by request in some versions.
WIDE = 128
#: A latent in float8 with its rotary part in bfloat16 and scales: 448 + 2 x 64 + 8 (``kernels/ops/.../kv_layout.py``).
SCALES_BYTES = 8


def rules(version: str) -> dict[str, Any]:
    """How a version counts its pools: the newest rule that it reaches, or the first one."""
    counts: list[dict[str, Any]] = constants()["compressed"]["counts"]
    return next((c for c in counts if reaches(version, c["from"])), counts[-1])


def _row_bytes(m: CompressedAttention) -> int:
    return m.head_dim + m.qk_rope_head_dim + SCALES_BYTES


def _paged(row: int, rows: int, paged: bool) -> float:
    """Bytes of a row in a page of so many; pages are whole multiples of the 576 that the kernels step by."""
    return round_up(row * rows, constants()["compressed"]["stride"]) / rows if paged else row


@dataclass(frozen=True, slots=True)
class CompressedPools:
    """The pools of one stage on one rank, for one load."""

    token: float
    """Bytes of a token of the pool, with its share of the windows."""
    fixed: int
    """Bytes of the states of requests."""
    tokens: int
    """Tokens that the load needs."""
    a_request: int
    """Tokens of the windows' pool that a request may hold at once ..."""
    chunks: int
    """... and those of the chunks on their way."""

    def needed(self) -> int:
        """Bytes for the load."""
        return ceil(self.tokens * self.token) + self.fixed

    def held(self, available: int) -> tuple[int, float]:
        """Tokens in whole pages, and requests whose windows find room, that a budget holds."""
        c = constants()["compressed"]
        tokens = int(max(0, available - self.fixed) / self.token) // c["page"] * c["page"]
        windows = int(tokens * c["windows_ratio"]) // c["page"] * c["page"]
        return tokens, max(0.0, (windows - self.chunks) / self.a_request)


def token_bytes(mixers: Sequence[CompressedAttention], version: str, ratio: float) -> float:
    """Bytes of a token of the pool (``_get_bytes_per_full_token``), windows at this ratio.

    Args:
        mixers: those of the layers of a stage.
        version: whose count it is.
        ratio: of the windows' tokens to the pool's.
    """
    own = rules(version)
    # The release's list of ratios names its prediction layer, which 0.5.12 took for one of the stack.
    more: int = own.get("layers_more", 0)
    return sum([_layer_token_bytes(m, own, ratio) for m in mixers]) + more * ratio * _row_bytes(mixers[0])


def _layer_token_bytes(m: CompressedAttention, own: dict[str, Any], ratio: float) -> float:
    c = constants()["compressed"]
    paged, page = own.get("pages", False), c["page"]
    row, state = _row_bytes(m), c["rings"].get(m.compress_ratio, 0) / (page if paged else m.sliding_window)
    size = ratio * _paged(row, page, paged)
    if m.compress_ratio:
        size += _paged(row, page // m.compress_ratio, paged) / m.compress_ratio
    if m.compress_ratio == INDEXED_RATIO:
        size += float8_index_bytes(m.index_head_dim) / INDEXED_RATIO
        size += ratio * state * 4 * (m.head_dim + m.index_head_dim) * FLOAT_BYTES
    elif m.compress_ratio and not own.get("request_states", False):
        size += ratio * state * _state_bytes(m)
    return size


def keeps(m: CompressedAttention, version: str) -> LayerKeeps:
    """What a layer keeps of a token, its share of the windows' pool included, and of a request's states."""
    c, own = constants()["compressed"], rules(version)
    token = _layer_token_bytes(m, own, c["windows_ratio"])
    ring = c["rings"][WIDE] if m.compress_ratio == WIDE and own.get("request_states", False) else 0
    return LayerKeeps(token, state_bytes=ring * _state_bytes(m), latent=True)


def _state_bytes(m: CompressedAttention) -> int:
    """Of one place in the ring of a layer that compresses 128 tokens."""
    return 2 * m.head_dim * FLOAT_BYTES


def request_states_bytes(mixers: Sequence[CompressedAttention], version: str, running: int) -> int:
    """Bytes of the states of layers that compress 128 tokens, a ring for each request that may run and one more."""
    if not rules(version).get("request_states", False):
        return 0
    ring = constants()["compressed"]["rings"][WIDE]
    rows = round_up((running + 1) * ring + ring + 1, WIDE)
    return sum([rows * _state_bytes(m) for m in mixers if m.compress_ratio == WIDE])


def compressed_pools(
    a: Architecture, start: int, stop: int, version: str, *, context: int, users: int, chunk: int, running: int
) -> CompressedPools:
    """The pools of the layers of a stage.

    Args:
        a: the architecture.
        start: the stage's first layer.
        stop: the one past its last.
        version: of SGLang.
        context: tokens of a request.
        users: requests at once.
        chunk: tokens of a prefill chunk.
        running: requests that may run at once.
    """
    c, mixers = constants()["compressed"], stage_mixers(a, start, stop)
    page, window = c["page"], max([m.sliding_window for m in mixers])
    # What the scheduler keeps of a request beside its window, and two chunks on their way (compute_swa_request_cap).
    a_request, chunks = window + c["eviction_interval"] + 2 * page, 2 * chunk + page
    windows = ceil((users * a_request + chunks) / c["windows_ratio"])
    return CompressedPools(
        token_bytes(mixers, version, c["windows_ratio"]),
        request_states_bytes(mixers, version, running),
        round_up(max(users * round_up(context, page), windows), page),
        a_request,
        chunks,
    )


def stage_mixers(a: Architecture, start: int, stop: int) -> list[CompressedAttention]:
    """The attention of each layer of a stage."""
    mixers = compressed_mixers(a)
    return [mixers[name] for name in a.layer_names[start:stop]]


def kernels_from(gpu: GpuSpec, experts: str | None) -> str | None:
    """The first version with kernels for a GPU of experts in this format; null where none has."""
    known: dict[str, dict[int | None, str]] = constants()["compressed"]["kernels"]
    return known.get(experts or "", {}).get(gpu.generation) if gpu.platform == "cuda" else None


def made_wider(gpu: GpuSpec, experts: str | None, version: str) -> bool:
    """Whether the scales of MXFP4 experts are made in float32, four times as wide as they are kept after loading.

    So they are for the kernels of data-center Blackwell (``mxfp4_flashinfer_trtllm_moe.py: create_weights``), and were
    for all before sgl-project/sglang#30272.
    """
    always = gpu.generation == BLACKWELL or not reaches(version, constants()["compressed"]["narrow_scales_from"])
    return always and experts == "mxfp4"


def logits_bytes(version: str, context: int, chunk: int, free: int) -> int:
    """Logits of the indexer for a chunk at the end of a context: a float32 for every state of 4 tokens.

    Args:
        version: of SGLang: newer ones go through the chunk in parts, as much as a share of what is free allows.
        context: tokens of a request.
        chunk: tokens of a prefill chunk.
        free: bytes outside of the pools.
    """
    limit, whole = constants()["compressed"]["logits"], chunk * (context // INDEXED_RATIO) * FLOAT_BYTES
    return min(whole, int(free * limit["share"])) if reaches(version, limit["limited_from"]) else whole
