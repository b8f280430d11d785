"""Number types of the card schema: what a field may hold, named once."""

from __future__ import annotations

from typing import Annotated, Any

from annotated_types import Ge, Gt, Le, Len

PositiveInt = Annotated[int, Gt(0)]
NonNegativeInt = Annotated[int, Ge(0)]
PositiveFloat = Annotated[float, Gt(0)]
Fraction = Annotated[float, Gt(0), Le(1)]
Text = Annotated[str, Len(1, 400)]
Id = Annotated[str, Len(1, 80)]

#: Read by pydantic when it validates a card; without pydantic it is inert.
STRICT: dict[str, Any] = {
    "extra": "forbid",
    "use_attribute_docstrings": True,
    "allow_inf_nan": False,
}
