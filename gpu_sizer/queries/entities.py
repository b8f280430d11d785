"""Models and GPUs named in a question: the longest stretches of words that the catalogue knows, and their counts."""

from __future__ import annotations

from gpu_sizer.cards.families import BESIDE, FORMATS, digits, is_size
from gpu_sizer.cards.names import APART, normal
from gpu_sizer.queries.stopwords import STOP_WORDS
from gpu_sizer.queries.words import JOINTS, joined_amount, word_set
from gpu_sizer.records import dataclass, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from gpu_sizer.cards.catalogue import Catalogue, Shelf
    from gpu_sizer.cards.families import Vocabulary
    from gpu_sizer.queries.sentence import Sentence

#: Near enough to take one word for another.
NEAR = 0.8
#: Words of one question that are tried against the catalogue's; more are never names.
MOST_TRIES = 24
#: Words that a release's name may have beside the model's own without being another model.
RELEASED = BESIDE | FORMATS | word_set("awq gptq gguf ggml qat quantized autoround bnb nf4 bit hqq exl block static")
#: Words in the longest name.
LONGEST = 9
_BREAKS = frozenset(",;?!\n")
ARTICLES = frozenset(("a", "an", "the"))
#: Words between a count and its GPU, or on either side of a GPU's name.
_BETWEEN = word_set(
    "x of the my our nvidia amd intel geforce tesla quadro instinct radeon rtx used cheap old new times units cards"
    " gpus gpu server pcs"
)
_MAKERS = word_set("nvidia amd intel geforce tesla quadro instinct radeon rtx gtx gpu gpus card cards each")
#: A further GPU, and how many it makes.
_FURTHER = {"second": 2, "2nd": 2, "third": 3, "3rd": 3, "fourth": 4, "4th": 4}
_BEFORE_FURTHER = word_set("a the my get getting add adding buy buying")
#: Figures of a number that is more than one of machines, or of GPUs in each.
_FIGURES = 4
#: Words whose number is not one of GPUs.
_OTHER_NUMBERS = word_set("tp pp dp size parallel batch concurrency context ctx utilization utilisation util")


class Mender:
    """Mends the words of one question after a vocabulary; a question has a bounded number of tries."""

    __slots__ = ("_make", "_mended")

    def __init__(self, make: Callable[[], Vocabulary]) -> None:
        self._make = make
        self._mended: dict[str, str | None] = {}

    @property
    def vocabulary(self) -> Vocabulary:
        """The parts of all ids; a question that is spelt right never asks for them."""
        return self._make()

    def mend(self, word: str) -> str | None:
        """The part that a word nearly is, where there is one: a slip of letters, or a size without its b.

        Words with numbers are not mended otherwise: R2 is not V2, and 4.5V is not 4.5.
        """
        if word in self.vocabulary.words:
            return word
        if digits(word):
            return word + "b" if is_size(word) and word + "b" in self.vocabulary.words else None
        if word not in self._mended:
            self._mended[word] = self._nearest(word) if len(self._mended) < MOST_TRIES else None
        return self._mended[word]

    def _nearest(self, word: str) -> str | None:
        if not 4 <= len(word) <= 24:
            return None
        from difflib import SequenceMatcher

        scores = dict[str, float]()
        for part in self.vocabulary.words:
            if abs(len(part) - len(word)) <= 3 and not digits(part):
                score = SequenceMatcher(None, word, part, autojunk=False).ratio()
                if score >= NEAR:
                    scores[part] = score
        best = sorted(scores, key=lambda p: (-scores[p], p))
        return best[0] if best and (len(best) == 1 or scores[best[0]] > scores[best[1]]) else None


@dataclass(frozen=True, slots=True)
class Name:
    """A name in a question: the words it took, the ids it can mean (one, or several to ask back), its count."""

    start: int
    stop: int
    ids: tuple[str, ...]
    spelling: str
    count: int | None = None
    plural: bool = False
    article: bool = False
    near: bool = False


def _singular(word: str) -> str:
    """``a6000s`` -> a6000, ``adas`` -> ada; other words as they are."""
    plural = word.endswith("s") and len(word) > 2 and (any(c.isdigit() for c in word) or word == "adas")
    return word[:-1] if plural else word


def singular(spelling: str) -> str:
    """The normal form of a name that may be plural: ``rtx 6000 adas`` -> rtx6000ada."""
    return normal(" ".join(map(_singular, spelling.split())))


def joined(s: Sentence, i: int) -> str:
    """What a normal form keeps between a word and the one before it: see :func:`gpu_sizer.cards.names.normal`."""
    before, word = s.said(i - 1), s.said(i)
    if s.words[i].before == "/" and before:
        return "/"
    return APART if before[-1:].isdigit() and word[:1].isdigit() else ""


def _stretches(s: Sentence) -> Iterator[tuple[int, int]]:
    """Stretches of words that are free and not parted by a comma, longest first."""
    for length in range(min(LONGEST, len(s.words)), 0, -1):
        for start in range(len(s.words) - length + 1):
            places = range(start, start + length)
            parted = (_BREAKS & set(s.words[i].before) or s.words[i].begins_option for i in places[1:])
            if s.taken.isdisjoint(places) and not any(parted):
                yield start, start + length


def _meaning(shelf: Shelf[Any], key: str) -> tuple[str, ...]:
    """The ids of a normal form."""
    if (identity := shelf.index.get(key)) is not None:
        return (identity,)
    return tuple(shelf.ambiguous.get(key, ()))


def exact_names(
    s: Sentence, cards: Catalogue, mender: Mender, *, figures: bool = False
) -> tuple[list[Name], list[Name]]:
    """Models and GPUs whose names stand in the free words, which are taken.

    Args:
        s: the sentence.
        cards: the catalogue.
        mender: knows the first words of models' names, behind which a number is no count.
        figures: also names that are a bare number, such as 4090.
    """
    models: list[Name] = []
    gpus: list[Name] = []
    marks = [joined(s, i) for i in range(len(s.words))]
    for start, stop in _stretches(s):
        if not s.taken.isdisjoint(range(start, stop)) or (s.at(start) in ARTICLES and stop > start + 1):
            continue
        said = [s.at(i) for i in range(start, stop)]
        key = said[0] + "".join(marks[i] + s.at(i) for i in range(start + 1, stop))
        if said[0] in ("dgx", "hgx") and len(said) > 1 and any(map(str.isdigit, key)):
            continue  # a machine of eight, counted as such
        if len(key) < 2 or (key.replace(APART, "").isdigit() and not (figures and len(said) == 1 and len(key) >= 4)):
            continue
        spelling = " ".join(said)
        if identity := _meaning(cards.models, key):
            models.append(Name(start, stop, identity, spelling))
        elif goes_on(s, start, stop):
            continue
        elif identity := _meaning(cards.gpus, key):
            gpus.append(Name(start, stop, identity, spelling))
        else:
            one = normal(" ".join(map(_singular, said)))
            if (
                one == key
                or (one.replace(APART, "").isdigit() and len(said) > 1)
                or not (identity := _meaning(cards.gpus, one))
            ):
                continue
            gpus.append(Name(start, stop, identity, spelling, plural=True))
        s.name(start, stop)
    gpus = [_carried(s, cards, g) for g in sorted(gpus, key=lambda g: g.start)]
    return models, _listed(s, [counted(s, g, mender) for g in gpus])


def _is_label(s: Sentence, i: int) -> bool:
    """Whether a number only tells one of a list from the others: ``GPU 0: NVIDIA A100``."""
    return s.said(i - 1) in ("gpu", "device") and i + 1 < len(s.words) and ":" in s.words[i + 1].before


def _listed(s: Sentence, gpus: list[Name]) -> list[Name]:
    """The GPUs of a list with a label for each, as so many of a kind; others as they are."""
    labels = [i for g in gpus if _is_label(s, i := s.skip(g.start - 1, _MAKERS, -1))]
    s.taken.update(labels)
    if not 1 < len(gpus) == len(labels):
        return gpus
    kinds = {g.ids: [o for o in gpus if o.ids == g.ids] for g in gpus}
    return [replace(same[0], stop=same[-1].stop, count=len(same)) for same in kinds.values()]


#: Where these are spoken of, a GPU is the part that is built into them, which has another memory.
_LAPTOPS, _NOTEBOOKS = word_set("laptop laptops"), word_set("notebook notebooks")
#: What a notebook is in which code runs.
_OF_CODE = word_set("jupyter colab kaggle ipython python marimo databricks sagemaker hosted in")
#: What brings a whole GPU to a laptop.
_DOCKS = word_set("egpu egpus oculink thunderbolt usb4 external dock docked ssh remote remotely")


def in_laptop(s: Sentence) -> bool:
    """Whether the GPU is one of a laptop's: no notebook of code, no GPU beside the laptop."""
    if not _DOCKS.isdisjoint(s.asked):
        return False
    if not _LAPTOPS.isdisjoint(s.asked):
        return True
    places = (i for i, word in enumerate(s.asked) if word in _NOTEBOOKS)
    return any(_OF_CODE.isdisjoint(s.asked[max(0, i - 3) : i]) for i in places)


def _carried(s: Sentence, cards: Catalogue, gpu: Name) -> Name:
    """A GPU, or its laptops' namesake where a laptop is spoken of: ``my laptop with a 4070``."""
    if not in_laptop(s):
        return gpu
    ids = [other for one in gpu.ids for other in _meaning(cards.gpus, normal(f"{one} laptop"))]
    return replace(gpu, ids=tuple(ids)) if ids else gpu


#: Words behind a GPU's name that make it another GPU, which is not this one.
_ANOTHER = word_set("xt xtx xtxh gre ti super laptop mobile maxq xp d ultra")
#: Joined to a GPU's name, these say how it is built.
_FORMS = word_set("sxm sxm2 sxm3 sxm4 sxm5 pcie pcie3 pcie4 pcie5 hbm2 hbm2e hbm3 hbm3e oam nvlink gddr6 gddr6x gddr7")


def goes_on(s: Sentence, start: int, stop: int) -> bool:
    """Whether a stretch is a part of another name: ``a2`` of a2-highgpu-8g, ``7900`` of 7900 xt."""
    behind, last = s.at(stop), s.at(stop - 1)
    if behind and s.words[stop].before in JOINTS and not _is_beside(behind):
        return True
    before = s.at(start - 1)
    if before and s.words[start].before in JOINTS and not _is_beside(before):
        return True
    near = bool(behind) and not _BREAKS.intersection(s.words[stop].before)
    return near and behind in _ANOTHER and any(map(str.isdigit, last))


def _is_beside(word: str) -> bool:
    """Whether a word that is joined to a GPU's name leaves its meaning: a number, an amount, a word of questions."""
    return word[:1].isdigit() or word in STOP_WORDS or word in _FORMS or word == "x"


def _numbers_another(word: str, mender: Mender) -> bool:
    """Whether the number behind a word belongs to that word: ``tp 4``, ``llama 3``."""
    family = word in mender.vocabulary.families and word not in STOP_WORDS
    return bool(word) and (word in _OTHER_NUMBERS or family)


def _over_memory(s: Sentence, i: int) -> int:
    """The place before a size of memory that ends here: the 4 of ``4 80GB A100s``."""
    for start in (i, i - 1):
        if (told := s.amount_at(start)) is not None and told.stop == i + 1 and told.whole is not None:
            return s.skip(start - 1, _BETWEEN, -1)
    return i


#: Words that may stand behind a GPU's name, and are nothing that its figures could count.
_AFTER_NAMES = (
    word_set("for on with at in and or to of is can do does run runs serve fit fits enough vs versus please x")
    | _FORMS
    | _MAKERS
)


def counts_something(s: Sentence, i: int) -> bool:
    """Whether figures count what stands behind them: ``a 16 GB card``, ``a 30 person team``, ``a 30 b model``."""
    behind = s.said(i + 1)
    if s.amount_at(i) is not None:
        return True
    parted = not behind or bool(_BREAKS.intersection(s.words[i + 1].before))
    return not parted and behind not in _AFTER_NAMES and joined_amount(behind) is None


def _is_odd_word(word: str) -> bool:
    """Whether a word is one that questions do not use, and is not understood."""
    return word.isalpha() and word not in STOP_WORDS and word not in _BETWEEN


def _is_length(s: Sentence, i: int) -> bool:
    """Whether the word at a place is a number that may be a length."""
    return s.words[i].tokens is not None or s.words[i].number is not None


def _count_at(s: Sentence, i: int) -> tuple[int | None, int]:
    """The number that ends at a place, and where it begins: of ``2x8 H100`` it is 16."""
    number = s.number_at(i)
    if _is_label(s, i):
        return None, i
    if i > 0 and s.words[i].before.strip() == "/" and _is_length(s, i - 1):
        return None, i  # the answer's length: "1k/200 on h100"
    times, x, each = s.at(i).partition("x")
    if x and times.isdigit() and each.isdigit() and max(len(times), len(each)) < _FIGURES:
        return int(times) * int(each), i
    if number is not None and s.at(i - 1) == "x" and (times_before := s.number_at(i - 2)) is not None:
        return times_before * number, i - 2
    return number, i


def counted(s: Sentence, gpu: Name, mender: Mender) -> Name:
    """The name with the count that stands beside it: ``4x``, ``eight``, ``(x 2)``."""
    place = _over_memory(s, s.skip(gpu.start - 1, _BETWEEN, -1))
    (count, before), article, start, stop = _count_at(s, place), False, gpu.start, gpu.stop
    if s.said(before - 1) == "x" and _is_odd_word(s.at(before - 2)):
        count = None  # the 2 of another name: ``evo x2 96gb``
    parted = any(word.begins_option for word in s.words[before + 1 : gpu.start + 1])
    if count is not None and not parted and not _numbers_another(s.at(before - 1), mender):
        start = before
        s.take(before, place + 1)
        s.taken.update(i for i in range(place + 1, gpu.start) if s.at(i) in _BETWEEN)
    elif s.at(gpu.start - 1) in _FURTHER and s.at(gpu.start - 2) in _BEFORE_FURTHER:
        # "a second 3090": so many with those that are there.
        count, start = _FURTHER[s.at(gpu.start - 1)], gpu.start - 1
        s.take(start)
    else:
        count = None
        _, rack, number = gpu.spelling.rpartition(" nvl")
        if rack and number.isdigit() and s.said(before) not in ("many", "number"):
            count = int(number)  # a rack of so many
        elif s.at(gpu.stop) == "x" and (behind := s.number_at(gpu.stop + 1)) is not None:
            count, stop = behind, gpu.stop + 2
            s.take(gpu.stop, stop)
        else:
            article = s.at(before) in ("a", "an")
    for i in (gpu.start - 1, gpu.start - 2):
        if s.at(i) in _MAKERS:
            s.take(i)
    while s.counted(stop) in ("gpu", "gpus", "card", "cards") and stop < gpu.stop + 2:
        s.take(stop)
        stop += 1
    return Name(start, stop, gpu.ids, gpu.spelling, count, gpu.plural, article, gpu.near)
