"""What speed depends on of a GPU: bytes and operations a second, and how it is joined to others."""

from __future__ import annotations

from gpu_sizer.errors import UncountableError
from gpu_sizer.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gpu_sizer.cards.gpu_spec import GpuSpec

GIGA = 1e9
TERA = 1e12
#: What stands for a link that no source gives in numbers: PCI Express 4.0 of 16 lanes, each way.
UNKNOWN_LINK = ("pcie", 31.5)


@dataclass(frozen=True, slots=True)
class Hardware:
    """One GPU in bytes and operations a second."""

    kind: str
    """GPUs whose constants are fitted together: generation and kind of memory."""
    bandwidth: float
    rate16: float
    """Dense operations a second in 16 bits."""
    rate8: float
    """... in float8; those of 16 bits where the GPU has none."""
    rate4: float
    """... in float4; those of 16 bits where the GPU has none: such weights are widened."""
    link_kind: str
    link_bandwidth: float
    """Each way."""

    def computed(self, bits: int) -> int:
        """The bits in which this GPU multiplies weights that could be multiplied in so many."""
        return bits if self.rate(bits) > self.rate16 else 16

    def rate(self, bits: int) -> float:
        """Operations a second with values of so many bits."""
        return {4: self.rate4, 8: self.rate8}.get(bits, self.rate16)


def kind_of(gpu: GpuSpec) -> str:
    """Generation and kind of memory: ``Hopper HBM``, ``Ampere GDDR``."""
    generation = (gpu.architecture or gpu.vendor).replace(" Ultra", "").replace(" Lovelace", "")
    memory = (gpu.memory.kind or "HBM").rstrip("0123456789eX")
    return f"{generation} {memory}"


def hardware_of(gpu: GpuSpec) -> Hardware:
    """A GPU in the figures that speed depends on.

    Raises:
        UncountableError: its bandwidth, or every dense rate, is in no source.
    """
    compute, bandwidth = gpu.compute, gpu.memory.bandwidth_gb_s
    rate16 = compute.bfloat16 or compute.float16
    if bandwidth is None or rate16 is None:
        lacks = "memory bandwidth" if bandwidth is None else "rate of operations"
        raise UncountableError(
            f"the {lacks} of {gpu.name} is in no source that was read: its speed is not known", about="gpu"
        )
    rate8 = compute.float8 or rate16
    link = gpu.link
    return Hardware(
        kind_of(gpu),
        bandwidth * GIGA,
        rate16 * TERA,
        rate8 * TERA,
        (compute.float4 or rate16) * TERA,
        f"{link.kind}{f' {link.generation}' if link.generation else ''}" if link else UNKNOWN_LINK[0],
        (link.gb_s if link else UNKNOWN_LINK[1]) * GIGA,
    )
