"""A Hugging Face ``config.json`` read with care: what is absent is refused, never guessed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gpu_sizer.errors import CardError

_MISSING = object()
_MOST = 1 << 40


class Config:
    """Typed access to one configuration, with the family's own defaults given at each call.

    Keys are looked up under every name given, in order, first in the nested text configuration (where
    there is one), then at the top.
    """

    def __init__(self, raw: Mapping[str, Any], file: str = "config.json") -> None:
        if not isinstance(raw, Mapping):
            raise CardError(file, "", "not a JSON object")
        self.raw, self.file = raw, file
        nested = next(
            (raw[k] for k in ("text_config", "llm_config", "language_config") if isinstance(raw.get(k), Mapping)), None
        )
        self.text: Mapping[str, Any] = nested if nested is not None else raw
        self.warnings: list[str] = []

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

    def with_defaults(self, defaults: Mapping[str, Any]) -> Config:
        """The same configuration with the text model's class defaults for keys that it leaves out."""
        copy = Config(self.raw, self.file)
        given = {k: v for k, v in self.text.items() if v is not None}
        copy.text = {**{k: v for k, v in defaults.items() if self.find(k) is None}, **given}
        copy.warnings = self.warnings
        return copy

    def section(self, key: str) -> Config | None:
        """A nested configuration (``vision_config``), or null."""
        value = self.raw.get(key)
        return Config(value, f"{self.file}: {key}") if isinstance(value, Mapping) else None

    def find(self, *keys: str) -> Any:
        """The first value that is present and not null, or null."""
        for key in keys:
            for where in (self.text, self.raw):
                if (value := where.get(key)) is not None:
                    return value
        return None

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
