"""Questions in other languages: each is one file of words and what they are in English; answers stay in English.

A file has ``NAME``; ``WORDS``, a line for each phrase and its English (nothing for one that says nothing here); and
either ``SIGNS``, function words of which two tell the language, or ``SCRIPT``, the ranges of its letters. A language
whose words hang together says so with ``SPACED = False``; ``PATTERNS``, where it has them, go before the words.
"""

from __future__ import annotations

from gpu_sizer.cards.names import join_names
from gpu_sizer.errors import RequestError
from gpu_sizer.queries.words import MOST_CHARACTERS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

#: The languages, by their files; of two that share letters the one with more of its own stands first.
LANGUAGES = ("japanese", "chinese", "korean", "russian", "german", "french", "spanish", "portuguese", "italian")
#: Function words that tell a language: of the ones above, by the file, and of others, which are refused.
SIGNS = {
    "german": "wie viele wieviele wieviel brauche brauchen brauch ich kostet betreiben schneller als ist eine zu"
    " für läuft laeuft passt welche welches kann reicht"
    " reichen auf mit und benötigt jemand laufen einer einem meiner viel braucht beste bester soll kaufen schafft",
    "french": "combien pour avec que faire quel quelle quels quelles est une le tourne tournent modèle modèles meilleur"
    " faut besoin puis peut il sur est-ce tient",
    "spanish": "cuántas cuántos cuantas cuantos necesito para cuál cual puedo puede ejecutar con cabe cuánta"
    " necesita recomiendas recomiendan qué soporta en dos el los una mejor modelo tengo cuánto cuesta correr corre",
    "portuguese": "quantas quantos quanta quanto preciso rodar roda consigo para uma posso cabe qual dá pra memória"
    " necessário numa em duas dois o precisa aguenta melhor modelo usuários memória",
    "italian": "quante quanti quanta servono posso quale girare scheda schede modello su bastano ho bisogno il miglior"
    " modelli una cosa sta basta",
    "": "hoeveel heb nodig voor welke ile"
    " kaç potrzebuję potrzeba dla hur många behöver jag för hvor mange trenger jeg kuinka monta tarvitsen kolik"
    " potřebuji berapa untuk butuh bao nhiêu cần",
}
_OWN_SCRIPT = {
    "japanese": (0x3040, 0x30FF),
    "chinese": (0x3400, 0x9FFF),
    "korean": (0xAC00, 0xD7A3),
    "russian": (0x400, 0x4FF),
}
#: The last Latin letter; the other scripts begin behind it.
_LATIN = 0x24F
#: The share of a question's foreign letters that may stay without a meaning.
_UNKNOWN = 0.3
#: Signs of which a language has to have so many.
_SIGNS = 2


def _refusal() -> RequestError:
    error = RequestError(
        f"questions are understood in English, or in the usual words of {join_names(map(str.capitalize, LANGUAGES))};"
        ' ask for example "how many A6000s for Mixtral 8x7b"'
    )
    error.kind = "unknown"
    return error


def _language(text: str) -> str | None:
    """The file of a question's language; empty for one that has none, null for English."""
    for name, (first, last) in _OWN_SCRIPT.items():
        if any(first <= ord(c) <= last for c in text):
            return name
    import re

    letters = [c for c in text if c.isalpha()]
    other = sum(ord(c) > _LATIN for c in letters)
    if other >= _SIGNS and 4 * other >= len(letters):
        return ""
    said = set(re.findall(r"[^\W\d_]+", text))
    told = {name: len(said & set(signs.split())) for name, signs in SIGNS.items()}
    best = max(told, key=lambda name: told[name])
    return best if told[best] >= _SIGNS else None


def _table(module: ModuleType) -> dict[str, str]:
    pairs = (line.partition("=") for line in module.WORDS.strip().splitlines())
    return {foreign.strip(): english.strip() for foreign, _, english in pairs}


def in_english(text: str) -> str:
    """A question with the words of another language in English; as it is where it is English already.

    Raises:
        RequestError: a language that is not known, or more of it than is understood.
    """
    if len(text) > MOST_CHARACTERS or (text.isascii() and not _maybe_foreign(text)):
        return text
    import unicodedata

    lower = unicodedata.normalize("NFKC", text[:MOST_CHARACTERS]).lower()
    language = _language(lower)
    if language is None:
        return text
    if not language:
        raise _refusal()
    import re
    from importlib import import_module

    module = import_module(f"gpu_sizer.queries.languages.{language}")
    words = _table(module)
    longest = sorted(words, key=len, reverse=True)
    first, last = getattr(module, "SCRIPT", (0, 0))
    foreign = sum(first <= ord(c) <= last for c in lower)
    for told, meant in getattr(module, "PATTERNS", ()):
        lower = re.sub(told, meant, lower)
    if module.SPACED:
        pattern = "|".join(rf"(?<!\w){re.escape(w)}(?!\w)" for w in longest)
        return re.sub(pattern, lambda m: words[m[0]], lower)
    pattern = "|".join(map(re.escape, longest))
    english = re.sub(pattern, lambda m: f" {words[m[0]]} ", lower)
    left = [c for c in english if first <= ord(c) <= last]
    if len(left) > _UNKNOWN * foreign:
        raise _refusal()
    return "".join(" " if first <= ord(c) <= last else c for c in english)


def _maybe_foreign(text: str) -> bool:
    """Whether plain letters hold a word that begins a question in another language."""
    said = set("".join(c if c.isalpha() else " " for c in text.lower()).split())
    return any(len(said & set(signs.split())) >= _SIGNS for signs in SIGNS.values())
