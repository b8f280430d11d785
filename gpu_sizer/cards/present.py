"""The GPUs of this computer, as its driver's own tools tell them; and those of a pasted ``nvidia-smi``.

``gpu="local"`` means them wherever a GPU is named: a machine of its own, with its kind and number of GPUs.
"""

from __future__ import annotations

import json
import os
import re
import subprocess

from gpu_sizer.cards.catalogue import LOCAL
from gpu_sizer.cards.machine import Machine, Offer
from gpu_sizer.cards.names import join_names, normal
from gpu_sizer.errors import RequestError, UnknownGpuError
from gpu_sizer.records import dataclass
from gpu_sizer.units import GIB, MIB

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from gpu_sizer.cards.catalogue import Catalogue

#: Seconds that a tool has: a driver that hangs does so for ever.
_SECONDS = 10
#: Less than this much of a GPU's memory free is told: other programs hold it.
_FREE = 0.95
_NVIDIA_SMI = ("nvidia-smi", "--query-gpu=name,memory.total,memory.free,mig.mode.current", "--format=csv,noheader")
_ROCM_SMI = ("rocm-smi", "--showproductname", "--showmeminfo", "vram", "--json")
#: Its successor since ROCm 6: what a GPU is, and what of its memory is taken.
_AMD_SMI = ("amd-smi", "static", "--asic", "--vram", "--json")
_AMD_SMI_USED = ("amd-smi", "metric", "--mem-usage", "--json")
_SYSTEM_PROFILER = ("system_profiler", "-json", "SPHardwareDataType")
#: A row of nvidia-smi's table, with the name, and below it one with the memory used and whole.
_NAMED_ROW = re.compile(r"^\s*\|\s+(\d+)\s+(\S.*?)\s+(?:On|Off|N/A|WDDM|TCC|MCDM)\s+\|", re.M)
_MEMORY_ROW = re.compile(r"(\d+)MiB\s*/\s*(\d+)MiB")
#: ``nvidia-smi -L``.
_LISTED = re.compile(r"^GPU (\d+): ([^(\n]+?) \(UUID: GPU-", re.M)


@dataclass(frozen=True, slots=True)
class Present:
    """One GPU that a tool tells of."""

    name: str
    """In the driver's words."""
    total_mib: float | None = None
    """Memory in MiB; null where the tool tells none (memory shared with the processor)."""
    free_mib: float | None = None
    """Memory that no program holds now."""


def _told(command: tuple[str, ...]) -> str | None:
    """What a tool prints; null where it is missing, fails or hangs."""
    try:
        done = subprocess.run(command, capture_output=True, timeout=_SECONDS, check=True, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.decode("utf-8", "replace")


def _mib(text: str) -> float | None:
    number = re.match(r"\s*(\d+)", text)
    return float(number.group(1)) if number else None


def _visible(gpus: list[Present]) -> list[Present]:
    """Those that a program here sees (``CUDA_VISIBLE_DEVICES``)."""
    told = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    if not re.fullmatch(r"\s*\d+(\s*,\s*\d+)*\s*", told):
        return gpus
    return [gpus[i] for i in map(int, told.split(",")) if i < len(gpus)]


def _nvidia(text: str) -> list[Present]:
    rows = [[cell.strip() for cell in line.split(",")] for line in text.splitlines()]
    gpus = []
    for row in rows:
        if len(row) != 4:
            continue
        if row[3] == "Enabled":
            raise RequestError(
                f"{row[0]} is cut into MIG slices, which is no GPU of its own: name the slice's spec with --gpu",
                about="gpu",
            )
        gpus.append(Present(row[0], _mib(row[1]), _mib(row[2])))
    return _visible(gpus)


def _amd(text: str) -> list[Present]:
    gpus = []
    for card in [told for told in _objects(text) if isinstance(told, dict)]:
        named = {key.lower(): str(value) for key, value in card.items()}
        name = named.get("card series") or named.get("card model")
        total, used = (_mib(named.get(f"vram total {what} (b)", "")) for what in ("memory", "used memory"))
        if name and total:
            whole = total / MIB
            gpus.append(Present(name, whole, whole - (used or 0) / MIB))
    return gpus


def _amd_by_its_successor(text: str) -> list[Present]:
    used = {gpu.get("gpu"): _amount(gpu, "mem_usage", "used_vram") for gpu in _gpu_data(_told(_AMD_SMI_USED) or "")}
    gpus = []
    for gpu in _gpu_data(text):
        asic, whole = gpu.get("asic"), _amount(gpu, "vram", "size")
        name = asic.get("market_name") if isinstance(asic, dict) else None
        if isinstance(name, str) and whole:
            taken = used.get(gpu.get("gpu"))
            gpus.append(Present(name, whole, None if taken is None else whole - taken))
    return gpus


def _gpu_data(text: str) -> list[dict[str, Any]]:
    """The GPUs of ``amd-smi``: a list, since ROCm 7 under a key."""
    try:
        told = json.loads(text[text.index("[" if text.lstrip().startswith("[") else "{") :])
    except (ValueError, RecursionError):
        return []
    listed = told.get("gpu_data") if isinstance(told, dict) else told
    gpus = [gpu for gpu in listed if isinstance(gpu, dict)] if isinstance(listed, list) else []
    return [gpu for gpu in gpus if isinstance(gpu.get("gpu"), int)]


def _amount(gpu: dict[str, Any], group: str, key: str) -> float | None:
    """An amount of memory in MiB, which the tool calls MB."""
    held = gpu.get(group)
    told = held.get(key) if isinstance(held, dict) else None
    value = told.get("value") if isinstance(told, dict) and told.get("unit") == "MB" else None
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _apple(text: str) -> list[Present]:
    for hardware in _objects(text):
        for part in hardware if isinstance(hardware, list) else ():
            chip, memory = str(part.get("chip_type", "")), str(part.get("physical_memory", ""))
            if chip.startswith("Apple M") and (size := re.match(r"(\d+) GB", memory)):
                return [Present(f"{chip} {size.group(1)} GB")]
    return []


def _objects(text: str) -> list[Any]:
    """The values of a JSON object; none for what is not one."""
    try:
        objects = json.loads(text[text.index("{") :])
    except (ValueError, RecursionError):
        return []
    return list(objects.values()) if isinstance(objects, dict) else []


#: What a table ends a name with that is too long for it.
_CUT = "..."
#: Who is asked, in turn.
_TOOLS: tuple[tuple[tuple[str, ...], Callable[[str], list[Present]]], ...] = (
    (_NVIDIA_SMI, _nvidia),
    (_AMD_SMI, _amd_by_its_successor),
    (_ROCM_SMI, _amd),
    (_SYSTEM_PROFILER, _apple),
)


def present() -> list[Present]:
    """The GPUs of this computer; none where no tool tells of any.

    Raises:
        RequestError: they are cut into slices.
    """
    for command, read in _TOOLS:
        if (text := _told(command)) is not None and (gpus := read(text)):
            return gpus
    return []


def pasted(text: str) -> list[Present]:
    """The GPUs in what ``nvidia-smi`` printed: its table, or its list (``-L``); none for other texts."""
    if rows := list(_NAMED_ROW.finditer(text)):
        gpus = []
        for row, after in zip(rows, [*rows[1:], None], strict=True):
            memory = _MEMORY_ROW.search(text, row.end(), after.start() if after else len(text))
            used, total = (float(memory[1]), float(memory[2])) if memory else (None, None)
            gpus.append(Present(row[2].strip(), total, total - used if total and used is not None else None))
        return gpus
    return [Present(row[2].strip()) for row in _LISTED.finditer(text)]


def spec_of(one: Present, cards: Catalogue) -> str:
    """The id of the spec of a GPU that a tool tells of: by its name, and by its memory where several bear the name.

    Raises:
        RequestError: none is known.
    """
    if one.name.endswith(_CUT):
        begun = normal(one.name.removesuffix(_CUT))
        near = list(dict.fromkeys(i for name, i in cards.gpus.index.items() if name.startswith(begun)))
    else:
        try:
            return cards.gpus.resolve(one.name)
        except UnknownGpuError as error:
            near = [i for i in error.suggestions if i in cards.gpus.files] if error.kind == "ambiguous" else []
    if near and one.total_mib is not None:
        total = one.total_mib * MIB
        return min(near, key=lambda i: abs(cards.gpus.get(i).visible_bytes - total))
    told = f"could be {join_names(near[:6])}" if near else "is none of which a spec is known"
    raise RequestError(
        f"{one.name!r}, as the driver calls it, {told}: name the GPU", about="gpu", suggestions=near
    ) from None


def _in_use(gpus: list[Present]) -> str | None:
    """Which GPUs have less free than they hold, in words; null where none has."""
    told = [
        f"GPU {i} has {one.free_mib * MIB / GIB:.1f} of {one.total_mib * MIB / GIB:.1f} GiB free now"
        for i, one in enumerate(gpus)
        if one.free_mib is not None and one.total_mib and one.free_mib < _FREE * one.total_mib
    ]
    advice = "end what holds the rest first, or lower the share that the engine may use"
    return f"{', '.join(told)}: {advice}" if told else None


def local_machine(cards: Catalogue) -> Offer:
    """This computer, as a machine with its GPUs.

    Raises:
        RequestError: no GPU is found, or they are not alike.
    """
    gpus = present()
    if not gpus:
        asked = join_names(command[0] for command, _ in _TOOLS)
        raise RequestError(f"no GPU is found on this computer ({asked} tell of none): name one", about="gpu")
    specs = [spec_of(one, cards) for one in gpus]
    if len(kinds := list(dict.fromkeys(specs))) > 1:
        told = "+".join(f"{specs.count(k)}x{k}" for k in kinds)
        raise RequestError(f"the GPUs of this computer are not alike: say --gpu {told}", about="gpu")
    machine = Machine(
        name="this computer",
        gpu=specs[0],
        gpu_told=gpus[0].name,
        count=float(len(gpus)),
        trap=_in_use(gpus),
        source="its driver's tool",
    )
    return Offer(LOCAL, LOCAL, machine)
