"""Headers of safetensors files, and the index of a checkpoint in several shards.

Format: eight bytes (little-endian) with the length of a JSON header, the header, the data
(https://github.com/huggingface/safetensors#format). Only the header is read: a shard of 100 GB takes
milliseconds. The header's length, and every offset in it, is checked before it is believed.
"""

from __future__ import annotations

import json
from math import prod
from pathlib import Path
from typing import Any

from gpu_sizer.errors import CardError
from gpu_sizer.importers.checkpoint import Checkpoint, StoredTensor

#: The format's own bound is 100 MB; DeepSeek-V3's largest header is under 1 MB.
MOST_HEADER = 100_000_000
#: Entries beyond which a header is no model's.
MOST_TENSORS = 2_000_000
INDEX = "model.safetensors.index.json"
SINGLE = "model.safetensors"

#: Bits of one element by the format's type names.
DTYPE_BITS = {
    "F64": 64, "I64": 64, "U64": 64, "F32": 32, "I32": 32, "U32": 32, "F16": 16, "BF16": 16, "I16": 16, "U16": 16,
    "F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8, "I8": 8, "U8": 8, "BOOL": 8, "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6,
}  # fmt: skip


def read_header(file: Path) -> dict[str, StoredTensor]:
    """The tensors of one file.

    Raises:
        CardError: not a safetensors file, a truncated header, or one that lies about lengths.
    """
    try:
        length = file.stat().st_size
        with file.open("rb") as stream:
            start = stream.read(8)
            if len(start) < 8:
                raise CardError(str(file), "", "shorter than a safetensors header")
            header_length = int.from_bytes(start, "little")
            if header_length > MOST_HEADER:
                raise CardError(
                    str(file), "", f"claims a header of {header_length:,} bytes; {MOST_HEADER:,} is the most"
                )
            if 8 + header_length > length:
                raise CardError(str(file), "", f"claims a header of {header_length:,} bytes in a file of {length:,}")
            raw = stream.read(header_length)
    except OSError as error:
        raise CardError(str(file), "", error.strerror or "cannot be read") from None
    try:
        header = json.loads(raw)
    except (ValueError, RecursionError):
        raise CardError(str(file), "", "its header is not valid JSON") from None
    if not isinstance(header, dict) or len(header) > MOST_TENSORS:
        raise CardError(str(file), "", "its header is not a mapping of tensors")
    data = length - 8 - header_length
    return {name: _tensor(file, name, entry, data) for name, entry in header.items() if name != "__metadata__"}


def _tensor(file: Path, name: str, entry: Any, data: int) -> StoredTensor:
    try:
        dtype, shape = entry["dtype"], tuple(entry["shape"])
        begin, end = entry["data_offsets"]
        whole = all(isinstance(n, int) and not isinstance(n, bool) and n >= 0 for n in (*shape, begin, end))
    except (TypeError, KeyError, ValueError):
        raise CardError(str(file), name[:120], "not an entry of dtype, shape and data_offsets") from None
    if not whole or dtype not in DTYPE_BITS:
        raise CardError(str(file), name[:120], f"dtype {str(dtype)[:20]!r} or its shape is not known")
    if not begin <= end <= data:
        raise CardError(str(file), name[:120], f"its data end at {end:,}, the file has {data:,} bytes: truncated")
    if prod(shape) * DTYPE_BITS[dtype] != (end - begin) * 8:
        raise CardError(str(file), name[:120], f"{end - begin:,} bytes do not hold shape {list(shape)} of {dtype}")
    return StoredTensor(name, dtype, shape, end - begin)


def read_index(folder: Path) -> dict[str, str]:
    """Which file holds each tensor, by the folder's index.

    Raises:
        CardError: a broken index, or one that points out of the folder.
    """
    from gpu_sizer.importers.hugging_face import read_json

    file = folder / INDEX
    index = read_json(file, most=64 << 20)
    weights = index.get("weight_map") if isinstance(index, dict) else None
    if not isinstance(weights, dict) or not all(isinstance(v, str) for v in weights.values()):
        raise CardError(str(file), "weight_map", "missing or not a mapping of tensors to files")
    for shard in set(weights.values()):
        if Path(shard).name != shard or shard in ("", ".", ".."):
            raise CardError(str(file), "weight_map", f"{shard[:80]!r} is not a file of this folder")
    return weights


def read_checkpoint(folder: Path) -> Checkpoint | None:
    """The checkpoint of a folder: by its index, its single file, or null where it has neither.

    Raises:
        CardError: a header that cannot be used, a shard that is missing, a tensor in no shard.
    """
    if (folder / INDEX).is_file():
        weights = read_index(folder)
        files = sorted(set(weights.values()))
        if missing := [f for f in files if not (folder / f).is_file()]:
            raise CardError(str(folder / INDEX), "weight_map", f"the shard {missing[0]} is missing from the folder")
        found: dict[str, StoredTensor] = {}
        for name in files:
            for tensor in read_header(folder / name).values():
                if tensor.name in found:
                    raise CardError(str(folder / name), tensor.name[:120], "stands in two shards")
                found[tensor.name] = tensor
        if absent := sorted(set(weights) - set(found)):
            raise CardError(
                str(folder / INDEX), absent[0][:120], f"not in the shard {weights[absent[0]]} that the index names"
            )
        if unlisted := sorted(set(found) - set(weights)):
            raise CardError(str(folder / INDEX), unlisted[0][:120], "in a shard, but not in the index")
        return Checkpoint(found, tuple(files))
    if (folder / SINGLE).is_file():
        return Checkpoint(read_header(folder / SINGLE), (SINGLE,))
    return None
