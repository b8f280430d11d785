"""Types of the card schema: what a field may hold, named once.

Cards name these in annotations only; they are looked up where a card is validated, and their bounds stand in the
JSON Schema too.
"""

from __future__ import annotations

from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le, Len

from gpu_sizer.model.bounds import (
    LONGEST_ID,
    LONGEST_TEXT,
    MOST_DIMENSION,
    MOST_LAYERS,
    MOST_RATE,
    MOST_SIZE,
    MOST_TOKENS,
    MOST_VALUES,
)

PositiveInt = Annotated[int, Gt(0), Le(MOST_SIZE)]
NonNegativeInt = Annotated[int, Ge(0), Le(MOST_SIZE)]
LayerCount = Annotated[int, Gt(0), Le(MOST_LAYERS)]
Tokens = Annotated[int, Gt(0), Le(MOST_TOKENS)]
Dimension = Annotated[int, Gt(0), Le(MOST_DIMENSION)]
ParameterCount = Annotated[int, Gt(0), Le(MOST_VALUES)]
PositiveFloat = Annotated[float, Gt(0), Le(MOST_RATE)]
Text = Annotated[str, Len(1, LONGEST_TEXT)]
Id = Annotated[str, Len(1, LONGEST_ID)]

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
