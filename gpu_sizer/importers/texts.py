"""A model out of the text of a file that somebody gave: a model card in YAML, or a configuration in JSON."""

from __future__ import annotations

from pathlib import Path

from gpu_sizer.errors import CardError, RequestError, shown
from gpu_sizer.files import parse_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gpu_sizer.cards.model_card import ModelCard

#: Longest name that is shown of a model whose configuration names one.
_LONGEST_NAME = 60
#: What a model is called whose file names none.
_UNNAMED = "your model"


def card_of_text(text: str, file: str, *, bounded: bool = True) -> ModelCard:
    """The card that a file holds, or that its configuration implies.

    Args:
        text: what is in the file; nothing else is read.
        file: its name: ``.json`` is a configuration, everything else a card.
        bounded: hold a configuration to the bounds of the schema as well, which takes pydantic. Cards always take it.

    Raises:
        RequestError: the file cannot be used; the message names key and reason. It is the caller's own card.
    """
    try:
        return _card(text, file, bounded)
    except CardError as error:
        raise RequestError(str(error), about="model") from None


def _card(text: str, file: str, bounded: bool) -> ModelCard:
    if not file.lower().endswith(".json"):
        from gpu_sizer.cards.loading import parse_yaml, validate
        from gpu_sizer.cards.model_card import ModelCard

        data, node = parse_yaml(text, Path(file))
        return validate(data, ModelCard, Path(file), node)
    try:
        config: Any = parse_json(text)
    except ValueError as error:
        raise RequestError(f"{shown(file)} is not JSON: {error}", about="model") from None
    if not isinstance(config, dict):
        raise RequestError(f"{shown(file)} is no configuration: a config.json is a JSON object", about="model")
    from gpu_sizer.importers.hugging_face import card_from_config

    known = config.get("_name_or_path")
    name = known.rpartition("/")[2][:_LONGEST_NAME] if isinstance(known, str) else ""
    card = card_from_config(config, name=name or _UNNAMED, source="file", file=file, bounded=bounded)
    if not card.name:
        raise CardError(file, "name", "empty")
    return card
