"""The GPU spec: one accelerator, its memory as marketed and as a program sees it, and what it computes."""

from __future__ import annotations

from gpu_sizer.cards.model_card import Source
from gpu_sizer.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    import datetime
    from typing import Literal

    from gpu_sizer.cards.constraints import Id, PositiveFloat, PositiveInt, Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """Sizes of one GPU's memory."""

    marketed_gb: PositiveInt
    """The figure in its name or data sheet (vendors' "GB")."""
    visible_mib: PositiveFloat
    """MiB that a program sees in all (torch.cuda.mem_get_info), which plans use."""
    visible_basis: Literal["measured", "derived", "estimated"]
    """measured: in a program's log. derived: nvidia-smi total minus its Reserved line. estimated: the family's rule."""
    nvidia_smi_mib: PositiveInt | None = None
    """MiB that the vendor's tool prints as total."""
    kind: Text | None = None
    """GDDR6, HBM3 ..."""
    bandwidth_gb_s: PositiveFloat | None = None
    """GB/s."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compute:
    """Dense TFLOPS per data type, without sparsity; null where no source was read."""

    bfloat16: PositiveFloat | None = None
    float16: PositiveFloat | None = None
    float8: PositiveFloat | None = None
    float4: PositiveFloat | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuSpec:
    """One accelerator as a program sees it."""

    id: Id
    name: Text
    vendor: Literal["NVIDIA", "AMD", "Intel"]
    architecture: Text | None = None
    platform: Literal["cuda", "rocm", "xpu", "hpu"]
    """The software platform an engine uses on it."""
    compute_capability: Text | None = None
    """9.0, gfx942 ..."""
    released: datetime.date | None = None
    memory: Memory
    supports_bfloat16: bool | None = None
    """Whether it computes bfloat16 natively; null where not known."""
    compute: Compute = Compute()
    interconnect: Text | None = None
    gpus_per_node: PositiveInt | None = None
    """Usual most in one machine."""
    tdp_w: PositiveInt | None = None
    aliases: tuple[Text, ...] = ()
    ambiguous_names: tuple[Text, ...] = ()
    """Names that could mean this card among others, to be asked back."""
    notes: tuple[Text, ...] = ()
    sources: tuple[Source, ...]

    def __post_init__(self) -> None:
        if not self.sources:
            raise ValueError("a spec needs at least one source")

    @property
    def visible_bytes(self) -> int:
        """Bytes that a program sees in all."""
        return int(self.memory.visible_mib * 2**20)
