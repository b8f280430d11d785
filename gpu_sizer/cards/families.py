"""Names told in part: a family and a size (``llama 70b``), and the names that Ollama's library gives to models.

What is told in part means the newest of that size, and the answer says so; a family alone is asked back.
"""

from __future__ import annotations

from collections import Counter

from gpu_sizer.cards.names import join_names, normal
from gpu_sizer.errors import UnknownGpuError, UnknownModelError
from gpu_sizer.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from gpu_sizer.errors import UnknownNameError

#: Names that a message lists.
SHOWN = 6
#: Words of the longest name in part.
MOST_WORDS = 6
#: A family and a size.
PAIR = 2
#: Words beside a name that do not change what is sized.
BESIDE = frozenset(
    ("instruct", "chat", "it", "base", "hf", "model", "models", "llm", "version", "the", "meta", "new", "latest")
)
#: Formats in ids.
FORMATS = frozenset(("fp8", "nvfp4", "mxfp4", "int4", "int8", "dynamic"))

#: A name and its size in Ollama's library where they are not their makers' -> the hub id of what is in the file
#: (ollama.com/library).
TAGS = {
    "deepseek-r1:1.5b": "deepseek-ai/DeepSeek-R1-Distill-Qwen-1.5B",
    "deepseek-r1:7b": "deepseek-ai/DeepSeek-R1-Distill-Qwen-7B",
    "deepseek-r1:8b": "deepseek-ai/DeepSeek-R1-0528-Qwen3-8B",
    "deepseek-r1:14b": "deepseek-ai/DeepSeek-R1-Distill-Qwen-14B",
    "deepseek-r1:32b": "deepseek-ai/DeepSeek-R1-Distill-Qwen-32B",
    "deepseek-r1:70b": "deepseek-ai/DeepSeek-R1-Distill-Llama-70B",
    "deepseek-r1:671b": "deepseek-ai/DeepSeek-R1",
}
#: Sizes that differ by this share are one, as people round them.
SAME_SIZE = 0.03


def parts(word: str) -> list[str]:
    """A word where people put or leave out a space: ``llama3.1`` -> llama, 3.1; ``v3`` and ``70b`` stay."""
    letters = len(word) - len(word.lstrip("abcdefghijklmnopqrstuvwxyz"))
    if letters >= 2 and word[letters : letters + 1].isdigit():
        return [word[:letters], word[letters:]]
    return [word]


def name_parts(identity: str) -> list[str]:
    """The parts of an id."""
    return [p for word in identity.split("-") for p in parts(word)]


def digits(text: str) -> list[str]:
    """The numbers in a word."""
    return "".join(c if c.isdigit() else " " for c in text).split()


def _family(name: Sequence[str]) -> str:
    """The first word of a name's parts; empty where none has only letters."""
    return next((p for p in name if p.isalpha()), "")


def is_size(word: str) -> bool:
    """``70b``, ``8x7b``, ``8x22``: a size as models' names have them."""
    body = word.removesuffix("b")
    first, x, second = body.partition("x")
    return (first.isdigit() and _is_number(second)) if x else (body != word and _is_number(body))


def _is_number(text: str) -> bool:
    return text.isascii() and text.replace(".", "", 1).isdigit() and text[:1] != "." and text[-1:] != "."


def as_released(ids: Iterable[str]) -> list[str]:
    """Models without those that are another of them in a further format."""
    every = list(ids)
    known = set(every)
    return [i for i in every if (base := _base(i)) == i or base not in known]


def _base(identity: str) -> str:
    """An id without the formats at its end, and what else does not change the model before them."""
    words = identity.split("-")
    if words[-1] not in FORMATS:
        return identity
    while len(words) > 1 and words[-1] in FORMATS | BESIDE:
        words.pop()
    return "-".join(words)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The parts of all ids of one kind, to complete a name that is told in part."""

    ids: dict[str, list[str]]
    words: frozenset[str]
    families: frozenset[str]

    @classmethod
    def of(cls, ids: Iterable[str]) -> Vocabulary:
        """The vocabulary of these ids."""
        split = {i: name_parts(i) for i in ids}
        return cls(
            split,
            frozenset(p for name in split.values() for p in name),
            frozenset(map(_family, split.values())) - {""},
        )

    def complete(self, name: Sequence[str]) -> list[str]:
        """The ids that hold all of these parts and the fewest others; all of them where no family is named.

        A family alone is all its models. A release in another format is meant only where its format is told.
        """
        if len(name) == 1 and name[0] in self.families:
            return self._as_released(i for i, p in self.ids.items() if _family(p) == name[0])
        extra: dict[str, int] = {}
        for identity, whole in self.ids.items():
            left = list(whole)
            for part in name:
                if part not in left:
                    break
                left.remove(part)
            else:
                extra[identity] = len(left)
        if not any(part in self.families for part in name):
            return self._as_released(extra)
        least = min(extra.values(), default=0)
        return sorted(i for i, n in extra.items() if n == least)

    def _as_released(self, known: Iterable[str]) -> list[str]:
        return sorted(as_released(known))

    def names_something(self, name: Sequence[str]) -> bool:
        """Whether these parts could name a card at all: a family, or a size in billions."""
        return any(p in self.families or (p.endswith("b") and p[:-1].replace(".", "").isdigit()) for p in name)


def newest_first(ids: Iterable[str], released: Callable[[str], object]) -> list[str]:
    """Models in the order of their release, the latest first; those without a date last.

    Args:
        ids: of cards.
        released: a card's day; null where none is known.
    """
    days = {i: str(released(i) or "") for i in ids}
    return sorted(sorted(days), key=lambda i: days[i], reverse=True)


def are_sizes(spelling: str) -> bool:
    """Whether a name is told by its size alone: ``70b``."""
    return bool(spelling) and all(map(is_size, spelling.split()))


def best_known_first(ids: Iterable[str], names: Iterable[str]) -> list[str]:
    """Models in the order of how many names each has, its releases' among them: what many build on is known best.

    Args:
        ids: of cards.
        names: the id behind every name of the catalogue.
    """
    known = Counter(names)
    return sorted(ids, key=lambda i: (-known[i], i))


def newest_of_size(spelling: str, ids: Sequence[str], released: Callable[[str], object]) -> str | None:
    """That the first of several models is meant, since a family and a size are told and it is the newest; or null.

    Args:
        spelling: the name as it was written.
        ids: what it can mean, the newest first.
        released: a card's day.
    """
    said = [p for word in spelling.replace(":", " ").replace("-", " ").split() for p in parts(word)]
    days = [released(i) for i in ids[:2]]
    if not any(map(is_size, said)) or all(map(is_size, said)) or days[0] is None or days[0] == days[-1]:
        return None
    return f"{spelling!r} taken as {ids[0]}, the newest of that size (not {join_names(ids[1:4])})"


def ambiguous(kind: type[UnknownNameError], spelling: str, ids: Sequence[str]) -> UnknownNameError:
    """The error that asks back among several."""
    what = "GPUs" if kind is UnknownGpuError else "models"
    more = f" or {len(ids) - SHOWN} more" if len(ids) > SHOWN else ""
    shown = ", ".join(ids[:SHOWN]) + more if more else join_names(ids)
    error = kind(f"{spelling[:60]!r} could mean several {what}: {shown}", suggestions=ids[:12])
    error.kind, error.spelling = "ambiguous", spelling
    return error


def off(sizes: Sequence[float], told: float) -> float:
    """The share by which a size differs from what was told."""
    return abs(sizes[0] - told) / told if sizes else 1.0


class Told:
    """What names that no card bears as they stand mean: parts of ids, and Ollama's tags.

    Args:
        ids: every id.
        index: normal forms of names, and the ids that they mean.
        released: a card's day.
        billions: a card's parameters in billions, total and active.
    """

    def __init__(
        self,
        ids: Iterable[str],
        index: Mapping[str, str],
        released: Callable[[str], object],
        billions: Callable[[str], Sequence[float]],
    ) -> None:
        self._vocabulary = Vocabulary.of(ids)
        self._index, self._released, self._billions = index, released, billions

    def meant(self, name: str) -> tuple[str, str] | None:
        """The name of a card or release that is meant, and what to say of it; null where it is no name in part.

        Raises:
            UnknownModelError: it could mean several models.
        """
        base, _, tag = name.lower().partition(":")
        size = tag.partition("-")[0]
        if tag and not (is_size(size) or size == "latest"):
            return None
        told = f"{base} {size}" if is_size(size) else base
        words = [p for word in told.replace("-", " ").replace("_", " ").split() for p in parts(word)]
        words = [word for word in words if word not in BESIDE]
        if not words or len(words) > MOST_WORDS:
            return None
        if (hub_id := TAGS.get(f"{'-'.join(words[:-1])}:{words[-1]}")) is not None:
            return hub_id, f"{name!r} taken as {hub_id}, as Ollama's library calls it"
        if (whole := self._index.get(normal(told))) is not None:
            return whole, f"{name!r} taken as {whole}"
        return self._in_part(name, words)

    def _in_part(self, name: str, words: Sequence[str]) -> tuple[str, str] | None:
        known = self._vocabulary
        if not any(word in known.families for word in words):
            return None
        matching = known.complete(words) if all(word in known.words for word in words) else []
        if not matching and len(words) == PAIR and is_size(words[1]) and "x" not in words[1]:
            told = float(words[1].removesuffix("b"))
            matching = [i for i in known.complete(words[:1]) if off(self._billions(i), told) <= SAME_SIZE]
        if not matching:
            return None
        ids = newest_first(matching, self._released)
        if len(ids) == 1:
            return ids[0], f"{name!r} taken as {ids[0]}"
        if (said := newest_of_size(name, ids, self._released)) is not None:
            return ids[0], said
        raise ambiguous(UnknownModelError, name, ids)
