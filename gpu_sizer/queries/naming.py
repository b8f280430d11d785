"""Names that the catalogue does not hold as they stand: told in part, misspelt, or unknown."""

from __future__ import annotations

from gpu_sizer.cards.families import BESIDE, SAME_SIZE, digits, is_size, name_parts, off, parts
from gpu_sizer.cards.names import SHORT, join_names
from gpu_sizer.errors import UnknownGpuError, UnknownModelError
from gpu_sizer.queries.entities import Name
from gpu_sizer.queries.stopwords import OF_NAMES, STOP_WORDS
from gpu_sizer.queries.words import is_decimal, joined_amount, word_set

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from gpu_sizer.cards.catalogue import Shelf
    from gpu_sizer.cards.gpu_spec import GpuSpec
    from gpu_sizer.cards.model_card import ModelCard
    from gpu_sizer.errors import UnknownNameError
    from gpu_sizer.queries.entities import Mender
    from gpu_sizer.queries.near_names import NearNames
    from gpu_sizer.queries.sentence import Sentence

#: The longest name that is told in part or misspelt, in words.
MOST_WORDS = 6
#: Sizes that differ by this share may have been meant.
LIKE_SIZE = 0.15
#: Lines of GPUs of which laptops have parts of the same names, and what those are called.
_LINES, _LAPTOP = ("geforce", "rtx", "quadro"), "laptop"


def unknown(kind: type[UnknownNameError], spelling: str, names: NearNames) -> UnknownNameError:
    """The error for a name that is none, with the three nearest."""
    what = "GPU" if kind is UnknownGpuError else "model"
    if what == "model":
        # Read only where a name is none.
        from gpu_sizer.cards.other_kinds import other_kind

        if (other := other_kind(spelling)) is not None:
            return other
    hints = names.suggestions(spelling)
    tail = f"; did you mean {join_names(hints)}?" if hints else f"; `gpu-sizer {what.lower()}s` lists what is known"
    return kind(f"unknown {what} {spelling[:60]!r}{tail}", suggestions=hints)


def is_desktops(name: str) -> bool:
    """Whether a GPU's name is one that the parts of laptops bear, too, with another memory."""
    told = name.casefold()
    return any(line in told for line in _LINES) and _LAPTOP not in told


def unknown_in_laptops(name: str, shelf: Shelf[GpuSpec]) -> UnknownGpuError:
    """The error for a GPU whose part for laptops is not known."""
    known = [i for i in shelf.ids() if _LAPTOP in i]
    told = name if is_portable(name) else f"{name} laptop"
    text = f"unknown GPU {told[:40]!r}: a laptop's has another memory than the desktop's of that name"
    return UnknownGpuError(f"{text}; of laptops' there are {join_names(known)}", suggestions=known)


def is_portable(name: str) -> bool:
    """Whether a name ends in what says that it is a laptop's."""
    return name.split()[-1] in _PORTABLE


def widened(s: Sentence, name: Name, mender: Mender, billions: Callable[[str], Sequence[float]]) -> Name:
    """A model's name with the words beside it that also belong to names: ``mistral 7b`` + ``v0.3``.

    Args:
        s: the sentence.
        name: a name that means one model.
        mender: mends words after the parts of all ids.
        billions: an id's parameters in billions, total and active: ``671b`` beside R1 says nothing new.

    Raises:
        UnknownModelError: together they name no model, and what was added has a number that says which.
    """
    start, stop = name.start, name.stop
    said = [p for word in name.spelling.split() for p in parts(word)]
    count = len(said)
    while _belongs(s.at(start - 1), said, name, mender) and not _ends_another(s, start - 1, mender):
        start -= 1
        said += parts(s.at(start))
    while _belongs(s.at(stop), said, name, mender):
        said += parts(s.at(stop))
        stop += 1
    if _joined_number(s, stop):
        said.append(s.at(stop))
        stop += 1
    if len(said) == count:
        return name
    own, added = said[:count], [mender.mend(p) or p for p in said[count:]]
    mended = added != said[count:]
    spelling = " ".join(s.words[i].text for i in range(start, stop))
    s.take(start, stop)
    known = {*name_parts(name.ids[0]), *BESIDE}
    telling = [p for p in added if p not in known and not _is_its_size(p, billions(name.ids[0]))]
    if not telling:
        return Name(start, stop, name.ids, spelling, near=mended)
    for wanted in (own + added, own + telling):
        if len(ids := mender.vocabulary.complete(wanted)) == 1:
            return Name(start, stop, (ids[0],), spelling, near=True)
        if ids:
            return Name(start, stop, tuple(ids), spelling)
    if any(map(digits, telling)):
        error = UnknownModelError(
            f"unknown model {spelling[:60]!r}; did you mean {join_names(name.ids)}?", suggestions=name.ids
        )
        error.spelling = spelling
        raise error
    return Name(start, stop, name.ids, spelling, near=True)


def _is_its_size(part: str, billions: Sequence[float]) -> bool:
    """Whether a size is the model's own, in full or active per token, as people round it."""
    if not is_size(part) or "x" in part:
        return False
    told = float(part[:-1])
    return any(abs(told - size) <= max(0.03 * size, 0.05) for size in billions)


def _ends_another(s: Sentence, i: int, mender: Mender) -> bool:
    """Whether a number before a name ends another name: the 3 of ``hermes 3 llama 3.1 70b``."""
    before = s.at(i - 1)
    unknown_word = before.isalpha() and before not in STOP_WORDS and before not in mender.vocabulary.words
    return unknown_word and bool(digits(s.at(i)))


def narrowed(s: Sentence, name: Name) -> Name:
    """A name that could mean several, after a size that idle words part from it: ``the 70b version of llama 3.1``."""
    for step, start in ((-1, name.start - 1), (1, name.stop)):
        i = start
        while s.at(i) and (s.at(i) in STOP_WORDS or s.at(i) in BESIDE):
            i += step
        kept = tuple(x for x in name.ids if s.at(i) in name_parts(x)) if is_size(s.at(i)) else ()
        if kept:
            s.take(i)
            return Name(name.start, name.stop, kept, name.spelling, near=True)
    return name


def _joined_number(s: Sentence, i: int) -> bool:
    """Whether a number hangs on the word before by a hyphen, and is no date: the 8 of ``mixtral-8x``."""
    word = s.at(i)
    return bool(word) and s.words[i].before == "-" and word.isdigit() and len(word) not in (4, 6, 8)


def _belongs(word: str, said: Sequence[str], name: Name, mender: Mender) -> bool:
    """Whether a word beside a model's name is part of it; one that has a meaning of its own must complete a name."""
    if not word:
        return False
    if word in STOP_WORDS and word not in BESIDE and word not in OF_NAMES:
        return False
    known = mender.vocabulary
    if word.isdigit() or (word in STOP_WORDS and word not in BESIDE):
        return word in known.words and bool(known.complete([*said, word]))
    version = word[:1] == "v" and word[1:].replace(".", "").isdigit()
    whole = name_parts(name.ids[0])
    return (
        version
        or is_size(word)
        or word in BESIDE - STOP_WORDS
        or word == "it"
        or all(p in known.words or mender.mend(p) in whole for p in parts(word))
    )


def _runs(s: Sentence) -> Iterator[list[int]]:
    """Runs of neighbouring free words that carry meaning."""
    run: list[int] = []
    for i in [*s.free(), -1]:
        word = s.at(i)
        follows = bool(run) and i == run[-1] + 1
        part = word not in STOP_WORDS or (follows and word in OF_NAMES)
        if run and not (follows and (part or word in BESIDE)):
            yield run
            run = []
        if word and part and (run or word not in BESIDE):
            run.append(i)
    if run:
        yield run


def told_in_part(s: Sentence, mender: Mender) -> tuple[list[str], str, range] | None:
    """The ids that a family and a size leave: ``llama 405b``, ``mixtrall 8x7``; letters may have slipped."""
    best: tuple[list[str], str, range] | None = None
    best_rank = (False, 0)
    for run in _runs(s):
        mended = {i: [mender.mend(p) for p in parts(s.at(i))] for i in run[: MOST_WORDS * 2]}
        for length in range(min(MOST_WORDS, len(run)), 0, -1):
            for k in range(len(run) - length + 1):
                places = run[k : k + length]
                if not all(i in mended for i in places):
                    continue
                wanted = [p for i in places for p in mended[i] if s.at(i) not in BESIDE]
                if not wanted or None in wanted:
                    continue
                known = [p for p in wanted if p is not None]
                beside = [s.at(i) for i in (*run[max(0, k - 1) : k], *run[k + length : k + length + 1])]
                if any(map(digits, beside)):
                    continue  # a number beside it says that another one is meant
                whole = length == len(run) or any(p in mender.vocabulary.families for p in known)
                if not (
                    whole and mender.vocabulary.names_something(known) and (ids := mender.vocabulary.complete(known))
                ):
                    continue
                spelling = " ".join(s.at(i) for i in places)
                rank = (any(p in mender.vocabulary.families for p in known), length)
                if rank > best_rank:
                    best, best_rank = (ids, spelling, range(places[0], places[-1] + 1)), rank
    return best


def release_named(words: Sequence[str], shelf: Shelf[ModelCard]) -> tuple[str, str] | None:
    """The card and the hub id of a release whose name some words hold in part."""
    from gpu_sizer.cards.release_names import release_in_part

    return release_in_part(words, shelf)


def of_release(s: Sentence, shelf: Shelf[ModelCard]) -> Name | None:
    """A release whose name stands in part in the free words: ``qwen3 coder 30b``."""
    for run in _runs(s):
        for length in range(min(MOST_WORDS, len(run)), 1, -1):
            for k in range(len(run) - length + 1):
                places = run[k : k + length]
                if (found := release_named([s.at(i) for i in places], shelf)) is not None:
                    return Name(places[0], places[-1] + 1, (found[0],), found[1], near=True)
    return None


def told_by_size(
    s: Sentence, mender: Mender, billions: Callable[[str], Sequence[float]], share: float = SAME_SIZE
) -> tuple[list[str], str, range] | None:
    """The ids of a family with so many parameters where no name has that size: ``deepseek 671b``."""
    for run in _runs(s):
        for i in run:
            family = mender.mend(s.at(i)) if s.at(i).isalpha() else None
            if family not in mender.vocabulary.families or not is_size(s.at(i + 1)) or "x" in s.at(i + 1):
                continue
            told = float(s.at(i + 1)[:-1])
            near = [x for x in mender.vocabulary.complete([family]) if off(billions(x), told) <= share]
            if near:
                return near, " ".join((s.at(i), s.at(i + 1))), range(i, i + 2)
    return None


def nearly(s: Sentence, names: NearNames) -> tuple[list[str], str, range] | None:
    """The ids whose whole spelling is near a stretch of the free words."""
    for run in _runs(s):
        for length in range(min(MOST_WORDS, len(run)), 0, -1):
            for k in range(min(len(run), 12) - length + 1):
                places = run[k : k + length]
                spelling = " ".join(s.at(i) for i in places)
                beside = [s.at(i) for i in (*run[max(0, k - 1) : k], *run[k + length : k + length + 1])]
                if not digits(spelling) and any(map(digits, beside)):
                    continue  # a number beside it says that another one is meant
                told = [p for i in places for p in parts(s.at(i)) if digits(p) or len(p) <= SHORT]
                if ids := [i for i in names.near(spelling) if names.has_parts(i, told)]:
                    return ids, spelling, range(places[0], places[-1] + 1)
    return None


#: Words behind which a model's name stands, and a GPU's.
_BEFORE_MODELS = word_set("for run running serve serving host hosting deploy deploying model load loading of use using")
_BEFORE_GPUS = word_set(
    "on onto with using many gpu gpus card cards rtx gtx rx radeon geforce tesla quadro instinct arc x"
)
_IDLE = word_set("a an the my our this that one single nvidia amd intel some new old used local")
_ON = ("on", "onto")
#: What a model may run on that is no hardware.
_PLATFORMS = word_set(
    "kubernetes k8s docker podman linux windows ubuntu wsl slurm ray aws azure gcp runpod lambda colab kaggle modal"
    " sagemaker vertex vast premise premises site prem cloud bare metal openshift proxmox vmware paper"
)


def _behind(s: Sentence, i: int, words: frozenset[str]) -> bool:
    """Whether one of these words stands before a place, idle ones and a number skipped."""
    i -= 1
    while s.said(i) in _IDLE or s.words[i].number is not None:
        if i < 0:
            return False
        i -= 1
    return i >= 0 and s.said(i) in words


#: Words behind which nothing more is said of a model's name.
_APART = word_set("for on with of in at to from and or is are")
_WANTED = word_set("which what best biggest largest smartest strongest good any all other newest")


def wants_one(s: Sentence, i: int) -> bool:
    """Whether one of several models of a name at a place is wanted: ``which qwen3``, ``the best small 7b``."""
    for k in range(i - 1, max(-1, i - 4), -1):
        if s.said(k) in _WANTED:
            return True
        if s.said(k) in _APART or s.words[k + 1].before.strip() in (",", ";", "?"):
            return False
    return False


def is_amount(word: str) -> bool:
    """A number of few figures, or one of gigabytes: no name of a GPU."""
    return joined_amount(word) is not None or (is_decimal(word) and (len(word) < _FIGURES or "." in word))


def unknown_model(s: Sentence, families: frozenset[str]) -> str:
    """The free words that must be a model's name: of a family, with a size, or where a model stands; or nothing."""
    for run in _runs(s):
        said = [s.at(i) for i in run]
        while said and (said[0] in _MAKERS or _is_gpu_code(said[0])):
            said = said[1:]
        if not said:
            continue
        if any(parts(w)[0] in families for w in said):
            return " ".join(said)
        sized = any(is_size(w) for w in said[1:]) and said[0][0].isalpha()
        if sized or (len(run) <= _NAME and _behind(s, run[0], _BEFORE_MODELS)):
            return " ".join(said)
    return ""


def unknown_gpus(s: Sentence) -> Iterator[str]:
    """The free words that must be a GPU's name: behind "on", a figure behind a maker's name, or one before "GPU"."""
    for run in _runs(s):
        while run and is_amount(s.at(run[0])):
            run = run[1:]
        while run and is_amount(s.at(run[-1])):
            run = run[:-1]
        said = [s.at(i) for i in run]
        if not run or said[0] in _PLATFORMS or len(run) > _NAME:
            continue
        if is_size(said[-1]):
            continue  # parameters: ``a 70b on 4x``, ``hurt 70b``
        if s.words[run[0]].tokens:
            continue  # a number of something: ``100k docs``
        figures = any(map(str.isdigit, "".join(said)))
        on = s.said(run[0] - 1) in _ON or s.said(run[0] - 2) in _ON
        made = s.said(run[0] - 1) in _MAKERS and any(map(str.isdigit, "".join(said[:2])))
        made = made or (said[0] in _MAKERS and figures) or any(map(_is_gpu_code, said))
        behind = s.counted(run[-1] + 1)
        noun = said[-1].isdigit() and (behind in ("gpu", "gpus", "card", "cards") or behind in _PORTABLE)
        ending = len(said) > 1 and said[0].isdigit() and len(said[0]) > _FIGURES and said[1] in _ENDINGS
        if made or noun or ending or (_behind(s, run[0], _BEFORE_GPUS) and (figures or on)):
            more = s.said(run[-1] + 1)
            yield " ".join((*said, more) if more in _PORTABLE else said)


def _is_gpu_code(word: str) -> bool:
    """``mi50``, ``p40``, ``k80``: letters that GPUs' names begin with, then figures."""
    letters = word.rstrip("0123456789")
    return letters in _CODES and len(word) - len(letters) >= _FIGURES - 1


#: What stands behind the figures of a GPU's name.
_ENDINGS = word_set("super ti xt xtx gre maxq")
#: Makes of GPUs that are others than those of desktops.
_PORTABLE = ("laptop", "mobile", "maxq")
#: What the names of data-centre GPUs begin with.
_CODES = word_set("mi p k m v t a h b l gb gh")
#: Figures of a number that may be a GPU's name.
_FIGURES = 3
_MAKERS = word_set("rtx gtx rx radeon geforce tesla quadro nvidia amd intel arc instinct")
#: Words of the longest name that is unknown.
_NAME = 3
