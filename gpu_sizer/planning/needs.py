"""How much memory a model needs in all, however it is split: its weights and its cache."""

from __future__ import annotations

from gpu_sizer.memory.activations import is_compressed
from gpu_sizer.memory.layout import Layout
from gpu_sizer.model.caches import CacheTypes
from gpu_sizer.model.formats import ELEMENT_BYTES
from gpu_sizer.planning.search import Search
from gpu_sizer.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gpu_sizer.cards.model_card import ModelCard
    from gpu_sizer.engines.engine import Engine
    from gpu_sizer.load import Settings
    from gpu_sizer.planning.choices import Choices
    from gpu_sizer.planning.request import Request

#: The GPU whose engine settings are taken where none is named.
REFERENCE_GPU = "h100-80gb"


@dataclass(frozen=True, slots=True)
class MemoryNeed:
    """Bytes of weights and of the cache of the load asked for; what one GPU holds beside these; GPUs that do.

    ``engine_bytes`` are activations and the engine's own memory, which every GPU needs for itself, on the
    kind of GPU that comes first among the options.
    """

    request: Request
    settings: Settings
    weights_format: str
    weights_bytes: int
    kv_cache_bytes: int
    engine_bytes: int
    choices: Choices
    token_bytes: int = 0
    """What one token more takes of the cache, in layers that keep every token."""

    @property
    def total_bytes(self) -> int:
        """Weights and cache."""
        return self.weights_bytes + self.kv_cache_bytes

    @property
    def fits(self) -> bool:
        """A need can always be told."""
        return True

    def model_dump(self) -> dict[str, Any]:
        """The JSON object."""
        return {
            "model": self.request.model.id,
            "engine": self.request.engine,
            "memory": {
                "weights_bytes": self.weights_bytes,
                "kv_cache_bytes": self.kv_cache_bytes,
                "total_bytes": self.total_bytes,
                "engine_bytes_per_gpu": self.engine_bytes,
                "kv_cache_bytes_per_token": self.token_bytes,
            },
            "assumptions": self.request.assumptions(self.settings, self.weights_format, of_gpu=False),
            "options": [c.model_dump() for c in self.choices.options],
        }


def memory_need(request: Request, choices: Choices) -> MemoryNeed:
    """What a request holds in memory, on one rank that has everything.

    Args:
        request: model, load, and a kind of GPU whose engine settings are taken.
        choices: GPUs on which it runs, to name a few.

    Raises:
        RequestError: settings that contradict the load.
    """
    search = Search(request)
    whole = search.evaluate(Layout()).per_gpu
    assert whole is not None
    return MemoryNeed(
        request,
        search.fitting.settings(Layout()),
        search.known.weights_format,
        whole.weights_bytes,
        whole.kv_cache_bytes,
        whole.activation_bytes + whole.overhead_bytes,
        choices,
        token_bytes(request.model, search.fitting.settings(Layout()).kv_cache_dtype, search.engine),
    )


def token_bytes(card: ModelCard, cache_dtype: str, engine: Engine) -> int:
    """Bytes of the cache that one token more takes on one GPU, in the layers that keep every token.

    Args:
        card: the model.
        cache_dtype: the type of its cache.
        engine: who keeps it; asked where the format is an engine's own.
    """
    a = card.architecture
    if is_compressed(a):
        keeps = engine.layers_keep(card)
        return round(sum(keeps[name].token_bytes for name in a.layer_names))
    types = CacheTypes(cache_dtype if cache_dtype in ELEMENT_BYTES else "bfloat16", card.weights.dtype)
    each = {
        name: sum(c.token_bytes for c in block.caches(1, types) if c.kind == "full") for name, block in a.blocks.items()
    }
    return sum(each[name] for name in a.layer_names)
