"""The scratch of FlashKDA, the prefill of Kimi's delta attention, beside the budget's account.

The profile run leaves such layers out (``models/kimi_k3/nvidia/kda.py`` and ``models/glm5next/common/kda.py`` return
where there is no metadata); the first prompt, in the warm-up behind it, makes the workspace grow to two states of
every sequence, the output of a batch and what the kernel asks for (MoonshotAI/FlashKDA@eb9a97cd, csrc/flash_kda.cpp:
get_workspace_size): 13,824 bytes a head for every 16 tokens, and for every sequence, whose last tile may be part of
one. What experts keep there of that is not taken off.
"""

from __future__ import annotations

from gpu_sizer.engines.profiles import profile_data
from gpu_sizer.model.formats import ELEMENT_BYTES
from gpu_sizer.model.mixers.kimi_delta_attention import KimiDeltaAttention
from gpu_sizer.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gpu_sizer.cards.gpu_spec import GpuSpec
    from gpu_sizer.cards.model_card import ModelCard
    from gpu_sizer.engines.vllm.version import VersionProfile

#: The first version that has the kernel (``--kda-prefill-backend``).
FIRST = "0.28"
#: The width of heads that it knows, the tokens of a tile, and the bytes of one.
HEAD, TILE_TOKENS, TILE_BYTES = 128, 16, 13_824
HALF_BYTES = 2


@dataclass(frozen=True, slots=True)
class Scratch:
    """What one layer takes for all of them, on one GPU without tensor parallelism."""

    a_sequence: int
    a_token: int

    def sequence_bytes(self, tp: int) -> int:
        """Bytes of each sequence on a rank."""
        return self.a_sequence // tp

    def token_bytes(self, tp: int, tokens: int) -> int:
        """Bytes of a batch on a rank."""
        return self.a_token * tokens // tp


def scratch_of(card: ModelCard, gpu: GpuSpec, version: VersionProfile) -> Scratch | None:
    """The scratch of a model's layers, or null where the kernel does not run."""
    mixers = [b.mixer for b in card.architecture.blocks.values() if isinstance(b.mixer, KimiDeltaAttention)]
    mixers = [m for m in mixers if m.head_dim == HEAD]
    if not mixers or gpu.platform != "cuda":
        return None
    runs_on = profile_data("vllm/support")["checkpoints_on"]["kimi_delta_attention"]
    if gpu.generation not in runs_on or not version.at_least(FIRST):
        return None
    heads = max(m.num_heads for m in mixers)
    dtype = card.weights.dtype
    state = max(ELEMENT_BYTES[dtype if m.state_dtype == "auto" else m.state_dtype] for m in mixers)
    return Scratch(
        heads * (2 * HEAD * HEAD * state + TILE_BYTES),
        heads * (TILE_BYTES // TILE_TOKENS + HEAD * HALF_BYTES),
    )
