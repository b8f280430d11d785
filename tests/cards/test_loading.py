"""What a card file may not be: each mistake has its file, key and reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from gpu_sizer.cards.gpu_spec import GpuSpec
from gpu_sizer.cards.loading import load_card
from gpu_sizer.cards.model_card import ModelCard
from gpu_sizer.cards.writing import to_yaml
from gpu_sizer.errors import CardError

GOOD = """\
id: tiny
name: Tiny
context: {native: 2048}
weights: {dtype: bfloat16}
architecture:
  hidden_size: 64
  vocab_size: 1000
  blocks:
    layer:
      mixer: {kind: attention, num_attention_heads: 4, num_key_value_heads: 2, head_dim: 16}
      feed_forward: {kind: dense, intermediate_size: 128}
  stack: [{blocks: [layer], repeat: 2}]
sources: [{url: "https://example.org", facts: all}]
"""

MOE = GOOD.replace(
    "{kind: dense, intermediate_size: 128}",
    "{kind: mixture_of_experts, num_experts: 8, num_experts_per_tok: 2, moe_intermediate_size: 64}",
)


def card(tmp_path: Path, text: str) -> ModelCard:
    file = tmp_path / "card.yaml"
    file.write_text(text, encoding="utf-8")
    return load_card(file, ModelCard)


def test_a_good_card_loads_and_survives_writing(tmp_path: Path) -> None:
    for text in (GOOD, MOE):
        loaded = card(tmp_path, text)
        assert card(tmp_path, to_yaml(loaded)) == loaded


@pytest.mark.parametrize(
    ("old", "new", "key", "reason"),
    [
        pytest.param("name: Tiny", "nmae: Tiny", "nmae", "did you mean 'name'", id="unknown key"),
        pytest.param("hidden_size: 64", "hidden_size: many", "architecture.hidden_size", "integer", id="wrong type"),
        pytest.param(
            "hidden_size: 64", "hidden_size: -64", "architecture.hidden_size", "greater than 0", id="negative"
        ),
        pytest.param(
            "num_key_value_heads: 2", "num_key_value_heads: 3", "mixer", "not a multiple", id="heads do not divide"
        ),
        pytest.param("kind: attention", "kind: attenton", "mixer.kind", "unknown kind", id="unknown kind of mixer"),
        pytest.param("blocks: [layer]", "blocks: [lair]", "architecture", "not defined", id="undefined block"),
        pytest.param(
            "native: 2048", "native: 2048, extended: 4096", "context", "belong together", id="extended without method"
        ),
        pytest.param("dtype: bfloat16", "dtype: bfloat17", "weights.dtype", "bfloat16", id="unknown dtype"),
        pytest.param("id: tiny\n", "", "id", "missing", id="missing key"),
        pytest.param("name: Tiny", "name: Tiny\nname: Two", "name", "stands twice", id="duplicate key"),
        pytest.param("repeat: 2", "repeat: 100000", "architecture", "2048 is the most", id="absurd depth"),
        pytest.param(
            'sources: [{url: "https://example.org", facts: all}]',
            "sources: []",
            "",
            "at least one source",
            id="no sources",
        ),
    ],
)
def test_a_mistake_names_its_key_and_reason(tmp_path: Path, old: str, new: str, key: str, reason: str) -> None:
    assert old in GOOD
    with pytest.raises(CardError) as caught:
        card(tmp_path, GOOD.replace(old, new))
    assert caught.value.key.endswith(key)
    assert reason in caught.value.reason
    assert "card.yaml" in caught.value.file


def test_more_experts_per_token_than_experts_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CardError, match="num_experts_per_tok"):
        card(tmp_path, MOE.replace("num_experts_per_tok: 2", "num_experts_per_tok: 9"))


def test_the_line_of_a_mistake_is_told(tmp_path: Path) -> None:
    with pytest.raises(CardError) as caught:
        card(tmp_path, GOOD.replace("hidden_size: 64", "hidden_size: 0"))
    assert caught.value.file.endswith("card.yaml:6")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("a: &x [1]\nb: *x\n", "anchors and aliases", id="alias"),
        pytest.param("[1, 2]", "not a mapping", id="a list"),
        pytest.param("", "not a mapping", id="empty"),
        pytest.param("id: [", "not valid YAML", id="broken"),
        pytest.param("id: !!python/object/apply:os.system [ls]", "not valid YAML", id="a tag that would run code"),
        pytest.param("a: " * 1 + "[" * 500 + "]" * 500, "nested too deeply", id="deep nesting"),
        pytest.param("# " + "x" * (1 << 20), "larger than 1 MiB", id="too large"),
    ],
)
def test_hostile_files_are_refused(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(CardError, match=reason):
        card(tmp_path, text)


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    outside, folder = tmp_path / "outside.yaml", tmp_path / "cards"
    outside.write_text(GOOD, encoding="utf-8")
    folder.mkdir()
    (folder / "link.yaml").symlink_to(outside)
    with pytest.raises(CardError, match="leads out of the folder"):
        load_card(folder / "link.yaml", ModelCard, within=folder)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_bytes(b"\xff\xfe\x00id")
    with pytest.raises(CardError, match="UTF-8"):
        load_card(tmp_path / "x.yaml", ModelCard)


def test_a_spec_with_a_wrong_vendor_is_refused(tmp_path: Path) -> None:
    spec = (
        "id: x\nname: X\nvendor: {}\nplatform: cuda\nsources: [{{url: https://example.org/x, facts: all}}]\n"
        "memory: {{marketed_gb: 8, visible_mib: 8000, visible_basis: estimated}}\n"
    )
    (tmp_path / "x.yaml").write_text(spec.format("Moore Threads"), encoding="utf-8")
    assert load_card(tmp_path / "x.yaml", GpuSpec).vendor == "Moore Threads"
    (tmp_path / "x.yaml").write_text(spec.format("Nvidia"), encoding="utf-8")
    with pytest.raises(CardError, match="the vendor 'Nvidia' writes itself NVIDIA"):
        load_card(tmp_path / "x.yaml", GpuSpec)
