"""Normal forms: what is dropped, and what tells names apart."""

from __future__ import annotations

import pytest

from gpu_sizer.cards.likeness import is_slip
from gpu_sizer.cards.names import normal, normal_short


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("Mixtral-8x7B", "mixtral8x7b"),
        ("mixtral 8x7b", "mixtral8x7b"),
        ("Qwen2-7B", "qwen2-7b"),
        ("Qwen 27B", "qwen27b"),
        ("Llama-3.1-405B.", "llama3.1-405b"),
        ("RTX 4090 (48 GB)", "rtx4090-48gb"),
        ("Command R+", "commandrplus"),
        ("microsoft/Phi-3", "microsoft/phi3"),
        ("microsoft-Phi-3", "microsoftphi3"),
        ("/models/Phi-3", "modelsphi3"),
    ],
)
def test_normal_forms(name: str, form: str) -> None:
    assert normal(name) == form


def test_a_hub_id_without_its_organisation() -> None:
    assert normal_short("microsoft/Phi-3-mini") == "phi3mini"


@pytest.mark.parametrize(("wanted", "key"), [("rx7900xt", "rx7900xtx"), ("a800", "h800")])
def test_a_short_word_has_no_slips(wanted: str, key: str) -> None:
    assert not is_slip(wanted, key)


def test_a_long_word_has() -> None:
    assert is_slip("mixtrall8x7b", "mixtral8x7b")
