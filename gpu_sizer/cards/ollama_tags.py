"""Names of GGUF files: those that Ollama's library gives (ollama.com/library), and of repositories of the hub."""

from __future__ import annotations

import re

from gpu_sizer.cards.families import BESIDE, TAGS
from gpu_sizer.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gpu_sizer.cards.model_card import ModelCard

#: The type of the files that Ollama serves where a tag names none.
USUAL_TYPE = "q4_k_m"

#: A type of files.
_TYPE = r"(i?q\d\w*|fp16|bf16|f16|f32)"
#: A name of the library, what a tag says of the size, and the type of its file.
_TAGGED = re.compile(
    rf"(?:(?:registry\.)?ollama\.(?:ai|com)/)?(?:library/)?([\w.-]+):([\w.-]+?)(?:[-_]{_TYPE})?",
    re.IGNORECASE,
)
#: A repository of the hub that holds a model's GGUF files, as llama.cpp and Ollama take it, and the type that is meant.
_REPOSITORY = re.compile(
    rf"(?:(?:hf\.co|huggingface\.co)/)?([\w.-]+/[\w.-]+?)[-_]gguf(?::(?:ud-)?{_TYPE})?", re.IGNORECASE
)
#: The type of files of models that were released in four bits.
_FOUR_BITS = "mxfp4"
#: Types of files that every engine has a name for.
_PLAIN = {"f16": "float16", "fp16": "float16", "bf16": "bfloat16", "f32": "float32"}


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
    return (*names, base), None if kind is None else as_setting(kind)


def as_setting(kind: str) -> str:
    """A file's type as a setting names it: ``Q4_K_M`` is q4_k_m, ``fp16`` float16."""
    return _PLAIN.get(kind.lower(), kind.lower())


def of_files(name: str) -> tuple[str, str | None] | None:
    """The repository whose files a repository holds as GGUF (``unsloth/Qwen3-8B-GGUF:Q8_0``), and the type, if told.

    Null for other names.
    """
    found = _REPOSITORY.fullmatch(name.strip())
    return None if found is None else (found[1], None if found[2] is None else as_setting(found[2]))


def usual_type(card: ModelCard) -> str | None:
    """The type of the file that Ollama serves of a model; null for one that was released in four bits, as it is."""
    return None if any(rule.format == _FOUR_BITS for rule in card.weights.rules) else USUAL_TYPE


def as_file(card: ModelCard, kind: str | None) -> ModelCard:
    """A model in a GGUF file of a type, null for the usual one; of one in four bits as released they all are that."""
    if usual_type(card) is None and (kind is None or kind in _PLAIN.values()):
        kind = _FOUR_BITS
    kind = kind or USUAL_TYPE
    note = f"a file of type {kind} is meant, which llama.cpp reads; another engine loads the weights as released"
    return replace(card, weights=replace(card.weights, file_type=kind), notes=(*card.notes, note))


def as_tagged(card: ModelCard, name: str, said: str) -> ModelCard:
    """A model that a name in part means, with what a tag of Ollama's library says of its file.

    Args:
        card: the model.
        name: the name, which may have a tag.
        said: what is taken for what.
    """
    of_library = tagged(name)
    if of_library is not None and of_library[1] is not None:
        card = as_file(card, of_library[1])
    elif ":" in name and (usual := usual_type(card)) is not None:
        told = [w for w in name.lower().partition(":")[2].split("-")[1:] if w not in BESIDE]
        unused = f"; {'-'.join(told)!r} is not applied" if told else ""
        said = f"{said}, as released{unused} (Ollama's own file: --engine llama.cpp --weights-dtype {usual})"
    return replace(card, notes=(*card.notes, said))
