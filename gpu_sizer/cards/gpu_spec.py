"""The GPU spec: one accelerator, its memory as marketed and as a program sees it, and what it computes."""

from __future__ import annotations

from functools import cache

from gpu_sizer.cards.model_card import Source
from gpu_sizer.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    import datetime
    from typing import Literal

    from gpu_sizer.model.constraints import Id, PositiveFloat, PositiveInt, Text

#: Vendors whose names are often written otherwise.
VENDORS = ("NVIDIA", "AMD", "Intel", "Apple")
#: Generations of NVIDIA's GPUs by the first number of the compute capability.
HOPPER = 9
#: Of data centers: B200, GB200, B300 ...
BLACKWELL = 10
#: Of workstations: RTX PRO 6000, RTX 50 and GB10.
WORKSTATION_BLACKWELL = 12
#: Compute capabilities of GPUs that share their memory with the machine, where engines take what the machine has left
#: for what is free (vllm/utils/mem_utils.py: MemorySnapshot.measure): what other programs take meanwhile counts.
UNIFIED = ("8.7", "11.0", "12.1")
#: The first compute capability with multiplications in float8.
_FLOAT8 = (8, 9)


@cache
def _major(compute_capability: str | None) -> int | None:
    major = (compute_capability or "").split(".")[0]
    return int(major) if major.isdigit() else None


@cache
def _has_float8(compute_capability: str | None) -> bool:
    return tuple(int(n) for n in (compute_capability or "").split(".") if n.isdigit()) >= _FLOAT8


@cache
def _joined(interconnect: str | None) -> bool:
    text = (interconnect or "").lower()
    return ("nvlink" in text or "fabric" in text) and "bridge" not in text


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """Sizes of one GPU's memory."""

    marketed_gb: PositiveInt
    """The figure in its name or data sheet (vendors' "GB")."""
    visible_mib: PositiveFloat
    """MiB that a program sees in all (torch.cuda.mem_get_info), which plans use."""
    visible_basis: Literal["measured", "derived", "estimated"]
    """measured: in a program's log. derived: from what nvidia-smi prints, its total less its Reserved line, or the
    memory of a MIG profile. estimated: the family's rule."""
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
class Link:
    """How GPUs are joined for tensor and expert parallelism, beyond bridges of pairs."""

    kind: Literal["nvlink", "xgmi", "pcie", "roce"]
    generation: PositiveInt | None = None
    """4 is NVLink 4, or PCI Express 4."""
    gb_s: PositiveFloat
    """GB/s that one GPU sends, and receives at the same time."""
    gpus: PositiveInt | None = None
    """GPUs that share it where that is more than a machine (72 in an NVL72 rack)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuSpec:
    """One accelerator as a program sees it."""

    id: Id
    name: Text
    vendor: Text
    """As it writes itself."""
    architecture: Text | None = None
    platform: Text
    """The software platform that an engine uses on it: cuda, rocm, xpu, hpu ...; an engine's profile names its own."""
    compute_capability: Text | None = None
    """9.0, gfx942 ..."""
    slice_of: Id | None = None
    """The GPU that it is a part of: a MIG instance, a virtual GPU. One works alone, since slices do not reach each
    other (https://docs.nvidia.com/datacenter/tesla/mig-user-guide/deployment-considerations.html)."""
    released: datetime.date | None = None
    memory: Memory
    supports_bfloat16: bool | None = None
    """Whether it computes bfloat16 natively; null where not known."""
    compute: Compute = Compute()
    interconnect: Text | None = None
    """How GPUs are joined, in words."""
    link: Link | None = None
    """The same in numbers; null where no source gives any."""
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
        for known in VENDORS:
            if self.vendor != known and self.vendor.casefold() == known.casefold():
                raise ValueError(f"the vendor {self.vendor!r} writes itself {known}")

    @property
    def generation(self) -> int | None:
        """The first number of NVIDIA's compute capability; null where there is none."""
        return _major(self.compute_capability)

    @property
    def is_blackwell(self) -> bool:
        """Whether it is of NVIDIA's Blackwell generations, or newer."""
        return (self.generation or 0) >= BLACKWELL

    @property
    def has_float8(self) -> bool:
        """Whether it multiplies in float8 (Ada and newer)."""
        return _has_float8(self.compute_capability)

    @property
    def is_unified(self) -> bool:
        """Whether it shares its memory with the machine."""
        return self.compute_capability in UNIFIED

    @property
    def shares_memory(self) -> bool:
        """Whether a part of the machine's own memory is all that it has: Apple's chips, GB10, Strix Halo."""
        return (self.interconnect or "").startswith("memory shared") or self.is_unified

    @property
    def is_whole(self) -> bool:
        """Whether it is a GPU, and no slice of one."""
        return self.slice_of is None

    @property
    def has_nvlink(self) -> bool:
        """Whether the GPUs of a machine are joined by more than PCIe."""
        return _joined(self.interconnect)

    @property
    def has_peer_access(self) -> bool:
        """Whether the GPUs of a machine read each other's memory: over PCIe GeForce's driver does not let them.

        vLLM's logs of pairs say so ("your platform lacks GPU P2P capability": RTX 5090, vllm-453 of the records).
        """
        return self.has_nvlink or not self.short_name.startswith("GeForce")

    @property
    def short_name(self) -> str:
        """The name without the vendor's."""
        return self.name.removeprefix(f"{self.vendor} ")

    @property
    def visible_bytes(self) -> int:
        """Bytes that a program sees in all."""
        return int(self.memory.visible_mib * 2**20)
