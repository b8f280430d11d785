"""Hub ids in a question: ``org/name`` is copied, not typed, so it means that repository or none."""

from __future__ import annotations

from gpu_sizer.cards.names import join_names, normal
from gpu_sizer.errors import UnknownModelError
from gpu_sizer.queries.entities import LONGEST, Name
from gpu_sizer.queries.stopwords import STOP_WORDS
from gpu_sizer.queries.words import JOINTS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gpu_sizer.cards.catalogue import Catalogue
    from gpu_sizer.queries.sentence import Sentence

#: How the names of drafts end.
METHODS = frozenset(("eagle", "eagle3", "dflash", "dflash2", "dspark"))


def hub_ids(s: Sentence) -> Iterator[tuple[int, int, int]]:
    """Where hub ids stand: the places of the organisation, of the name behind the slash, and of the end."""
    for slash, word in enumerate(s.words):
        if word.before != "/" or not slash:
            continue
        start, stop = slash - 1, slash + 1
        while start and s.words[start].before in JOINTS:
            start -= 1
        while stop < len(s.words) and s.words[stop].before in JOINTS:
            stop += 1
        one_slash = "/" not in s.words[start].before and (stop == len(s.words) or "/" not in s.words[stop].before)
        if one_slash and any(map(str.isalpha, spelt(s, start, slash))):
            yield start, slash, stop


def spelt(s: Sentence, start: int, stop: int) -> str:
    """A stretch of words as it was written, in lower case."""
    return "".join(("" if i == start else s.words[i].before) + s.words[i].text for i in range(start, stop))


def known_hub_ids(s: Sentence, cards: Catalogue) -> list[Name]:
    """The models whose hub ids stand in a question, under their own organisation or as a copy under another.

    Raises:
        UnknownModelError: the hub id of what only drafts for a model.
    """
    names, index = [], cards.models.index
    for start, slash, stop in list(hub_ids(s)):
        own, who = index.get(normal(spelt(s, start, stop))), normal(spelt(s, start, slash))
        if own is None and (draft := cards.draft_error(spelt(s, start, stop))) is not None:
            raise draft
        others = who in index or who in cards.gpus.index or who in STOP_WORDS
        identity = own or (None if others else index.get(normal(spelt(s, slash, stop))))
        if identity is not None:
            s.take(start, stop)
            names.append(Name(start, stop, (identity,), spelt(s, start, stop), near=own is None))
    return names


def refuse_drafts(s: Sentence, cards: Catalogue) -> None:
    """The name of what only drafts for a model is no model's: ``qwen3 8b eagle3``.

    Raises:
        UnknownModelError: such a name, with the model that it drafts for.
    """
    for stop in [i + 1 for i, word in enumerate(s.asked) if word in METHODS]:
        for start in range(max(0, stop - LONGEST), stop - 1):
            if (draft := cards.draft_error(" ".join(s.asked[start:stop]))) is not None:
                raise draft


def refuse_others(s: Sentence, models: Sequence[Name], idle: frozenset[str]) -> None:
    """A repository whose name holds a known one and more is another: a fine-tune, a merge, a cut.

    Args:
        s: the sentence.
        models: the models found in it.
        idle: words that a release's name may have beside the model's own.

    Raises:
        UnknownModelError: such a repository.
    """
    for start, slash, stop in hub_ids(s):
        within = [m for m in models if start <= m.start and m.stop <= stop and not m.near]
        more = [s.at(i) for i in range(slash, stop) if s.at(i).isalpha() and s.at(i) not in idle]
        if within and more:
            ids = [i for m in within for i in m.ids]
            raise UnknownModelError(
                f"unknown model {spelt(s, start, stop)[:60]!r}; did you mean {join_names(ids)}?", suggestions=ids
            )
