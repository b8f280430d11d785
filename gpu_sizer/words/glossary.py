"""The words of answers that a newcomer may not know, each in a sentence."""

from __future__ import annotations

from collections.abc import Iterator

#: Terms in the order in which they come up, and what they mean.
TERMS = {
    "unquantized": "with weights in the type in which they were released, nothing rounded to fewer bits",
    "tensor parallel": "every layer is cut into slices, and all GPUs work on each token at the same time; needs fast "
    "links between them",
    "pipeline": "each GPU holds some of the layers whole, and a token passes from one to the next: the least memory, "
    "at a longer way for every token",
    "replicas": "whole copies of the model, each with requests of its own",
    "expert parallel": "each GPU holds some of the experts whole, instead of a slice of each",
    "KV cache": "what the model keeps of every token of a request, so as not to read it anew for the next one",
    "activations": "the largest working space of one step: a full batch of tokens on its way through the layers",
    "overhead": "what the driver, the links between GPUs and captured graphs hold beside the model",
    "a program sees": "what the driver reports as the GPU's memory, somewhat less than the number on the box",
    "utilization": "the share of that which the engine may fill; the rest is left to others",
    "tight": "the room left is smaller than the estimate's own error: it may start or not",
    "max_num_seqs": "how many requests the engine is ready to run at once, which takes memory before there is any",
    "max_num_batched_tokens": "how many tokens go through the model in one step at most",
}


def used_in(text: str) -> Iterator[tuple[str, str]]:
    """The terms that a text uses, each with what it means."""
    low = text.lower()
    return ((term, meaning) for term, meaning in TERMS.items() if term.lower() in low)
