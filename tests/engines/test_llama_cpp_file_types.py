"""Quantized GGUF files against what their makers printed."""

from __future__ import annotations

import pytest

from gpu_sizer import size
from gpu_sizer.cards.catalogue import catalogue
from gpu_sizer.engines.llama_cpp.file_types import FALLBACK, FILE_TYPES, NAMES, file_type, row_bytes
from gpu_sizer.engines.llama_cpp.weights import mixture_of
from gpu_sizer.errors import RequestError
from gpu_sizer.model.formats import BLOCKS
from gpu_sizer.model.inventory import build_inventory

#: Bits a weight of Llama 3.1 8B: https://github.com/ggml-org/llama.cpp/blob/master/tools/quantize/README.md
BITS = {
    "iq4_xs": 4.4597,
    "iq4_nl": 4.6818,
    "q2_k": 3.1593,
    "q3_k_s": 3.6429,
    "q3_k_l": 4.2979,
    "q4_k_s": 4.6672,
    "q4_k_m": 4.8944,
    "q5_k_s": 5.5704,
    "q5_k_m": 5.7036,
    "q6_k": 6.5633,
    "q8_0": 8.5008,
}


def file_bytes(model: str, kind: str) -> int:
    card = catalogue().models.get(model)
    inventory = build_inventory(card)
    mixture = mixture_of(card, kind, inventory)
    layers = sum(mixture.bytes_of(t, i) for i, n in enumerate(inventory.layer_names) for t in inventory.blocks[n])
    head = () if inventory.tied else inventory.head
    return layers + sum(map(mixture.bytes_of, (*inventory.embedding, *head, *inventory.final)))


@pytest.mark.parametrize(("kind", "bits"), BITS.items())
def test_bits_a_weight_are_those_that_were_printed(kind: str, bits: float) -> None:
    parameters = build_inventory(catalogue().models.get("llama-3.1-8b")).total_parameters
    assert round(file_bytes("llama-3.1-8b", kind) * 8 / parameters, 4) == bits


def test_every_type_has_its_blocks_and_its_name() -> None:
    assert set(FILE_TYPES.values()) | set(FALLBACK.values()) <= set(BLOCKS)
    assert set(NAMES.values()) <= set(FILE_TYPES)
    assert file_type("Q4_K_M") == file_type("q4km") == file_type("Q4_K") == file_type("q4") == "q4_k_m"
    assert file_type("fp8") is None


def test_a_row_that_is_no_whole_number_of_blocks_takes_another_type() -> None:
    assert row_bytes("q4_k", 2880) == row_bytes("q5_0", 2880)
    assert row_bytes("q4_k", 100) == 200


def test_a_quantized_file_is_planned() -> None:
    plan = size("qwen2.5-32b", gpu="rtx-4090", engine="llama.cpp", weights_dtype="Q4_K_M", context=8192)
    assert plan.gpu_count == 1
    assert plan.model_dump()["assumptions"]["weights_dtype"] == "Q4_K_M"
    whole = size("qwen2.5-32b", gpu="rtx-4090", engine="llama.cpp", context=8192)
    assert (whole.gpu_count or 0) > 1


def test_another_engine_names_the_one_that_reads_such_files() -> None:
    with pytest.raises(RequestError, match=r"format of llama\.cpp's files"):
        size("qwen2.5-32b", gpu="rtx-4090", weights_dtype="q4_k_m")
