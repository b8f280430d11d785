"""Bytes of the storage formats, worked by hand."""

from __future__ import annotations

import pytest

from gpu_sizer.errors import RequestError
from gpu_sizer.model.formats import storage_bytes


@pytest.mark.parametrize(
    ("fmt", "shape", "size"),
    [
        pytest.param("bfloat16", (10, 3), 60, id="two bytes an element"),
        pytest.param("float32", (7,), 28, id="four bytes an element"),
        pytest.param("float8-block", (256, 128), 256 * 128 + 2 * 4, id="one scale per 128 x 128 block"),
        pytest.param("float8-block", (129, 128), 129 * 128 + 2 * 4, id="a started block has its scale"),
        pytest.param("float8-channel", (16, 8), 16 * 8 + 16 * 4, id="one scale per output"),
        pytest.param("mxfp4", (2, 64), 2 * (32 + 2), id="half a byte and a byte per 32"),
        pytest.param("nvfp4", (2, 64), 2 * (32 + 4) + 8, id="half a byte, a byte per 16, two global scales"),
        pytest.param("int4-group32", (2, 64), 2 * (32 + 4), id="half a byte and two bytes per 32"),
        pytest.param("mxfp4", (3, 2, 64), 3 * 2 * (32 + 2), id="stacks of matrices"),
    ],
)
def test_storage_bytes(fmt: str, shape: tuple[int, ...], size: int) -> None:
    assert storage_bytes(shape, fmt) == size


def test_unknown_format_is_refused_by_name() -> None:
    with pytest.raises(RequestError, match="float7"):
        storage_bytes((1, 1), "float7")
