"""Names that Ollama's library gives to models and sizes where they are not their makers' (ollama.com/library)."""

from __future__ import annotations

import re

from gpu_sizer.cards.families import TAGS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gpu_sizer.cards.model_card import ModelCard

#: The type of the files that Ollama serves where a tag names none.
USUAL_TYPE = "q4_k_m"

#: A name of the library, what a tag says of the size, and the type of its file.
_TAGGED = re.compile(
    r"(?:(?:registry\.)?ollama\.(?:ai|com)/)?(?:library/)?([\w.-]+):([\w.-]+?)(?:[-_](i?q\d\w*|fp16|bf16|f16|f32))?",
    re.IGNORECASE,
)


def tagged(name: str) -> tuple[tuple[str, ...], str | None] | None:
    """What a model's name and tag in Ollama's library may mean, the likeliest first; and its file's type, if told.

    Null for names that are none of the library's: those of files, folders and repositories.
    """
    found = _TAGGED.fullmatch(name.strip())
    if found is None or "gguf" in name.lower():
        return None
    base, size, kind = found[1], found[2].lower(), found[3]
    named = TAGS.get(f"{base.lower()}:{size}")
    sizes = dict.fromkeys((size, size.partition("-")[0]))
    names = [named] if named else [f"{base}-{s}" for s in sizes if s != "latest"]
    return (*names, base), kind.lower() if kind else None


def usual_type(card: ModelCard) -> str | None:
    """The type of the file that Ollama serves of a model; null for one that was released in four bits, as it is."""
    return None if any(rule.format == "mxfp4" for rule in card.weights.rules) else USUAL_TYPE
