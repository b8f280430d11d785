"""The quantities in a question: lengths, users, GPUs and machines."""

from __future__ import annotations

from gpu_sizer.queries.options import GPU_NOUNS, LINKS, USERS, Options
from gpu_sizer.queries.settings import (
    NOT,
    read_copies,
    read_dtypes,
    read_layouts,
    read_settings,
    read_utilization,
)
from gpu_sizer.queries.words import is_decimal, word_set

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gpu_sizer.queries.sentence import Sentence

LENGTHS = word_set(
    "context contexts ctx token tokens tok toks window length len long sequence sequences seq seqlen prompt prompts"
    " input inputs conversation conversations document documents"
)
_LENGTH_FIRST = word_set("context contexts ctx length len window prompt prompts sequence seqlen tokens maxlen")
#: What a number before it counts that is no length.
_THINGS = word_set(
    "docs pages files rows records pdfs images emails articles lines items samples entries chunks vectors words"
    " characters chars views visitors customers dollars euros bucks usd downloads stars steps rpm mhz people"
)
_IN = frozenset(("in", "input", "inputs", "prompt", "prompts"))
_OUT = word_set("out output outputs osl generated generation completion completions response answer answers")
_OF_LENGTH = word_set("token tokens length len size")
_BREAKS = frozenset(",;.")
_LABELS = word_set("input inputs output outputs isl osl")
_AT_ONCE = word_set("concurrent simultaneous parallel active concurrently simultaneously")
_GROUPS = word_set("team group company office class department staff organisation organization crew club")
_LOAD_FIRST = word_set("batch concurrency users requests bs")
_EACH = frozenset(("per", "each", "every", "a"))
#: Tokens of the shortest prompt that is told by a bare number.
_LEAST_PROMPT = 128
_MARKS = frozenset(":=")
_HOW = frozenset(("many", "much"))
_TOGETHER = (("at", "once"), ("at", "a", "time"), ("at", "the", "same", "time"), ("in", "parallel"))
NODE_NOUNS = word_set("node nodes machine machines server servers box boxes host hosts")
_SPLIT = word_set("split splitting spread spreading go going")
_SEVERAL_NODES = (
    *(("across", "nodes"), ("across", "machines"), ("multi", "node"), ("multinode",), ("multiple", "nodes")),
    *(("several", "nodes"), ("multiple", "machines"), ("across", "servers")),
)
_LABELLED = {
    **{("max", *noun): "max_gpus" for noun in (("gpus",), ("gpu", "count"))},
    **dict.fromkeys((("gpus",), ("gpu", "count"), ("num", "gpus"), ("number", "of", "gpus")), "gpu_count"),
    **dict.fromkeys((("nodes",), ("nnodes",), ("num", "nodes"), ("machines",), ("number", "of", "nodes")), "nodes"),
}
_LIMIT = frozenset(("max", "maximum", "most"))
_AT_MOST = frozenset(("max", "maximum", "most", "to", "than", "limit", "within"))


def _read_labelled(s: Sentence, o: Options) -> None:
    """``--gpus 8``, ``gpus: 8``, ``--nodes=2``, ``--max-gpus 16``."""
    for phrase, name in _LABELLED.items():
        for i in list(s.free()):
            stop = i + len(phrase)
            if not s.starts(i, phrase) or (number := s.number_at(stop)) is None:
                continue
            if s.words[i].begins_option or not _MARKS.isdisjoint(s.words[stop].before):
                setattr(o, name, number)
                s.take(i, stop + 1)


def read_gpu_nouns(s: Sentence, o: Options) -> None:
    """``8 gpus``, ``at most 16 cards``, ``(max 16)``, ``two nodes``, ``a single server``."""
    _read_labelled(s, o)
    for i in list(s.free()):
        number = s.number_at(i)
        if number is None:
            continue
        j = s.skip(i + 1, ("x", "of", "way"), most=2)
        limit = s.at(i - 1) in _AT_MOST
        if s.counted(j) in GPU_NOUNS and s.at(j + 1) not in ("memory", "ram"):
            if _is_gpu_number(s.at(i)):
                continue
            if limit:
                o.max_gpus = number
            else:
                o.gpu_count, o.count_place = number, i
            s.take(i, j)
        elif s.said(over := s.over_taken(i + 1)) in NODE_NOUNS and not s.words[over].begins_option:
            o.nodes, o.nodes_place = number, i
            s.take(i)
            s.take(over)
    if o.nodes is None and (place := s.find([("dgx",), ("hgx",)])) is not None:
        before = s.skip(place[0] - 1, ("nvidia",), -1)
        if s.said(before) in _HOW:
            o.per_machine = 0
        if (number := s.number_at(before)) is not None or s.at(before) in ("a", "an", "the", "my", "our"):
            o.nodes = number or 1
            s.take(before, place[1])
        elif before < 0 or s.said(before) in ("on", "with", "using", "in", "onto"):
            o.nodes = 1
            s.take(*place)
    several = s.find(_SEVERAL_NODES)
    if several is not None:
        s.take(*several)
    denied = several is not None and any(s.said(several[0] - k) in NOT for k in (1, 2, 3))
    if o.nodes is None and (denied or s.find([("same", "node"), ("same", "machine"), ("within", "a", "node")])):
        o.nodes = 1
        if several is not None:
            s.taken.update(i for i in range(several[0] - 3, several[1]) if s.at(i) in NOT | _SPLIT)


def _is_gpu_number(word: str) -> bool:
    """Whether a number before "GPU" is the name of one, as in ``a 3070 gpu``: four figures, the last a zero."""
    return word.isdigit() and len(word) == 4 and word[-1] == "0"


def _is_geforce(word: str) -> bool:
    """Whether a bare number is rather a GPU's name than a length: the 4090 of ``longest context 4090``."""
    return len(word) == 4 and word.isdigit() and word[1] == word[3] == "0" and word[2] in "56789"


def read_limit(s: Sentence, o: Options) -> None:
    """A number behind ``max`` or ``no more than`` that nothing else took: ``(max 16)`` GPUs."""
    for i in list(s.free()):
        number = s.number_at(i)
        before = (s.at(i - 2), s.at(i - 1))
        limited = before[1] in _LIMIT or before in (("more", "than"), ("up", "to"))
        if number is not None and o.max_gpus is None and limited and not s.at(i + 1).isalpha():
            o.max_gpus = number
            s.take(i - 1, i + 1)


def read_users(s: Sentence, o: Options) -> None:
    """``32 concurrent users``, ``batch of 8``, ``concurrency 16``, ``8 at once``; not the 8k of "how many 8k users"."""
    for i in list(s.free()):
        word = s.at(i)
        number = _plain(word) if s.number_at(i) is None else s.number_at(i)
        if s.words[i].tokens and (times := _times(s, i)) is not None and s.counted(i + 1) in USERS:
            o.users = s.number_at(times)
            s.take(times, i)
            s.take(i + 1)
        elif number is not None and not _is_length(s, i):
            j = s.skip(i + 1, _AT_ONCE)
            together = next((p for p in _TOGETHER if s.starts(j, p)), ())
            if s.counted(j) in USERS or j > i + 1 or together:
                o.users = number
                stop = j + (len(together) or s.counted(j) in USERS)
                o.users_each = s.at(stop) in _EACH and s.counted(stop + 1) in GPU_NOUNS
                s.take(i, stop + 2 * o.users_each)
        elif word in _GROUPS and s.at(i + 1) == "of" and (group := s.number_at(i + 2)) is not None:
            o.users = group
            s.take(i, i + 3)
        elif word in _LOAD_FIRST and s.at(i):
            j = s.skip(i + 1, LINKS)
            if (number := s.number_at(j)) is not None:
                o.users = number
                s.take(i, j + 1)


def _is_length(s: Sentence, i: int) -> bool:
    """Whether a number before users is a length: "how many 8k users", "ctx 32k users 16"."""
    asked = s.words[i].tokens is not None and s.said(s.skip(i - 1, _AT_ONCE, -1)) in _HOW
    noun = s.skip(i + 1, _AT_ONCE)
    behind = s.skip(noun + 1, ("=", "of", "is"))
    if s.at(noun) not in USERS or s.number_at(behind) is None or s.at(behind + 1) in LENGTHS:
        return asked
    label = not _MARKS.isdisjoint(s.words[noun + 1].before)
    told = s.words[i].tokens is not None or s.at(s.skip(i - 1, LINKS, -1)) in _LENGTH_FIRST
    return asked or label or told


def _times(s: Sentence, i: int) -> int | None:
    """The place of the number that says how often a length is meant: the 32 of ``32 8k requests``, ``32x 8k``."""
    before = i - 2 if s.at(i - 1) == "x" else i - 1
    return before if s.number_at(before) is not None else None


def _plain(text: str) -> int | None:
    """``2k`` as a plain count."""
    digits, power = text[:-1], {"k": 1000, "m": 1_000_000}.get(text[-1:])
    return round(float(digits) * power) if power and is_decimal(digits) and len(digits) < 9 else None


def read_context(s: Sentence, o: Options) -> None:
    """``at 8k``, ``32K tokens``, ``a 1M context``, ``context of 4096``, ``2k in and 500 out``."""
    lengths: list[tuple[str, str]] = []
    for i in list(s.free()):
        if _is_pair(s, i):
            # A prompt and its answer: "1k/200", "2048/512".
            lengths += [(s.at(i), "in"), (s.at(i + 1), "out")]
            s.take(i, i + 2)
        word = s.at(i)
        suffixed = s.words[i].tokens is not None if word else False
        if suffixed and word.endswith("m") and float(word[:-1]) > 16:
            continue
        if _is_geforce(word) and s.at(i + 1) not in LENGTHS:
            continue
        if (not suffixed and not is_decimal(word)) or s.in_code(i) or s.at(i + 1) in _THINGS:
            continue
        if s.at(i - 1) in _LABELS:
            lengths.append((word, "out" if s.at(i - 1) in _OUT else "in"))
            s.take(i - 1, s.skip(i + 1, LENGTHS - _LABELS))
            continue
        stop = _end(s, i + 1)
        after = min(stop, s.skip(i + 1, LENGTHS))
        # "1k in, 256 out" tells both; "on a 3090 in vllm" neither.
        within = s.at(after) == "in" and _OUT.isdisjoint(s.asked)
        part_of = after < stop and s.at(after) in _IN | _OUT and not within
        before = s.skip(i - 1, LINKS, -1)
        named, out = after > i + 1 or part_of, s.at(before) in _OUT
        first = any(s.at(k) in _LENGTH_FIRST for k in range(before, i))
        loose = s.at(i - 1) in ("at", "with") and is_decimal(word) and float(word) >= 512
        if suffixed or named or first or loose or out or (s.words[i].before.strip() == "@" and float(word) >= 512):
            part = _part(s, range(before, i), range(i + 1, after + part_of))
            lengths.append(("-" + word if s.words[i].negative else word, part))
            s.take(i, after + part_of)
            if (first and not named) or out:
                s.take(before, i)
    kinds = {part for _, part in lengths}
    if len(lengths) > 1 and not ("out" in kinds and len(kinds) > 1):
        o.lengths = tuple(dict.fromkeys(text for text, _ in lengths))
        del lengths[1:]
    else:
        o.parts = tuple(lengths)
    o.context = tuple(text for text, _ in lengths)


def _is_pair(s: Sentence, i: int) -> bool:
    """Whether two numbers are parted by a slash alone, of which the first can only be a length."""
    if not s.at(i) or not s.at(i + 1) or s.words[i + 1].before != "/":
        return False
    first, second = s.words[i], s.words[i + 1]
    told = first.tokens is not None or (s.number_at(i) or 0) >= _LEAST_PROMPT
    return told and (second.tokens is not None or s.number_at(i + 1) is not None)


def _end(s: Sentence, i: int) -> int:
    """Where the stretch of words from a place on ends: at a comma."""
    while i < len(s.words) and _BREAKS.isdisjoint(s.words[i].before):
        i += 1
    return i


def _part(s: Sentence, ahead: range, behind: range) -> str:
    """Of what a length is by the words beside it: a prompt (``in``), an answer (``out``), or both (empty)."""
    first = ahead.start - (s.said(ahead.start) in _OF_LENGTH)
    for words in ({s.said(k) for k in behind}, {s.said(k) for k in range(first, ahead.stop)}):
        if not _OUT.isdisjoint(words):
            return "out"
        if not _IN.isdisjoint(words):
            return "in"
    return ""


def read_options(s: Sentence, o: Options) -> None:
    """All that stands in the words which no name took.

    Raises:
        RequestError: quantized weights without their format.
    """
    read_settings(s, o)
    read_copies(s, o)
    read_layouts(s, o)
    read_utilization(s, o)
    read_dtypes(s, o)
    read_gpu_nouns(s, o)
    read_users(s, o)
    read_context(s, o)
    read_limit(s, o)
