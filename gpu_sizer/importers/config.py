"""A Hugging Face ``config.json`` read with care: what is absent is refused, never guessed."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from gpu_sizer.errors import CardError, printable, shown
from gpu_sizer.model.bounds import MOST_LAYERS, MOST_SIZE

_MISSING = object()
#: Entries of a list.
MOST_ENTRIES = 4096
#: The least share that a width can be of another.
LEAST_SHARE = 1 / 64
#: Layers of multi-token prediction, for which lists by layer may go on.
_PREDICTION_KEYS = ("num_nextn_predict_layers", "mtp_num_hidden_layers", "num_mtp_layers")


@cache
def class_defaults(model_type: str) -> Mapping[str, Any]:
    """What the class of a model type supplies for keys left out (``tools/class_defaults.py``); empty where unknown."""
    file = Path(__file__).parent / "class_defaults.json"
    defaults: Mapping[str, Any] = json.loads(file.read_text(encoding="utf-8"))["classes"].get(model_type, {})
    return defaults


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
        #: Keys that the family asked for.
        self.asked: set[str] = set()
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
        self.asked.update(keys)
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
        return CardError(self.file, printable(key), reason)

    def number(self, *keys: str, default: Any = _MISSING, most: int = MOST_SIZE) -> int:
        """A positive whole number of at most ``most``; refused where absent without a default."""
        value = self.find(*keys)
        if value is None:
            if default is _MISSING:
                raise self.fail(" or ".join(keys), "missing, and nothing else says it")
            return int(default)
        return self.whole(self._named(keys), value, least=1, most=most)

    def whole(self, key: str, value: Any, *, least: int, most: int = MOST_SIZE) -> int:
        """A value of this file as a whole number within bounds.

        Raises:
            CardError: it is none, or beyond them; with the key.
        """
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.fail(key, f"must be a whole number, not {shown(value)}")
        if isinstance(value, float) and not value.is_integer():
            raise self.fail(key, f"must be a whole number, not {shown(value)}")
        if not least <= value <= most:
            raise self.fail(key, f"must be from {least} to {most:,}, not {shown(value)}")
        return int(value)

    def _named(self, keys: tuple[str, ...]) -> str:
        """The key of several names that the configuration has."""
        return next((k for k in keys if k in self.text or k in self.raw), keys[0])

    def optional(self, *keys: str) -> int | None:
        """A positive whole number, or null where absent, null, false or zero."""
        value = self.find(*keys)
        if value is None or value is False:
            return None
        return self.whole(self._named(keys), value, least=0) or None

    def some_layers(self, *keys: str, default: int = 0) -> int:
        """How many of the layers something holds for (``first_k_dense_replace``): none to all of them."""
        value = self.find(*keys)
        if value is None or value is False:
            return default
        return self.whole(self._named(keys), value, least=0, most=self.layers)

    def part(self, *keys: str, default: float) -> float:
        """A share: more than 0, at most 1."""
        value = self.find(*keys)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int | float) or not LEAST_SHARE <= value <= 1:
            raise self.fail(self._named(keys), f"must be a share between {LEAST_SHARE} and 1, not {shown(value)}")
        return float(value)

    def factor(self, *keys: str) -> float | None:
        """What a width is multiplied by: at most 64 times larger or smaller; null where absent."""
        value = self.find(*keys)
        if value is None:
            return None
        most = 1 / LEAST_SHARE
        if isinstance(value, bool) or not isinstance(value, int | float) or not LEAST_SHARE <= value <= most:
            raise self.fail(self._named(keys), f"must be from {LEAST_SHARE} to {most:g}, not {shown(value)}")
        return float(value)

    def number_unless(self, word: str, *keys: str, default: int) -> int:
        """A positive whole number, or the default where absent or told by a word (``auto``)."""
        return default if self.find(*keys) == word else self.number(*keys, default=default)

    def flag(self, *keys: str, default: bool) -> bool:
        """True or false."""
        value = self.find(*keys)
        if value is None:
            return default
        if not isinstance(value, bool):
            if value in (0, 1):
                return bool(value)
            raise self.fail(keys[0], f"must be true or false, not {shown(value)}")
        return value

    def text_value(self, *keys: str, default: str | None = None) -> str | None:
        """A string, or the default."""
        value = self.find(*keys)
        if value is None:
            return default
        if not isinstance(value, str):
            raise self.fail(keys[0], f"must be a string, not {shown(value)}")
        return value

    def sequence(self, *keys: str) -> list[Any] | None:
        """A list, or null; refused beyond 4096 entries."""
        value = self.find(*keys)
        if value is None:
            return None
        if not isinstance(value, list) or len(value) > MOST_ENTRIES:
            raise self.fail(self._named(keys), f"must be a list of at most {MOST_ENTRIES} entries, not {shown(value)}")
        return value

    def numbers(self, *keys: str, count: int | None = None, least: int = 1, most: int = MOST_SIZE) -> list[int] | None:
        """A list of whole numbers within bounds, or null.

        Args:
            keys: names of the list.
            count: how many there must be; null is any number.
            least: what each is at least.
            most: what each is at most.
        """
        listed, key = self.sequence(*keys), self._named(keys)
        if listed is None:
            return None
        if count is not None and len(listed) != count:
            raise self.fail(key, f"must have {count} entries, not {len(listed)}")
        return [self.whole(f"{key}[{i}]", value, least=least, most=most) for i, value in enumerate(listed)]

    def layer_numbers(self, *keys: str, first: int = 0) -> list[int] | None:
        """A list of numbers of layers, counted from ``first`` on, or null."""
        return self.numbers(*keys, least=first, most=MOST_LAYERS)

    def per_layer(self, *keys: str) -> list[Any] | None:
        """A list with an entry for each layer, or null; entries for layers of prediction may follow and are left out.

        Raises:
            CardError: another number of entries.
        """
        listed, key = self.sequence(*keys), self._named(keys)
        if listed is None:
            return None
        layers, more = self.layers, self.optional(*_PREDICTION_KEYS) or 0
        if not layers <= len(listed) <= layers + more:
            raise self.fail(key, f"has {len(listed)} entries for {layers} layers")
        return listed[:layers]

    def kinds(self, known: Collection[Any], *keys: str) -> list[Any] | None:
        """A list with a known word or number for each layer, or null.

        Raises:
            CardError: another number of entries, or one that is not known.
        """
        listed, key = self.per_layer(*keys), self._named(keys)
        for i, value in enumerate(listed or ()):
            # True is 1, and a list is no key: both are no kinds.
            if isinstance(value, bool | list | dict) or value not in known:
                raise self.fail(f"{key}[{i}]", f"must be one of {', '.join(map(str, known))}, not {shown(value)}")
        return listed

    def tied(self, *, default: bool = False) -> bool:
        """Whether the head is the embedding."""
        return self._tied if isinstance(self._tied, bool) else self.flag("tie_word_embeddings", default=default)

    @property
    def layers(self) -> int:
        """``num_hidden_layers`` under any of its names."""
        return self.number("num_hidden_layers", "n_layer", "n_layers", "num_layers", most=MOST_LAYERS)

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
