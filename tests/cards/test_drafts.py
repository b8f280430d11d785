"""Cards of what only drafts for a model: on a shelf of their own, exact, and never taken for a model."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import gpu_sizer
from gpu_sizer.cards.catalogue import catalogue
from gpu_sizer.cards.checking import check_file
from gpu_sizer.cards.checks import check_draft
from gpu_sizer.engines.speculation import NoDrafterError
from gpu_sizer.errors import CardError, UnknownModelError
from gpu_sizer.model.inventory import build_inventory
from gpu_sizer.records import replace
from tools.pack_cards import packed

CARDS = catalogue()
#: What the hub counts in a draft's repository (package llmfit 1.1.17), integers of token tables left out.
COUNTS = {
    "kimi-k3-dspark": 2_249_289_601,
    "qwen3.8-27b-dflash2": 1_924_404_480,
    "qwen3-8b-dflash": 1_048_626_432,
    "gpt-oss-120b-eagle3": 786_873_600,
    "qwen3-32b-eagle3": 1_560_616_576 - 151_936 - 32_000,
}


@pytest.mark.parametrize("identity", COUNTS)
def test_a_draft_holds_what_the_hub_counts(identity: str) -> None:
    assert build_inventory(CARDS.drafts.get(identity)).total_parameters == COUNTS[identity]


def test_a_draft_without_embedding_and_head_has_neither() -> None:
    inventory = build_inventory(CARDS.drafts.get("kimi-k3-dspark"))
    assert not inventory.head
    assert not any(t.is_vocabulary for t in inventory.embedding)
    assert inventory.active_without_embedding < inventory.total_parameters


def test_a_head_may_score_fewer_tokens_than_there_are() -> None:
    inventory = build_inventory(CARDS.drafts.get("qwen3-8b-eagle3"))
    assert inventory.head[0].shape == (32_000, 4096)
    assert inventory.embedding[0].shape == (151_936, 4096)


def test_no_draft_stands_among_models() -> None:
    assert not set(CARDS.drafts.ids()) & set(CARDS.models.ids())
    assert not any(card.draft for card in CARDS.models.all())
    assert all(card.draft for card in CARDS.drafts.all())


@pytest.mark.parametrize("name", ["kimi-k3-dspark", "RadixArk/Kimi-K3-DSpark", "Kimi-K3-DSpark"])
def test_a_draft_alone_is_refused_with_its_model(name: str) -> None:
    said = r"drafts tokens for kimi-k3 .*size kimi-k3 with --speculative draft:kimi-k3-dspark:N"
    for ask in (gpu_sizer.load_model, lambda n: gpu_sizer.ask(f"how many h200 for {n}")):
        with pytest.raises(UnknownModelError, match=said) as error:
            ask(name)
        assert error.value.suggestions == ("kimi-k3",)


def test_a_plan_takes_a_draft_by_each_of_its_names() -> None:
    plain = gpu_sizer.estimate("qwen3-8b", gpu="h100-80gb").per_gpu
    for name in ("qwen3-8b-eagle3", "RedHatAI/Qwen3-8B-speculator.eagle3"):
        drafted = gpu_sizer.estimate("qwen3-8b", gpu="h100-80gb", speculative=f"draft:{name}:3").per_gpu
        assert drafted.weights_bytes > plain.weights_bytes
        assert drafted.kv_cache_bytes > plain.kv_cache_bytes


def test_a_draft_of_another_model_is_refused() -> None:
    with pytest.raises(NoDrafterError, match="drafts for kimi-k3, not for Qwen3 8B"):
        gpu_sizer.estimate("qwen3-8b", gpu="h100-80gb", speculative="draft:kimi-k3-dspark:3")


def test_a_draft_drafts_for_a_release_in_another_format_too() -> None:
    fit = gpu_sizer.estimate("qwen3.8-27b-fp8", gpu="h200", speculative="draft:qwen3.8-27b-dspark:3", context=8192)
    assert fit.verdict == "fits"


def test_a_draft_in_another_format_is_known_by_its_name() -> None:
    plain, packed = (
        gpu_sizer.estimate("qwen3.8-27b", gpu="h200", speculative=f"draft:{name}:7", context=8192).per_gpu
        for name in ("z-lab/Qwen3.8-27B-DFlash2", "somebody/Qwen3.8-27B-DFlash2-W4A16")
    )
    assert plain is not None
    assert packed is not None
    assert plain.weights_bytes - packed.weights_bytes == pytest.approx(0.71 * 1_797_000_000 * 2, rel=0.05)


def test_validate_checks_drafts(tmp_path: Path) -> None:
    card = CARDS.drafts.get("kimi-k3-dspark")
    assert card.draft is not None
    with pytest.raises(CardError, match="there is no card 'kimi-k9'"):
        check_draft(replace(card, draft=replace(card.draft, of=("kimi-k9",))), CARDS.models, "x.yaml")
    with pytest.raises(CardError, match=r"qwen3\.5-9b has a larger vocabulary"):
        check_draft(replace(card, draft=replace(card.draft, of=("qwen3.5-9b",))), CARDS.models, "x.yaml")
    with pytest.raises(CardError, match="says what it drafts for"):
        check_draft(replace(card, draft=None), CARDS.models, "x.yaml")
    text = Path(CARDS.drafts.files["kimi-k3-dspark"]).read_text(encoding="utf-8")
    file = tmp_path / "wrong.yaml"
    file.write_text(re.sub("total: .*", "total: 1000000", text), encoding="utf-8")
    with pytest.raises(CardError, match=r"parameters\.total"):
        check_file(file, CARDS)


def test_archives_of_cards_hold_drafts() -> None:
    import io
    import tarfile

    with tarfile.open(fileobj=io.BytesIO(packed())) as archive:
        names = archive.getnames()
    assert "model_cards/drafts/RadixArk/kimi-k3-dspark.yaml" in names
