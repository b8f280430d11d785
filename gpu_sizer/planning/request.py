"""A request: which model on which GPU, under which load, in which layouts; checked before anything is computed."""

from __future__ import annotations

from gpu_sizer.cards.gpu_spec import GpuSpec
from gpu_sizer.cards.model_card import ModelCard
from gpu_sizer.engines.load import Load
from gpu_sizer.engines.registry import engine, engine_for
from gpu_sizer.errors import RequestError
from gpu_sizer.model.inventory import weight_format
from gpu_sizer.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    from gpu_sizer.engines.engine import Engine

    Layouts = Literal["any", "tensor", "pipeline"]

LAYOUTS: tuple[Layouts, ...] = ("any", "tensor", "pipeline")

#: GPUs in a machine where the spec does not say.
DEFAULT_NODE = 8
#: The largest search.
MOST_GPUS = 4096
#: More simultaneous users than any deployment has.
MOST_USERS = 1_000_000


@dataclass(frozen=True, slots=True)
class Request:
    """Everything a plan depends on; null load options mean the engine's defaults."""

    model: ModelCard
    gpu: GpuSpec
    context: int
    users: int = 1
    engine: str = "vllm"
    gpu_memory_utilization: float | None = None
    weights_dtype: str | None = None
    kv_cache_dtype: str | None = None
    max_num_batched_tokens: int | None = None
    max_num_seqs: int | None = None
    layouts: Layouts = "any"
    max_gpus: int = 64
    enforce_eager: bool = False
    block_size: int | None = None
    hybrid_kv: bool = True
    node_size: int | None = None
    """GPUs in one machine; null takes the usual number of the spec."""
    single_node: bool = False
    """One machine only."""

    @property
    def load(self) -> Load:
        """The part that the engine sees."""
        return Load(
            context=self.context,
            users=self.users,
            gpu_memory_utilization=self.gpu_memory_utilization,
            kv_cache_dtype=self.kv_cache_dtype,
            max_num_seqs=self.max_num_seqs,
            max_num_batched_tokens=self.max_num_batched_tokens,
            enforce_eager=self.enforce_eager,
            block_size=self.block_size,
            hybrid_kv=self.hybrid_kv,
        )

    @property
    def gpus_per_node(self) -> int:
        """GPUs in one machine."""
        return self.node_size or self.gpu.gpus_per_node or DEFAULT_NODE

    def get_engine(self) -> Engine:
        """The engine profile."""
        return engine(self.engine)


def _whole(name: str, value: int | None, most: int, about: str = "question") -> None:
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int):
        raise RequestError(f"{name} must be a whole number, not {value!r}", about=about)
    if not 1 <= value <= most:
        raise RequestError(f"{name} must be from 1 to {most:,}, not {value:,}", about=about)


def make_request(
    model: ModelCard,
    gpu: GpuSpec,
    *,
    context: int | None = None,
    users: int = 1,
    engine: str = "vllm",
    gpu_memory_utilization: float | None = None,
    weights_dtype: str | None = None,
    kv_cache_dtype: str | None = None,
    max_num_batched_tokens: int | None = None,
    max_num_seqs: int | None = None,
    layouts: str = "any",
    max_gpus: int = 64,
    enforce_eager: bool = False,
    block_size: int | None = None,
    hybrid_kv: bool = True,
    gpus_per_node: int | None = None,
    single_node: bool = False,
) -> Request:
    """A checked request; ``context`` null is the model's native length.

    Raises:
        RequestError: a value out of range, or a context longer than the card allows.
    """
    longest = model.context.extended or model.context.native
    _whole("context", context, 1 << 40, "context")
    if context is not None and context > longest:
        extended = f" (extended by {model.context.method})" if model.context.method else ""
        raise RequestError(
            f"context {context:,} is longer than {model.name} allows: {longest:,} tokens{extended}", about="context"
        )
    _whole("users", users, MOST_USERS, "users")
    _whole("max_num_batched_tokens", max_num_batched_tokens, 1 << 30)
    _whole("max_num_seqs", max_num_seqs, 1 << 24)
    _whole("max_gpus", max_gpus, MOST_GPUS)
    _whole("block_size", block_size, 1 << 20)
    _whole("gpus_per_node", gpus_per_node, MOST_GPUS)
    if gpu_memory_utilization is not None and not (
        isinstance(gpu_memory_utilization, int | float) and 0 < gpu_memory_utilization <= 1
    ):
        raise RequestError(f"utilization must be above 0 and at most 1, not {gpu_memory_utilization}")
    if layouts not in LAYOUTS:
        raise RequestError(f"layouts must be one of {', '.join(LAYOUTS)}, not {layouts!r}")
    if weights_dtype is not None:
        weight_format(weights_dtype)
    request = Request(
        model=model,
        gpu=gpu,
        context=context or model.context.native,
        users=users,
        engine=engine_for(engine, model),
        gpu_memory_utilization=gpu_memory_utilization,
        weights_dtype=weights_dtype,
        kv_cache_dtype=kv_cache_dtype,
        max_num_batched_tokens=max_num_batched_tokens,
        max_num_seqs=max_num_seqs,
        layouts=layouts,
        max_gpus=max_gpus,
        enforce_eager=enforce_eager,
        block_size=block_size,
        hybrid_kv=hybrid_kv,
        node_size=gpus_per_node,
        single_node=single_node,
    )
    request.get_engine().check(request.load)
    return request
