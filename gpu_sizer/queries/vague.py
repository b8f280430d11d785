"""Formats of weights that are told too vaguely to be sized."""

from __future__ import annotations

from gpu_sizer.errors import RequestError
from gpu_sizer.queries.words import word_set

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gpu_sizer.queries.sentence import Sentence

_VAGUE = word_set("quantized quantised quantize quantise quant quants gguf ggml")
_NEGATIONS = word_set("not no non never without un isnt dont")


def refuse_vague_formats(s: Sentence, weights_dtype: str | None) -> None:
    """``quantized`` alone says no format; where it goes with one, or is denied, it says nothing more.

    Raises:
        RequestError: weights are wanted quantized, and nothing tells how.
    """
    for i in list(s.free()):
        if s.at(i) not in _VAGUE:
            continue
        denied = not _NEGATIONS.isdisjoint((s.said(i - 1), s.said(i - 2)))
        if not denied and weights_dtype is None:
            error = RequestError(
                "quantized to what? say for example 'in fp8', 'in nvfp4' or 'in 4-bit'; without it, the weights as"
                " released are sized"
            )
            error.kind = "incomplete"
            raise error
        s.take(i)
