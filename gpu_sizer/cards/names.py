"""Names as people type them: their normal forms, and what is left out of them."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

#: Stands between names that are kept as one text: a character that no name has.
SEPARATOR = "\x7f"

#: Stands between numbers that meet.
APART = "-"


class _Signs(dict[int, str]):
    """A table for ``str.translate``: blanks for all characters but letters, figures and those that are kept."""

    def __init__(self, kept: str = "") -> None:
        super().__init__({ord(c): c for c in f"0123456789abcdefghijklmnopqrstuvwxyz{kept}"})

    def __missing__(self, character: int) -> str:
        return " "


#: Takes away what the hub's ids are made of.
_HUB_SIGNS = dict.fromkeys(map(ord, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ._-"))
_ALL_SIGNS, _OTHER_SIGNS = _Signs(), _Signs("./")


def _joined(parts: list[str], mark: str) -> str:
    """Parts of a name in one, with a mark where one ends and the next begins with a figure."""
    text, before = "", ""
    for part in parts:
        meet = before[-1:].isdigit() and part[:1].isdigit()
        text += (mark if meet else "") + (_joined(part.split("."), ".") if "." in part else part)
        before = part
    return text


def normal(name: str) -> str:
    """Lower case, letters and digits only: ``Mixtral-8x7B`` and ``mixtral 8x7b`` are the same.

    What tells names apart is kept: a decimal point between digits, since 3.1 is not 31; a mark where two numbers
    meet, since Qwen2 7B is not Qwen 27B; the slash behind a hub id's organisation, since ``microsoft-phi`` of another
    organisation is not ``microsoft/phi``. A plus is a word: Command R+ is not Command R.
    """
    text = name.lower().replace("+", "plus")
    if text.count("/") != 1 or text[0] == "/" or text[-1] == "/":
        text = text.replace("/", " ")
    # Without regular expressions, which take longer to load than a question's model to size.
    return _joined(text.translate(_OTHER_SIGNS).split(), APART)


def bare(name: str) -> str:
    """Letters and digits alone, as machines are looked up: ``p5.48xlarge`` and ``P5-48xlarge`` are the same."""
    return name.lower().translate(_ALL_SIGNS).replace(" ", "")


def normal_short(name: str) -> str:
    """The normal form of a hub id without its organisation."""
    return normal(name.rpartition("/")[2] if name.count("/") == 1 else name)


#: Endings of a release's name that people leave out, since they do not change what is sized.
_LEFT_OUT = tuple(mark + word for mark in "-_ " for word in ("instruct", "chat", "it", "hf"))


def stem(name: str) -> str:
    """A name without the endings that people leave out: ``Llama-3.1-8B-Instruct-HF`` is ``Llama-3.1-8B``."""
    while (ending := next((e for e in _LEFT_OUT if name.lower().endswith(e)), None)) is not None:
        name = name[: -len(ending)]
    return name


#: Letters of a word in which a slip would be another word: XT is not XTX, Xp not RTX, V not R.
SHORT = 3

#: How names of places begin and end.
HUB_PREFIX = "hf:"
_PLACE_STARTS = ("./", "../", "/", "~", HUB_PREFIX)
_PLACE_ENDS = (".yaml", ".yml", ".json", ".gguf", ".safetensors")


def is_place(name: str) -> bool:
    """Whether a name is written as a place to read from, a path or ``hf:`` and a hub id, and not as a card's name."""
    return name.startswith(_PLACE_STARTS) or name.endswith(_PLACE_ENDS)


def is_hub_id(name: str) -> bool:
    """Whether a name is that of a repository of the hub: an organisation and a model."""
    organisation, _, model = name.partition("/")
    parts = (organisation, model)
    return all(p and p.translate(_HUB_SIGNS) == "" for p in parts)


def join_names(names: Iterable[str]) -> str:
    """``a, b or c``."""
    items = list(names)
    return items[0] if len(items) == 1 else ", ".join(items[:-1]) + " or " + items[-1] if items else ""
