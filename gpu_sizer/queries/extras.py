"""What takes memory beside the model, in words: adapters, drafts, weights left in the machine's memory, prefix caching.

What is read here is counted; what a question only mentions stays a topic (:mod:`gpu_sizer.queries.topics`).
"""

from __future__ import annotations

from gpu_sizer.load import LOAD
from gpu_sizer.queries.options import DRAFTING, LINKS
from gpu_sizer.queries.words import word_set

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from gpu_sizer.queries.options import Options
    from gpu_sizer.queries.sentence import Sentence

#: The settings that are read here.
ADAPTERS, DRAFTS, OFFLOAD, PREFIXES = "lora", "speculative", "cpu_offload_gib", "prefix_caching"
assert {ADAPTERS, DRAFTS, OFFLOAD, PREFIXES} <= {s.name for s in LOAD}
#: The rank of an adapter where none is told: the default of vLLM's ``--max-lora-rank``.
RANK = 16
#: Tokens drafted ahead where none are told: one by a model's own layers, as its makers advise
#: (https://github.com/vllm-project/recipes), five by a draft model, as in vLLM's documentation of speculative decoding.
BY_LAYERS, BY_MODEL = 1, 5

_OWN_LAYERS, _PREFIX = word_set("mtp nextn"), word_set("prefix prompt")
_LORA, _ADAPTER = word_set("lora loras"), word_set("adapter adapters")
_OFFLOAD = word_set("offload offloaded offloading offloads")
_AHEAD = word_set("draft drafted speculative ahead")
_CACHE = word_set("cache caching cached")
_OFF = word_set("no without disable disabled disabling off")
_BESIDE = word_set("lora different separate distinct of")
_PLACE = word_set("cpu ram to into the system host memory in")
#: The words at which one of these begins to be read.
CUES = _LORA | _ADAPTER | _OWN_LAYERS | _OFFLOAD | _PREFIX | DRAFTING


def read_extras(s: Sentence, o: Options) -> Iterator[str]:
    """Takes what is told of these into the settings; yields what was assumed of it.

    Models are not read yet: a draft model is :func:`drafted_by`.
    """
    if (text := _adapters(s, o)) is not None:
        yield text
    o.ahead = _tokens_ahead(s)
    if (text := _own_layers(s, o)) is not None:
        yield text
    _offload(s, o)
    _prefixes(s, o)


def drafted_by(o: Options, model: str) -> Iterator[str]:
    """Takes a model that drafts for another into the settings; yields what was assumed of it.

    Args:
        o: where it is kept.
        model: the id of the draft.
    """
    if DRAFTS in o.settings:
        return
    o.settings[DRAFTS] = f"draft:{model}:{o.ahead or BY_MODEL}"
    if o.ahead is None:
        yield f"{BY_MODEL} tokens drafted ahead, as none are told"


def _adapters(s: Sentence, o: Options) -> str | None:
    place = next((i for i in s.free() if s.at(i) in _LORA or s.at(i) in _ADAPTER), None)
    if place is None:
        return None
    stop = place + 1 + (s.at(place) in _LORA and s.at(place + 1) in _ADAPTER)
    before = s.skip(place - 1, _BESIDE, -1)
    slots = s.number_at(before)
    start = before if slots is not None else place
    rank = None
    for i in list(s.free()):
        if s.at(i) in ("rank", "ranks", "r"):
            behind = s.skip(i + 1, LINKS)
            rank = s.number_at(behind)
            if rank is not None:
                s.take(i, behind + 1)
            elif (rank := s.number_at(i - 1)) is not None:
                s.take(i - 1, i + 1)
    s.take(start, stop)
    o.settings[ADAPTERS] = f"{slots or 1}x{rank or RANK}"
    assumed = [text for text, told in (("one adapter at once", slots), (f"rank {RANK}", rank)) if told is None]
    return f"{' and '.join(assumed)}, as none is told" if assumed else None


def _own_layers(s: Sentence, o: Options) -> str | None:
    place = next((i for i in s.free() if s.at(i) in _OWN_LAYERS), None)
    if place is None:
        return None
    told = s.number_at(place + 1) or s.number_at(place - 1) or o.ahead
    for i in (place, place + 1, place - 1):
        if i == place or (told is not None and s.number_at(i) == told):
            s.take(i)
    o.settings[DRAFTS] = f"mtp:{told or BY_LAYERS}"
    return None if told else "one token drafted ahead, as none are told"


def _tokens_ahead(s: Sentence) -> int | None:
    """``5 draft tokens``, ``num_speculative_tokens 5``, ``5 tokens ahead``: the number, taken; else null."""
    for i in list(s.free()):
        if s.at(i) not in ("token", "tokens") or _AHEAD.isdisjoint((s.at(i - 1), s.at(i + 1))):
            continue
        named = s.at(i - 1) in _AHEAD
        start, stop = i - named, i + 1 + (not named)
        if (told := s.number_at(start - 1)) is not None:
            s.take(start - 1, stop)
            return told
        behind = s.skip(stop, LINKS)
        if (told := s.number_at(behind)) is not None:
            s.take(start - (s.at(start - 1) == "num"), behind + 1)
            return told
    return None


def _offload(s: Sentence, o: Options) -> None:
    """``offload 20 GB to cpu``, ``20 GB cpu offload``: gigabytes of the weights, as GiB."""
    for i in list(s.free()):
        if s.at(i) not in _OFFLOAD:
            continue
        before = i - 1 - (s.at(i - 1) == "cpu")
        for start in (i + 1, before, before - 1):
            if (told := s.amount_at(start)) is None:
                continue
            o.settings[OFFLOAD] = round(told.gib, 3)
            first, last = min(i, start), max(i + 1, told.stop)
            while s.at(last) in _PLACE:
                last += 1
            s.take(first, last)
            return


def _prefixes(s: Sentence, o: Options) -> None:
    """``without prefix caching``: what takes other blocks; with it is a topic too, for its savings."""
    for i in list(s.free()):
        if s.at(i) in _PREFIX and s.at(i + 1) in _CACHE:
            off = s.said(i - 1) in _OFF or s.said(i + 2) in ("off", "disabled")
            o.settings[PREFIXES] = not off
            if off:
                s.take(i - (s.at(i - 1) in _OFF), i + 2 + (s.said(i + 2) in ("off", "disabled")))
            return
