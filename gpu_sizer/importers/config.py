"""A Hugging Face ``config.json`` read with care: what is absent is refused, never guessed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from gpu_sizer.errors import CardError

_MISSING = object()
_MOST = 1 << 40


@cache
def class_defaults(model_type: str) -> Mapping[str, Any]:
    """What the class of a model type supplies for keys left out (``tools/class_defaults.py``); empty where unknown."""
    file = Path(__file__).parent / "class_defaults.json"
    found: Mapping[str, Any] = json.loads(file.read_text(encoding="utf-8"))["classes"].get(model_type, {})
    return found


class Config:
    """Typed access to one configuration, with the defaults of the family's own class for keys that it leaves out.

    Keys are looked up under every name given, in order, first in the nested text configuration (where
    there is one), then at the top, then among the class's defaults. A key that is there and null has no default.
    """

    def __init__(
        self, raw: Mapping[str, Any], file: str = "config.json", defaults: Mapping[str, Any] | None = None
    ) -> None:
        if not isinstance(raw, Mapping):
            raise CardError(file, "", "not a JSON object")
        self.raw, self.file = raw, file
        nested = next(
            (raw[k] for k in ("text_config", "llm_config", "language_config") if isinstance(raw.get(k), Mapping)), None
        )
        self.text: Mapping[str, Any] = nested if nested is not None else raw
        self.warnings: list[str] = []
        self.supplied: dict[str, Any] = {}
        whole = class_defaults(self.model_type)
        text = class_defaults(self.text_type) or whole.get("text_config", {})
        self.defaults: Mapping[str, Any] = {**whole, **text} if defaults is None else defaults
        # In a nested configuration the outer one says whether the head is the embedding, as the classes and engines
        # read it (vLLM ``config/vllm.py: with_hf_config``).
        self._tied = {**whole, **raw}.get("tie_word_embeddings") if nested is not None else None

    @property
    def model_type(self) -> str:
        """The model type of the whole configuration; empty where absent."""
        value = self.raw.get("model_type")
        return value if isinstance(value, str) else ""

    @property
    def text_type(self) -> str:
        """The model type of the text model."""
        value = self.text.get("model_type")
        return value if isinstance(value, str) else self.model_type

    @property
    def architectures(self) -> tuple[str, ...]:
        """Names of the model classes."""
        value = self.raw.get("architectures") or ()
        return (
            tuple(v for v in value if isinstance(v, str))
            if isinstance(value, Sequence) and not isinstance(value, str)
            else ()
        )

    def section(self, key: str) -> Config | None:
        """A nested configuration (``vision_config``), or null."""
        value = self.raw.get(key)
        return self._nested(key, value) if isinstance(value, Mapping) else None

    def section_or_default(self, key: str) -> Config:
        """A nested configuration, empty but for its class's defaults where it is left out."""
        value = self.raw.get(key)
        return self._nested(key, value if isinstance(value, Mapping) else {})

    def _nested(self, key: str, value: Mapping[str, Any]) -> Config:
        defaults = class_defaults(self.model_type).get(key, {})
        return Config(value, f"{self.file}: {key}", defaults if isinstance(defaults, Mapping) else {})

    def find(self, *keys: str) -> Any:
        """The first value that is present and not null, else the class's default, else null."""
        for key in keys:
            for where in (self.text, self.raw):
                if (value := where.get(key)) is not None:
                    return value
        if any(key in where for key in keys for where in (self.text, self.raw)):
            return None
        for key in keys:
            if key in self.defaults:
                self.supplied[key] = self.defaults[key]
                return self.defaults[key]
        return None

    def refuse(self, *keys: str, reason: str) -> None:
        """Refuse flags that are true: what they add to the model is not described.

        Raises:
            CardError: one of them is true.
        """
        for key in keys:
            if self.flag(key, default=False):
                raise self.fail(key, f"true is not supported: {reason}")

    def fail(self, key: str, reason: str) -> CardError:
        """An error that points at a key of this file."""
        return CardError(self.file, key, reason)

    def number(self, *keys: str, default: Any = _MISSING) -> int:
        """A positive whole number; refused where absent without a default."""
        value = self.find(*keys)
        if value is None:
            if default is _MISSING:
                raise self.fail(" or ".join(keys), "missing, and nothing else says it")
            return int(default)
        if isinstance(value, bool) or not isinstance(value, int | float) or value != value or int(value) != value:
            raise self.fail(keys[0], f"must be a whole number, not {str(value)[:40]!r}")
        if not 0 < value < _MOST:
            raise self.fail(keys[0], f"must be a positive number, not {value}")
        return int(value)

    def optional(self, *keys: str) -> int | None:
        """A positive whole number, or null where absent, null, zero or negative."""
        value = self.find(*keys)
        if isinstance(value, int | float) and not isinstance(value, bool) and value <= 0:
            return None
        return None if value is None or value is False else self.number(*keys)

    def flag(self, *keys: str, default: bool) -> bool:
        """True or false."""
        value = self.find(*keys)
        if value is None:
            return default
        if not isinstance(value, bool):
            if value in (0, 1):
                return bool(value)
            raise self.fail(keys[0], f"must be true or false, not {str(value)[:40]!r}")
        return value

    def text_value(self, *keys: str, default: str | None = None) -> str | None:
        """A string, or the default."""
        value = self.find(*keys)
        if value is None:
            return default
        if not isinstance(value, str):
            raise self.fail(keys[0], f"must be a string, not {str(value)[:40]!r}")
        return value

    def sequence(self, *keys: str) -> list[Any] | None:
        """A list, or null; refused beyond 4096 entries."""
        value = self.find(*keys)
        if value is None:
            return None
        if not isinstance(value, list) or len(value) > 4096:
            raise self.fail(keys[0], "must be a list of at most 4096 entries")
        return value

    def tied(self, *, default: bool = False) -> bool:
        """Whether the head is the embedding."""
        return self._tied if isinstance(self._tied, bool) else self.flag("tie_word_embeddings", default=default)

    @property
    def layers(self) -> int:
        """``num_hidden_layers`` under any of its names."""
        count = self.number("num_hidden_layers", "n_layer", "n_layers", "num_layers")
        if count > 2048:
            raise self.fail("num_hidden_layers", f"{count} layers; 2048 is the most")
        return count

    @property
    def hidden_size(self) -> int:
        """``hidden_size`` under any of its names."""
        return self.number("hidden_size", "n_embd", "d_model")

    @property
    def heads(self) -> int:
        """``num_attention_heads`` under any of its names."""
        return self.number("num_attention_heads", "n_head", "n_heads")

    @property
    def head_dim(self) -> int:
        """``head_dim``, or hidden_size / heads as configurations leave it out."""
        return self.number("head_dim", default=max(1, self.hidden_size // self.heads))
