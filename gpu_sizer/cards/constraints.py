"""Types of the card schema: what a field may hold, named once.

Cards name these in annotations only; they are looked up where a card is validated.
"""

from __future__ import annotations

from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le, Len

PositiveInt = Annotated[int, Gt(0)]
NonNegativeInt = Annotated[int, Ge(0)]
PositiveFloat = Annotated[float, Gt(0)]
Fraction = Annotated[float, Gt(0), Le(1)]
Text = Annotated[str, Len(1, 400)]
Id = Annotated[str, Len(1, 80)]

Part = Literal[
    "embedding", "attention", "norms", "mlp", "router", "experts", "shared_experts", "lm_head", "tower", "other"
]

WeightFormat = Literal[
    "bfloat16",
    "float16",
    "float32",
    "float8-block",
    "float8-block-ue8m0",
    "float8-tensor",
    "float8-channel",
    "int8-channel",
    "mxfp8",
    "mxfp4",
    "nvfp4",
    "int4-group32",
    "int4-group128",
]
