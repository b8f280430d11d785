"""A question as words: one normal form, split where people mean a split, numbers in words read as numbers."""

from __future__ import annotations

from gpu_sizer.errors import RequestError
from gpu_sizer.records import dataclass
from gpu_sizer.units import GIB

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


def word_set(text: str) -> frozenset[str]:
    """A set of words, written as one text."""
    return frozenset(text.split())


#: Longer than any question; more is refused before anything is looked up.
MOST_CHARACTERS = 2000

UNITS = {
    "one": 1,
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "eight": 8,
    "nine": 9,
    "ten": 10,
    "eleven": 11,
    "twelve": 12,
    "thirteen": 13,
    "fourteen": 14,
    "fifteen": 15,
    "sixteen": 16,
    "seventeen": 17,
    "eighteen": 18,
    "nineteen": 19,
}
_TENS = {
    "twenty": 20,
    "thirty": 30,
    "forty": 40,
    "fifty": 50,
    "sixty": 60,
    "seventy": 70,
    "eighty": 80,
    "ninety": 90,
}
_POWERS = {"dozen": 12, "hundred": 100, "thousand": 1000, "million": 1_000_000}
#: Before these a power is no number: ``several hundred users``.
_VAGUE = word_set("several few some many these those per")
GROUPS = {"single": 1, "dual": 2, "pair": 2, "couple": 2, "double": 2, "triple": 3, "quad": 4}
_TIMES = "×✕✖*"
#: Marks that join words to one: ``i9-14900k``, ``a2-highgpu-8g``, ``g5.12xlarge``, ``nd96isr_h100_v5``.
JOINTS = ("-", "_", ".")
_QUOTES = "'’‘`´"
#: Nouns that people write onto their number.
_COUNTED = word_set(
    "user users token tokens tok toks tps request requests req reqs rps qps gpu gpus card cards node nodes ctx context"
    " bpw"
)
_MINUS = "-−"
#: What people write for something else, word by word.
_MEANT = {"percent": "%", "pct": "%", "howmany": "how many", "howmuch": "how much"}


@dataclass(frozen=True, slots=True)
class Word:
    """One word in lower case, and the characters that stood between it and the word before."""

    text: str
    before: str = " "

    @property
    def negative(self) -> bool:
        """Whether a minus stands before it: one that hangs on it and on nothing before."""
        return self.before[-1:] in tuple(_MINUS) and not self.before[:-1].strip(" =:") and self.before not in _MINUS

    @property
    def begins_option(self) -> bool:
        """Whether two dashes hang on it, as on ``--users``: then no number before it counts what it names."""
        return self.before.strip() == "--"

    @property
    def number(self) -> int | None:
        """The whole number it is, in digits or letters; null otherwise."""
        if self.text.isdigit():
            return (-int(self.text) if self.negative else int(self.text)) if len(self.text) <= 12 else None
        return UNITS.get(self.text) or _TENS.get(self.text) or GROUPS.get(self.text)

    @property
    def tokens(self) -> str | None:
        """A length with its suffix, ``32k`` or ``1m``; null for anything else."""
        digits, suffix = self.text[:-1], self.text[-1:]
        return self.text if suffix in "km" and suffix and is_decimal(digits) else None


def is_decimal(text: str) -> bool:
    """Whether a text is a number with at most one point."""
    return text.isascii() and text.replace(".", "", 1).isdigit() and text[:1] != "." and text[-1:] != "."


#: What people call a gigabyte or a terabyte, and the bytes of it; the longer ones first, of which others are the end.
BYTES = {
    "gigabytes": 10**9,
    "gigabyte": 10**9,
    "gigs": 10**9,
    "gib": GIB,
    "gb": 10**9,
    "tb": 10**12,
    "g": 10**9,
}


@dataclass(frozen=True, slots=True)
class Amount:
    """So much memory, and where its words end."""

    digits: str
    unit: str
    stop: int

    @property
    def gib(self) -> float:
        """In GiB."""
        return float(self.digits) * BYTES[self.unit] / GIB

    @property
    def whole(self) -> int | None:
        """The gigabytes on the box of a GPU, where it can be those."""
        return int(self.digits) if self.digits.isdigit() and len(self.digits) < 5 and self.unit != "tb" else None


def joined_amount(word: str) -> tuple[str, str] | None:
    """The figures and the unit of one word: ``24gb``; null for any other."""
    for unit in BYTES:
        figures = word.removesuffix(unit)
        if figures != word:
            return (figures, unit) if is_decimal(figures) else None
    return None


def normal_text(text: str) -> str:
    """Compatibility forms folded, invisible characters dropped, control characters as spaces, lower case.

    Raises:
        RequestError: longer than a question can be.
    """
    if len(text) > MOST_CHARACTERS:
        raise RequestError(f"a question has at most {MOST_CHARACTERS:,} characters, not {len(text):,}")
    if not text.isascii():
        import unicodedata

        folded = unicodedata.normalize("NFKC", text)[: 2 * MOST_CHARACTERS]
        seen = (c for c in folded if unicodedata.category(c) not in ("Cf", "Cs", "Co", "Mn", "Me"))
        text = "".join(str(int(c)) if c.isdecimal() else " " if c.isdigit() else c for c in seen)
    return "".join(c if c.isprintable() else " " for c in text).lower()


def _characters(text: str) -> list[Word]:
    """Runs of letters and digits; a point stays between digits, a comma between thousands goes."""
    words: list[Word] = []
    run, gap, last = "", "", len(text) - 1
    for i, c in enumerate(text):
        before = text[i - 1] if i else " "
        after = text[i + 1] if i < last else " "
        joins = before.isdigit() and after.isdigit()
        if c.isalnum() or (c == "." and joins and run):
            run += c
            continue
        if c == "." and not run and after.isdigit() and not before.isalnum():
            run = "0."
            continue
        if c in _QUOTES or (c in ",_" and joins and _thousands(text, i)):
            continue
        if run:
            words.append(Word(run, gap or " "))
            run, gap = "", ""
        gap += c
        if c in _TIMES or c in "%$€£" or (c == "+" and before.isalnum()):
            words.append(Word("x" if c in _TIMES else "plus" if c == "+" else c, gap))
            gap = ""
    if run:
        words.append(Word(run, gap or " "))
    return words


def _thousands(text: str, comma: int) -> bool:
    """Whether exactly three digits follow, as in 32,768."""
    behind = text[comma + 1 : comma + 5]
    return len(behind) >= 3 and behind[:3].isdigit() and not behind[3:4].isdigit()


def _split(word: Word) -> list[Word]:
    """``2x4090`` and ``4xa100`` into count, x and name; ``h100x8`` likewise; ``16users``; ``8x7b`` stays whole."""
    amount = word.text.rstrip("abcdefghijklmnopqrstuvwxyz")
    for number in (amount, word.text[: len(amount) + 1]):
        if amount and word.text[len(number) :] in _COUNTED and is_decimal(number.rstrip("km")):
            return [Word(number, word.before), Word(word.text[len(number) :], "")]
    head, x, tail = word.text.partition("x")
    if x and head.isdigit() and len(head) <= 4:
        digits = len(tail) - len(tail.lstrip("0123456789"))
        if tail in ("t", "tx", "large"):
            return [word]
        memory = tail.endswith(("gb", "gib"))
        if not tail or tail[:1].isalpha() or memory or (digits >= 4 and tail[-1:] not in "bm"):
            return [Word(head, word.before), Word("x", ""), *([Word(tail, "")] if tail else [])]
    head, x, tail = word.text.rpartition("x")
    if x and tail.isdigit() and len(tail) <= 3 and (not head or _is_gpu_like(head)):
        return [*([Word(head, word.before)] if head else []), Word("x", "" if head else word.before), Word(tail, "")]
    return [word]


def _is_gpu_like(text: str) -> bool:
    """``4090``, ``h100``, ``mi300x``: figures with at most three letters, unlike ``mixtral8``."""
    letters = sum(c.isalpha() for c in text)
    return letters <= 3 and len(text) - letters >= (1 if letters else 4)


def _meant(words: list[Word]) -> Iterator[Word]:
    """Shorthands in full: ``w/`` and ``w/o``, ``percent``, ``howmany``."""
    for i, word in enumerate(words):
        slash = i + 1 < len(words) and words[i + 1].before.startswith("/")
        if word.text == "w" and slash:
            yield Word("without" if words[i + 1].text == "o" else "with", word.before)
        elif word.text == "o" and i and words[i - 1].text == "w" and word.before == "/":
            continue
        elif word.text == "cent" and i and words[i - 1].text == "per":
            yield Word("%", word.before)
        elif word.text == "per" and i + 1 < len(words) and words[i + 1].text == "cent":
            continue
        else:
            first, *rest = _MEANT.get(word.text, word.text).split()
            yield Word(first, word.before)
            yield from map(Word, rest)


def _written(words: list[Word]) -> list[Word]:
    """``twenty four``, ``two hundred``, ``16 k`` and ``70 b`` as one number each."""
    done: list[Word] = []
    for word in words:
        value = done[-1].number if done else None
        if word.text in ("k", "m", "b") and word.before == " " and done and is_decimal(done[-1].text):
            done[-1] = Word(done[-1].text + word.text, done[-1].before)
            continue
        if value is not None and word.text in _POWERS and value < 1000:
            done[-1] = Word(str(value * _POWERS[word.text]), done[-1].before)
        elif word.text in _POWERS and done and done[-1].text == "a":
            done[-1] = Word(str(_POWERS[word.text]), done[-1].before)
        elif word.text in _POWERS and value is None and not (done and done[-1].text in _VAGUE):
            done.append(Word(str(_POWERS[word.text]), word.before))
        elif len(done) > 1 and done[-1].text == "and" and _is_hundreds(done[-2]) and 0 < (word.number or 0) < 100:
            done[-2:] = [Word(str(int(done[-2].text) + (word.number or 0)), done[-2].before)]
        elif done and done[-1].text in _TENS and 0 < UNITS.get(word.text, 0) < 10:
            done[-1] = Word(str(_TENS[done[-1].text] + UNITS[word.text]), done[-1].before)
        else:
            done.append(word)
    return done


def _is_hundreds(word: Word) -> bool:
    """Whether "and" may go on counting: ``one hundred and twenty``."""
    return word.text.isdigit() and len(word.text) < 8 and word.text.endswith("00")


def words(text: str) -> list[Word]:
    """The words of a question.

    Raises:
        RequestError: longer than a question can be.
    """
    return _written([part for word in _meant(_characters(normal_text(text))) for part in _split(word)])
