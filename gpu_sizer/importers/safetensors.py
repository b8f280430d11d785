"""Headers of safetensors files, and the index of a checkpoint in several shards.

Format: eight bytes (little-endian) with the length of a JSON header, the header, the data
(https://github.com/huggingface/safetensors#format). Only the header is read: a shard of 100 GB takes
milliseconds. The header's length, and every offset in it, is checked before it is believed.
"""

from __future__ import annotations

import os
import sys
from math import prod
from pathlib import Path
from typing import Any

from gpu_sizer.errors import CardError, printable, shown
from gpu_sizer.files import open_regular, read_regular
from gpu_sizer.importers.checkpoint import Checkpoint, StoredTensor
from gpu_sizer.json_objects import Members

#: The hub's own reader takes headers up to this (``huggingface_hub.constants.SAFETENSORS_MAX_HEADER_LENGTH``), the
#: format up to 100 MB; DeepSeek-V3's largest is under 1 MB.
MOST_HEADER = 25_000_000
#: Bytes of an index; those of the largest models have some tens of megabytes.
MOST_INDEX = 64 << 20
#: Tensors of a checkpoint, and dimensions of one, beyond which they are no model's.
MOST_TENSORS, MOST_DIMENSIONS = 600_000, 16
INDEX = "model.safetensors.index.json"
SINGLE = "model.safetensors"

#: Bits of one element by the format's type names.
DTYPE_BITS = {
    "F64": 64, "I64": 64, "U64": 64, "F32": 32, "I32": 32, "U32": 32, "F16": 16, "BF16": 16, "I16": 16, "U16": 16,
    "F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8, "I8": 8, "U8": 8, "BOOL": 8, "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6,
}  # fmt: skip


def read_header(file: Path, most: int = MOST_TENSORS) -> dict[str, StoredTensor]:
    """The tensors of one file.

    Args:
        file: a safetensors file.
        most: tensors that it may have.

    Raises:
        CardError: not a safetensors file, a truncated header, or one that lies about lengths.
    """
    with open_regular(file) as stream:
        length = os.fstat(stream.fileno()).st_size
        start = stream.read(8)
        if len(start) < 8:
            raise CardError(str(file), "", "shorter than a safetensors header")
        header_length = int.from_bytes(start, "little")
        if 8 + header_length > length:
            raise CardError(str(file), "", f"claims a header of {header_length:,} bytes in a file of {length:,}")
        if header_length > MOST_HEADER:
            raise CardError(str(file), "", f"has a header of {header_length:,} bytes; {MOST_HEADER:,} is the most")
        members = Members(stream.read(header_length))
    data = length - 8 - header_length
    tensors: dict[str, StoredTensor] = {}
    # Thousands of tensors have one shape: it is kept once.
    shapes: dict[tuple[int, ...], tuple[int, ...]] = {}
    try:
        for name in members.names():
            if name == "__metadata__":
                members.skip()
                continue
            if len(tensors) >= most:
                raise CardError(str(file), "", f"more than {most:,} tensors")
            tensors[name] = _tensor(file, name, _entry(members), data, shapes)
        members.end()
    except ValueError as error:
        raise CardError(str(file), "", f"its header is not valid JSON ({error})") from None
    return tensors


def _entry(members: Members) -> object:
    """What stands for a tensor; null for what no tensor's entry can be."""
    try:
        return members.flat()
    except ValueError:
        return None


def _tensor(
    file: Path, name: str, entry: Any, data: int, shapes: dict[tuple[int, ...], tuple[int, ...]]
) -> StoredTensor:
    def refuse(reason: str) -> CardError:
        return CardError(str(file), printable(name[:120]), reason)

    if not isinstance(entry, dict) or not {"dtype", "shape", "data_offsets"} <= entry.keys():
        raise refuse("not an entry of dtype, shape and data_offsets")
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype, str) or dtype not in DTYPE_BITS:
        raise refuse(f"the dtype {shown(dtype)} is not known; known: {', '.join(DTYPE_BITS)}")
    if not _are_sizes(shape) or len(shape) > MOST_DIMENSIONS:
        raise refuse(f"shape must be a list of whole numbers, not {shown(shape)}")
    if not _are_sizes(offsets) or len(offsets) != 2:
        raise refuse(f"data_offsets must be two whole numbers, not {shown(offsets)}")
    begin, end = offsets
    if not begin <= end <= data:
        raise refuse(f"its data lie from {shown(begin)} to {shown(end)}, the file has {data:,} bytes: truncated")
    if prod(shape) * DTYPE_BITS[dtype] != (end - begin) * 8:
        raise refuse(f"{end - begin:,} bytes do not hold shape {shown(shape)} of {dtype}")
    whole = tuple(shape)
    return StoredTensor(name, sys.intern(dtype), shapes.setdefault(whole, whole), end - begin)


def _are_sizes(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(n, int) and not isinstance(n, bool) and n >= 0 for n in value)


def read_index(folder: Path) -> dict[str, str]:
    """Which file holds each tensor, by the folder's index.

    Raises:
        CardError: a broken index, or one that points out of the folder.
    """
    file = folder / INDEX
    members = Members(read_regular(file, MOST_INDEX))
    weights: dict[str, str] | None = None
    try:
        for key in members.names():
            if key == "weight_map":
                weights = _weight_map(file, members)
            else:
                members.skip()
        members.end()
    except ValueError as error:
        raise CardError(str(file), "", f"not valid JSON ({error})") from None
    if weights is None:
        raise CardError(str(file), "weight_map", "missing or not a mapping of tensors to files")
    for shard in set(weights.values()):
        if Path(shard).name != shard or shard in ("", ".", ".."):
            raise CardError(str(file), "weight_map", f"{shown(shard)} is not a file of this folder")
    return weights


def _weight_map(file: Path, members: Members) -> dict[str, str]:
    weights: dict[str, str] = {}
    for name in members.names():
        if len(weights) >= MOST_TENSORS:
            raise CardError(str(file), "weight_map", f"more than {MOST_TENSORS:,} tensors")
        shard = members.flat()
        if not isinstance(shard, str):
            raise CardError(str(file), "weight_map", f"{shown(shard)} is not the name of a file")
        weights[name] = sys.intern(shard)
    return weights


def read_checkpoint(folder: Path) -> Checkpoint | None:
    """The checkpoint of a folder: by its index, its single file, or null where it has no weights.

    Raises:
        CardError: a header that cannot be used, a shard that is missing among others, a tensor in no shard.
    """
    if (folder / INDEX).is_file():
        weights = read_index(folder)
        files = sorted(set(weights.values()))
        missing = [f for f in files if not (folder / f).is_file()]
        if len(missing) == len(files):
            return None
        if missing:
            raise CardError(str(folder / INDEX), "weight_map", f"the shard {missing[0]} is missing from the folder")
        tensors: dict[str, StoredTensor] = {}
        for name in files:
            for tensor in read_header(folder / name, MOST_TENSORS - len(tensors)).values():
                if tensor.name in tensors:
                    raise CardError(str(folder / name), printable(tensor.name[:120]), "stands in two shards")
                tensors[tensor.name] = tensor
        if (absent := next((n for n in weights if n not in tensors), None)) is not None:
            reason = f"not in the shard {weights[absent]} that the index names"
            raise CardError(str(folder / INDEX), printable(absent[:120]), reason)
        if (unlisted := next((n for n in tensors if n not in weights), None)) is not None:
            raise CardError(str(folder / INDEX), printable(unlisted[:120]), "in a shard, but not in the index")
        return Checkpoint(tensors, tuple(files))
    if (folder / SINGLE).is_file():
        return Checkpoint(read_header(folder / SINGLE), (SINGLE,))
    return None
