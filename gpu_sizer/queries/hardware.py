"""Hardware that is no GPU of the catalogue: the computer around it, and chips that are not known here."""

from __future__ import annotations

from gpu_sizer.queries.patterns import found
from gpu_sizer.queries.topics import Remark
from gpu_sizer.queries.words import word_set

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

    from gpu_sizer.queries.sentence import Sentence

#: Makes of processors, behind which figures are a model of theirs: ``Ryzen 9 7950X``.
_PROCESSORS = word_set("ryzen epyc xeon threadripper celeron pentium athlon i3 i5 i7 i9")
_OF_PROCESSORS = word_set("core pro gold silver platinum bronze ultra max ai cpu cpus processor")
_COMPUTERS = word_set("laptop laptops pc pcs computer desktop notebook macbook mac imac phone tablet")
_NO_GPU_MEMORY = word_set("system host main cpu computer pc ddr3 ddr4 ddr5 lpddr5 lpddr5x sodimm dimm")
_MEMORY = word_set("ram memory ddr3 ddr4 ddr5 lpddr5 lpddr5x")
SYSTEM_MEMORY = Remark("system memory is not counted: all weights and caches are on the GPUs", True, "offload")

#: Chips that people ask about and that the catalogue lacks, by a pattern of their words.
CHIPS = (
    ("Apple's", "m1|m2|m3|m4|m5 pro|max|ultra, m1|m2|m3|m4|m5 chip|mac|macbook|studio, macbook pro|air m1|m2|m3|m4|m5"),
    (
        "Apple's",
        "macbook|macbooks, mac|macs studio|studios|mini|minis|pro, macbook pro|air, imac, m1|m2|m3|m4|m5,"
        " mac|macs|macbook|macbooks",
    ),
    ("Huawei's", "ascend 910|910a|910b|910c|910b2|910b3|950|310p, ascend, 910b|910c"),
    ("Google's", "tpu|tpus v2|v3|v4|v5|v5e|v5p|v6|v6e|v7, tpu|tpus"),
    ("Amazon's", "inferentia|inferentia2|trainium|trainium2|trainium3, inf1|inf2|trn1|trn2"),
    ("", "groq|cerebras|sambanova|tenstorrent|graphcore|hailo|cambricon|kunlun|enflame|biren|metax|iluvatar|hygon"),
    (
        "",
        "raspberry pi|pis, orange pi, rk3588|rk3588s, steam deck, nintendo switch, playstation 5, xbox",
    ),
    ("", "iphone|ipad|smartphone|android"),
    ("", "moore threads, jetson orin|thor|nano|xavier|agx, jetson, snapdragon, npu, radeon 680m|780m|890m, iris xe"),
    ("AMD's", "ai max 390|385|plus, ryzen ai max"),
)


def take_computer(s: Sentence, *, shared: bool = False) -> bool:
    """Takes processors and their figures, and the computer's own memory; whether that memory was told.

    Args:
        s: the sentence.
        shared: whether a GPU was named that has no other memory, whose amount stays.
    """
    for i in list(s.free()):
        if s.at(i) in _PROCESSORS:
            stop = i + 1
            while s.at(stop) and stop <= i + 3 and (any(map(str.isdigit, s.at(stop))) or s.at(stop) in _OF_PROCESSORS):
                stop += 1
            start = s.skip(i - 1, _OF_PROCESSORS | {"intel", "amd", "x"}, -1) + 1
            start -= s.number_at(start - 1) is not None and s.said(start) in ("x", "intel", "amd", s.said(i))
            s.take(start, s.skip(stop, _OF_PROCESSORS))
    taken = [_take_memory(s, i) for i in list(s.free()) if not shared]
    return any(taken)


def _take_memory(s: Sentence, i: int) -> bool:
    """Takes an amount of the computer's memory: ``64GB DDR5``, ``128 GB of system RAM``, ``ram: 64gb``."""
    if (told := s.amount_at(i)) is None:
        return False
    stop = told.stop
    if s.at(stop) in _COMPUTERS:
        s.erase(i, stop)
        return True
    behind = s.skip(stop, ("of", "worth"))
    end = s.skip(behind, _NO_GPU_MEMORY | _MEMORY)
    said = [s.at(k) for k in range(behind, end)]
    if not said or (s.at(end) in ("gpu", "gpus", "card") and s.at(end - 1) != "ddr5"):
        return False
    alone = said in (["ram"], ["memory"])
    if (alone and said == ["memory"]) or (said[-1] in ("vram",)):
        return False
    while s.at(end).isdigit() and s.words[end].before == "-":
        end += 1  # the clock of DDR5-6000
    s.erase(i, end)
    return True


def unknown_chip(s: Sentence, vendors: Collection[str] = ()) -> str | None:
    """The first chip that the catalogue does not know, as it was written; the words of all are taken.

    Args:
        s: the sentence.
        vendors: of the GPUs that it names: a computer of such a maker is the one around them.
    """
    named: list[tuple[bool, int, str]] = []
    for maker, pattern in CHIPS:
        for place in found(s, pattern):
            if s.taken.isdisjoint(place):
                if maker.removesuffix("'s") in vendors and not any(s.at(i)[-1:].isdigit() for i in place):
                    s.take(place.start, place.stop)
                    continue
                name = " ".join(s.said(i) for i in place)
                # One with a figure says more than the computer around it: M2 Ultra, not Mac Studio.
                named.append((not any(map(str.isdigit, name)), place.start, f"{maker} {_title(name)}".strip()))
                s.take(place.start, place.stop)
                _take_own_memory(s, place)
    return min(named)[2] if named else None


def _title(name: str) -> str:
    return " ".join(
        w.upper() if any(map(str.isdigit, w)) or w in ("npu", "tpu", "tpus") else w.capitalize() for w in name.split()
    )


def _take_own_memory(s: Sentence, place: range) -> None:
    """Takes the memory beside a chip, and how many of them: ``2 x M3 Ultra 256GB``, ``a 192GB M2 Ultra``."""
    before = s.skip(place.start - 1, ("x", "the", "of", "my", "apple", "huawei", "google", "pro", "aws"), -1)
    for i in (place.stop, place.stop + 1, before, before - 1):
        if (told := s.amount_at(i)) is not None:
            s.take(i, told.stop)
    before = s.skip(before, ("x", "the", "of", "my"), -1)
    if s.number_at(before) is not None:
        s.take(before, place.start)
