"""Storage formats of weights: the bytes of a matrix, its scales included.

A quantized format stores scales beside the values, and their number depends on the *local* shape of a
rank's share, so a format answers for a shape, not for a count. The layouts are those of the engines'
loaders (vLLM ``model_executor/layers/quantization``: fp8.py, mxfp4.py, modelopt.py,
compressed_tensors).
"""

from __future__ import annotations

from math import gcd, prod

from gpu_sizer.errors import RequestError
from gpu_sizer.units import ceil_div

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

FLOAT32_BYTES = 4

#: Bytes of one element of the plain types.
ELEMENT_BYTES = {
    "float64": 8,
    "int64": 8,
    "float32": 4,
    "int32": 4,
    "int16": 2,
    "bfloat16": 2,
    "float16": 2,
    "float8": 1,
    "int8": 1,
    "uint8": 1,
}


#: Values along each side of a block under one scale, in DeepSeek-V3's float8 format.
SCALE_BLOCK = 128


def _float8_block(shape: tuple[int, ...], side: int = SCALE_BLOCK) -> int:
    # One float32 scale per block of 128 x 128 values (DeepSeek-V3's format).
    *outer, rows, columns = shape
    return prod(outer) * (rows * columns + FLOAT32_BYTES * ceil_div(rows, side) * ceil_div(columns, side))


def _float8_block_small(shape: tuple[int, ...]) -> int:
    # The same with scales of one byte, powers of two (DeepSeek V4's ue8m0).
    *outer, rows, columns = shape
    return prod(outer) * (rows * columns + ceil_div(rows, 128) * ceil_div(columns, 128))


def _float8_tensor(shape: tuple[int, ...]) -> int:
    # One float32 scale of the weight and one of the activations.
    *outer, rows, columns = shape
    return prod(outer) * (rows * columns + 2 * FLOAT32_BYTES)


def _channel(shape: tuple[int, ...]) -> int:
    # One byte a value, and one float32 scale per output channel.
    *outer, rows, columns = shape
    return prod(outer) * (rows * columns + FLOAT32_BYTES * rows)


def _grouped(bits: int, group: int, scale_bytes: int, tail: int = 0) -> Callable[[tuple[int, ...]], int]:
    def size(shape: tuple[int, ...]) -> int:
        *outer, rows, columns = shape
        return prod(outer) * (rows * (columns * bits // 8 + ceil_div(columns, group) * scale_bytes) + tail)

    return size


#: Bytes of a weight matrix (outputs, inputs), or a stack of them, by format.
_SCALED: dict[str, Callable[[tuple[int, ...]], int]] = {
    "float8-block": _float8_block,
    "float8-block-ue8m0": _float8_block_small,
    "float8-tensor": _float8_tensor,
    "float8-channel": _channel,
    "int8-channel": _channel,
    "mxfp8": _grouped(8, 32, 1),
    "mxfp4": _grouped(4, 32, 1),
    # Two float32 per matrix: the global scale of the weight and that of its input.
    "nvfp4": _grouped(4, 16, 1, tail=2 * FLOAT32_BYTES),
    "int4-group32": _grouped(4, 32, 2),
    "int4-group128": _grouped(4, 128, 2),
}

#: Formats with a scale for each block of values.
BLOCK_SCALED = ("float8-block", "float8-block-ue8m0")
#: Values under one scale along a row, where a rank's share must be a whole number of them.
SCALE_UNITS = {**dict.fromkeys(BLOCK_SCALED, SCALE_BLOCK), "int4-group32": 32, "int4-group128": 128}

#: Types of tensors in GGUF files: values in one block, and its bytes (ggml/src/ggml-common.h of ggml-org/llama.cpp).
BLOCKS = {
    "q4_0": (32, 18),
    "q4_1": (32, 20),
    "q5_0": (32, 22),
    "q5_1": (32, 24),
    "q8_0": (32, 34),
    "q2_k": (256, 84),
    "q3_k": (256, 110),
    "q4_k": (256, 144),
    "q5_k": (256, 176),
    "q6_k": (256, 210),
    "iq1_s": (256, 50),
    "iq1_m": (256, 56),
    "iq2_xxs": (256, 66),
    "iq2_xs": (256, 74),
    "iq2_s": (256, 82),
    "iq3_xxs": (256, 98),
    "iq3_s": (256, 110),
    "iq4_nl": (32, 18),
    "iq4_xs": (256, 136),
    "tq1_0": (256, 54),
    "tq2_0": (256, 66),
    "mxfp4": (32, 17),
    "nvfp4": (64, 36),
    "q1_0": (128, 18),
    "q2_0": (64, 18),
}
#: Before the name of such a type in an inventory: other formats of the same name differ in their scales.
OF_FILE = "gguf-"

WEIGHT_FORMATS = ("bfloat16", "float16", "float32", *_SCALED)


def storage_bytes(shape: tuple[int, ...], fmt: str) -> int:
    """Bytes of a tensor of this shape in this format.

    Args:
        shape: for a scaled format the last two dimensions are outputs and inputs.
        fmt: a plain type (``bfloat16``) or a weight format (``mxfp4``).

    Raises:
        RequestError: the format is not known.
    """
    if (plain := ELEMENT_BYTES.get(fmt)) is not None:
        return prod(shape) * plain
    if (scaled := _SCALED.get(fmt)) is not None:
        return scaled(shape)
    if fmt.startswith(OF_FILE):
        values, size = BLOCKS[fmt.removeprefix(OF_FILE)]
        return prod(shape) // values * size
    raise RequestError(f"unknown weight format {fmt!r}; known: {', '.join(WEIGHT_FORMATS)}")


def expert_storage_bytes(shape: tuple[int, ...], fmt: str, width: int) -> int:
    """Bytes of a rank's share of an expert's matrix, ``width`` being its share of the expert's width.

    Where that share is no whole number of scale blocks, the engine keeps finer blocks
    (vLLM ``quantization/fp8.py``: the greatest common divisor of both).
    """
    if fmt == "float8-block" and width % SCALE_BLOCK:
        return _float8_block(shape, gcd(width, SCALE_BLOCK))
    return storage_bytes(shape, fmt)


def is_scaled(fmt: str) -> bool:
    """Whether a format stores scales beside low-precision values."""
    return fmt in _SCALED or fmt.startswith(OF_FILE)
