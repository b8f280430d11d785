"""What one GPU reads of a request's caches for each token of its answer.

That is less than what it holds: a window is held with the tokens in flight, or by some engines whole, a state with
copies for shared prefixes, and pages of unlike layers are padded to one size.
"""

from __future__ import annotations

from collections import Counter

from gpu_sizer.memory.activations import is_compressed
from gpu_sizer.model.caches import CacheTypes
from gpu_sizer.model.formats import ELEMENT_BYTES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gpu_sizer.load import Settings
    from gpu_sizer.memory.layout import Layout
    from gpu_sizer.model.architecture import Architecture

#: A state is read and written anew with each token.
STATE_PASSES = 2


def read_bytes(a: Architecture, dtype: str, settings: Settings, layout: Layout, context: float) -> float | None:
    """Bytes that a GPU reads of one request's caches for a token; null where the caches' format is an engine's own.

    Args:
        a: the model's layers.
        dtype: the type of its activations, in which some states are kept.
        settings: the engine's, of which the type of the cache counts.
        layout: on which they are cut; each stage reads its layers' caches.
        context: tokens that the request has.
    """
    if settings.kv_cache_dtype not in ELEMENT_BYTES or is_compressed(a):
        return None
    types = CacheTypes(settings.kv_cache_dtype, dtype if dtype in ELEMENT_BYTES else "bfloat16")
    read = 0.0
    for name, layers in Counter(a.layer_names).items():
        for kept in a.blocks[name].caches(layout.tensor_parallel_size, types):
            tokens = min(context, kept.span) if kept.span is not None else context
            read += layers * (kept.token_bytes * tokens + kept.state_bytes * STATE_PASSES)
    return read / layout.pipeline_parallel_size
