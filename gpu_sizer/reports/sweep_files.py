"""Sweeps as files: CSV, JSON and Parquet, written block by block, so that memory does not grow with the sweep."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from gpu_sizer.errors import RequestError
from gpu_sizer.load import VARIED
from gpu_sizer.planning.sweep import NOT_COUNTED
from gpu_sizer.reports.tables.formats.csv import safe

if TYPE_CHECKING:
    from gpu_sizer.planning.sweep import Block

#: The columns of every format: those of :meth:`Block.records`.
CELL_COLUMNS = (
    "context",
    "users",
    "verdict",
    "gpu_count",
    "tensor_parallel_size",
    "pipeline_parallel_size",
    "data_parallel_size",
    "expert_parallel",
    "free_bytes",
)
BLOCK_COLUMNS = ("model", "gpu", *(s.name for s in VARIED))
_TRUE = ("false", "true")
_VERDICTS = ("fits", "tight", "does_not_fit", NOT_COUNTED)


def _csv_cells(block: Block) -> Iterator[str]:
    """The lines of a block; what does not fit leaves its columns empty."""
    text = io.StringIO()
    constants = (block.model, block.gpu, *block.settings.values())
    csv.writer(text, lineterminator="").writerow([safe(v) if isinstance(v, str) else v for v in constants])
    for c, context in enumerate(block.contexts):
        head = f"{text.getvalue()},{context},"
        for users, (count, tp, pp, dp, ep, tight, free) in zip(block.users, block.cells[c].tolist(), strict=True):
            if count:
                yield f"{head}{users},{_VERDICTS[tight]},{count},{tp},{pp},{dp},{_TRUE[ep]},{free}\n"
            else:
                yield f"{head}{users},{block.verdict(0, False)},,,,,,\n"


def write_csv(blocks: Iterable[Block], stream: BinaryIO) -> None:
    """One line a cell."""
    stream.write((",".join((*BLOCK_COLUMNS, *CELL_COLUMNS)) + "\n").encode())
    for block in blocks:
        stream.write("".join(_csv_cells(block)).encode())


def write_json(blocks: Iterable[Block], stream: BinaryIO) -> None:
    """One array of objects, one a line."""
    encode, between = json.JSONEncoder(ensure_ascii=False).encode, "[\n"
    for block in blocks:
        for record in block.records():
            stream.write(f"{between}{encode(record)}".encode())
            between = ",\n"
    stream.write(b"[]\n" if between == "[\n" else b"\n]\n")


def _batch(pa: Any, schema: Any, block: Block) -> Any:
    """A block as an Arrow record batch."""
    cells = block.cells.reshape(-1)
    none = cells["gpu_count"] == 0
    missing = _VERDICTS.index(block.verdict(0, False))
    verdicts = np.where(none, missing, cells["tight"].astype(np.int8)).astype(np.int8)
    columns = [
        *(_repeated(pa, len(cells), "str", name) for name in (block.model, block.gpu)),
        *(_repeated(pa, len(cells), s.kind, block.settings[s.name]) for s in VARIED),
        pa.array(np.repeat(np.array(block.contexts, np.int64), len(block.users))),
        pa.array(np.tile(np.array(block.users, np.int64), len(block.contexts))),
        pa.DictionaryArray.from_arrays(pa.array(verdicts), pa.array(_VERDICTS)),
        *(pa.array(cells[name], mask=none) for name in CELL_COLUMNS[3:]),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _repeated(pa: Any, length: int, kind: str, value: Any) -> Any:
    """A column of one value: words as a dictionary, numbers as they are; null where the default was left."""
    if kind != "str":
        return pa.array(np.full(length, value or np.nan), from_pandas=True)
    places = pa.array(np.zeros(length, np.int8), mask=np.full(length, value is None))
    return pa.DictionaryArray.from_arrays(places, pa.array([value or ""], pa.string()))


def write_parquet(blocks: Iterable[Block], stream: BinaryIO) -> None:
    """A row group a block; words as dictionaries, null where nothing fits.

    Raises:
        RequestError: pyarrow is not installed.
    """
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError:
        raise RequestError("Parquet needs pyarrow: pip install 'gpu-sizer[parquet]'") from None
    word = pa.dictionary(pa.int8(), pa.string())
    kinds = [word, word, *(word if s.kind == "str" else pa.float64() for s in VARIED), pa.int64(), pa.int64(), word]
    kinds += [pa.int32(), pa.int32(), pa.int32(), pa.int32(), pa.bool_(), pa.int64()]
    schema = pa.schema(list(zip((*BLOCK_COLUMNS, *CELL_COLUMNS), kinds, strict=True)))
    with parquet.ParquetWriter(stream, schema) as writer:
        for block in blocks:
            writer.write_batch(_batch(pa, schema, block), row_group_size=len(block.cells.reshape(-1)))


WRITERS: dict[str, Callable[[Iterable[Block], BinaryIO], None]] = {
    "csv": write_csv,
    "json": write_json,
    "parquet": write_parquet,
}


def format_of(name: str | None, suffix: str | None) -> str:
    """The format of an option or of a file's ending; CSV where neither tells.

    Raises:
        RequestError: no such format.
    """
    told = name or (suffix or ".csv").removeprefix(".").lower()
    if told not in WRITERS:
        raise RequestError(f"sweeps are written as {', '.join(WRITERS)}, not {told[:20]!r}")
    return told
