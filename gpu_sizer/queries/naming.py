"""Names that the catalogue does not hold as they stand: told in part, misspelt, or unknown."""

from __future__ import annotations

from gpu_sizer.cards.names import join_names, near, suggestions
from gpu_sizer.errors import UnknownGpuError, UnknownModelError
from gpu_sizer.queries.entities import Name
from gpu_sizer.queries.spelling import BESIDE, Vocabulary, digits, name_parts, parts
from gpu_sizer.queries.stopwords import STOP_WORDS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from gpu_sizer.errors import UnknownNameError
    from gpu_sizer.queries.sentence import Sentence

#: Names that a message lists.
SHOWN = 6
#: The longest spelling that is compared with the catalogue's, in words and in characters.
MOST_WORDS, MOST_CHARACTERS = 6, 48


def ambiguous(kind: type[UnknownNameError], spelling: str, ids: Sequence[str]) -> UnknownNameError:
    """The error that asks back among several."""
    what = "GPUs" if kind is UnknownGpuError else "models"
    more = f" or {len(ids) - SHOWN} more" if len(ids) > SHOWN else ""
    shown = ", ".join(ids[:SHOWN]) + more if more else join_names(ids)
    error = kind(f"{spelling[:60]!r} could mean several {what}: {shown}", suggestions=ids[:12])
    error.kind = "ambiguous"
    return error


def unknown(kind: type[UnknownNameError], spelling: str, index: Mapping[str, str]) -> UnknownNameError:
    """The error for a name that is none, with the three nearest."""
    what = "GPU" if kind is UnknownGpuError else "model"
    hints = suggestions(spelling[:MOST_CHARACTERS], index)
    tail = f"; did you mean {join_names(hints)}?" if hints else f"; `gpu-sizer {what.lower()}s` lists what is known"
    return kind(f"unknown {what} {spelling[:60]!r}{tail}", suggestions=hints)


def widened(s: Sentence, name: Name, vocabulary: Vocabulary) -> Name:
    """A model's name with the words beside it that also belong to names: ``mistral 7b`` + ``v0.3``.

    Raises:
        UnknownModelError: together they name no model, and what was added has a number that says which.
    """
    start, stop = name.start, name.stop
    own_parts = name_parts(name.ids[0])
    while _belongs(s.at(start - 1), vocabulary, own_parts):
        start -= 1
    while _belongs(s.at(stop), vocabulary, own_parts):
        stop += 1
    if (start, stop) == (name.start, name.stop):
        return name
    added = [p for i in (*range(start, name.start), *range(name.stop, stop)) for p in parts(s.at(i))]
    spelling = " ".join(s.words[i].text for i in range(start, stop))
    s.take(start, stop)
    telling = [p for p in added if p not in BESIDE and vocabulary.mend(p) not in own_parts]
    if not telling:
        return Name(
            start, stop, name.ids, spelling, near=any(vocabulary.mend(p) != p for p in added if p not in BESIDE)
        )
    own = [p for word in name.spelling.split() for p in parts(word)]
    for wanted in (own + added, own + telling):
        if len(found := vocabulary.complete(wanted)) == 1:
            return Name(start, stop, (found[0],), spelling, near=True)
    if any(map(digits, telling)):
        raise UnknownModelError(
            f"unknown model {spelling[:60]!r}; did you mean {join_names(name.ids)}?", suggestions=name.ids
        )
    return Name(start, stop, name.ids, spelling, near=True)


def _belongs(word: str, vocabulary: Vocabulary, own: Sequence[str]) -> bool:
    """Whether a word beside a model's name is part of it."""
    if not word or word.isdigit():
        return False
    if word not in STOP_WORDS and all(vocabulary.mend(p) in own for p in parts(word)):
        return True
    version = word[:1] == "v" and word[1:].replace(".", "").isdigit()
    if word in STOP_WORDS and word not in BESIDE:
        return False
    return (
        version
        or word in BESIDE - {"the", "new", "latest", "model", "models", "llm"}
        or (all(p in vocabulary.words for p in parts(word)) and word not in STOP_WORDS)
    )


def _runs(s: Sentence) -> Iterator[list[int]]:
    """Runs of neighbouring free words that carry meaning."""
    run: list[int] = []
    for i in [*s.free(), -1]:
        word = s.at(i)
        idle = word in STOP_WORDS or word in BESIDE
        if run and (i != run[-1] + 1 or (word in STOP_WORDS and word not in BESIDE)):
            yield run
            run = []
        if word and (not idle or (run and word not in STOP_WORDS)):
            run.append(i)
    if run:
        yield run


def told_in_part(s: Sentence, vocabulary: Vocabulary) -> tuple[list[str], str, range] | None:
    """The ids that a family and a size leave: ``llama 405b``, ``mixtrall 8x7``; letters may have slipped."""
    best: tuple[list[str], str, range] | None = None
    for run in _runs(s):
        mended = {i: [vocabulary.mend(p) for p in parts(s.at(i))] for i in run[: MOST_WORDS * 2]}
        for length in range(min(MOST_WORDS, len(run)), 0, -1):
            for k in range(len(run) - length + 1):
                places = run[k : k + length]
                if not all(i in mended for i in places):
                    continue
                wanted = [p for i in places for p in mended[i] if s.at(i) not in BESIDE]
                if not wanted or None in wanted:
                    continue
                known = [p for p in wanted if p is not None]
                whole = length == len(run) or any(p in vocabulary.families for p in known)
                if not (whole and vocabulary.names_something(known) and (found := vocabulary.complete(known))):
                    continue
                spelling = " ".join(s.at(i) for i in places)
                if best is None or length > len(best[1].split()):
                    best = (found, spelling, range(places[0], places[-1] + 1))
    return best


def nearly(s: Sentence, index: Mapping[str, str]) -> tuple[list[str], str, range] | None:
    """The ids whose whole spelling is near a stretch of the free words."""
    for run in _runs(s):
        for length in range(min(MOST_WORDS, len(run)), 0, -1):
            for k in range(min(len(run), 12) - length + 1):
                places = run[k : k + length]
                spelling = " ".join(s.at(i) for i in places)
                if len(spelling) <= MOST_CHARACTERS and (found := near(spelling, index)):
                    return found, spelling, range(places[0], places[-1] + 1)
    return None


def left_over(s: Sentence) -> str:
    """The free words that look most like a name: the longest run of them."""
    return max((" ".join(s.at(i) for i in run) for run in _runs(s)), key=len, default="")
