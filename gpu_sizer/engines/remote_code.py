"""Which models an engine loads only by running code out of their repositories.

The facts are in ``remote_code.yaml``: by class of the model, by engine and version.
"""

from __future__ import annotations

from typing import Any

from gpu_sizer.cards.model_card import ModelCard
from gpu_sizer.engines.profiles import profile_data
from gpu_sizer.engines.versions import at_least


def remote_code_part(engine: str, version: str, card: ModelCard, weights: str) -> str | None:
    """The part of a model's repository that is code which the engine has to run; null where there is none.

    Args:
        engine: its name.
        version: in three numbers.
        card: the model's card.
        weights: the repository or folder that is loaded.
    """
    known: dict[str, Any] = profile_data("remote_code")
    if engine not in known["engines"]:
        return None
    for beginning, part in known["repositories"].items():
        if weights.startswith(beginning) or (card.hub_id or "").startswith(beginning):
            return str(part)
    told = known["classes"].get(card.engine_class)
    if told is None:
        return None
    own = told.get("own", {}).get(engine)
    return None if own is not None and at_least(version, str(own)) else str(told["part"])
