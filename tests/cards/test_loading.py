"""What a card file may not be: each mistake has its file, key and reason."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gpu_sizer.cards.gpu_spec import GpuSpec
from gpu_sizer.cards.loading import json_schema, load_card
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
        pytest.param(
            "hidden_size: 64", "hidden_size: many", "architecture.hidden_size", "whole number", id="wrong type"
        ),
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
        pytest.param("repeat: 2", "repeat: 1000000000", "stack.0.repeat", "at most 2,048", id="absurd repeat"),
        pytest.param(
            "stack: [{blocks: [layer], repeat: 2}]",
            "stack: [{blocks: [layer], repeat: 2000}, {blocks: [layer, layer], repeat: 2000}]",
            "architecture",
            "6000 layers; 2048 is the most",
            id="absurd depth",
        ),
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


SPEC = """\
id: x
name: X
vendor: NVIDIA
platform: cuda
memory: {marketed_gb: 24, visible_mib: 24000.5, visible_basis: measured}
tdp_w: 180
sources: [{url: "https://example.org", facts: all}]
"""


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("visible_mib: 24000.5", "visible_mib: true", "memory.visible_mib: must be a number, not True"),
        ("visible_mib: 24000.5", "visible_mib: '+1'", "memory.visible_mib: must be a number, not '+1'"),
        (
            "visible_mib: 24000.5",
            "visible_mib: 1.0e+30",
            "must be at most 1,000,000,000, not 1e+30",
        ),
        ("visible_mib: 24000.5", "visible_mib: 1.0e+308", "must be at most"),
        ("visible_mib: 24000.5", "visible_mib: .inf", "must be"),
        ("visible_mib: 24000.5", "visible_mib: .nan", "must be"),
        ("visible_mib: 24000.5", "visible_mib: -1", "must be greater than 0, not -1"),
        ("marketed_gb: 24", "marketed_gb: 24.5", "memory.marketed_gb: must be a whole number, not 24.5"),
        ("tdp_w: 180", "tdp_w: '180'", "tdp_w: must be a whole number, not '180'"),
        ("tdp_w: 180", "tdp_w: 99999999999", "tdp_w: must be at most 16,777,216, not 99999999999"),
        ("name: X", "name: 3", "name: must be text, not 3"),
        ("name: X", "name: X\nreleased: 1704067200", "released: must be a day"),
        ("name: X", "name: X\nreleased: yesterday", "released: must be a day"),
        ("name: X", "name: X\nreleased: 0001-01-01", "released: must be at least 1990-01-01"),
        ("name: X", "name: X\nsupports_bfloat16: 1", "supports_bfloat16: must be true or false, not 1"),
        ("name: X", "'': 3\nname: X", "'': unknown key"),
    ],
)
def test_a_spec_takes_numbers_for_numbers_alone(tmp_path: Path, old: str, new: str, reason: str) -> None:
    file = tmp_path / "x.yaml"
    file.write_text(SPEC, encoding="utf-8")
    assert load_card(file, GpuSpec).tdp_w == 180
    file.write_text(SPEC.replace(old, new), encoding="utf-8")
    with pytest.raises(CardError) as caught:
        load_card(file, GpuSpec)
    assert reason in str(caught.value)
    assert len(str(caught.value)) < 300


def test_every_number_of_the_schemas_has_both_bounds() -> None:
    """A value beyond what a model or a machine can be is no value: editors see that, too."""

    def numbers(schema: object, path: str = "") -> Iterator[tuple[str, dict[str, object]]]:
        if isinstance(schema, dict):
            if schema.get("type") in ("integer", "number"):
                yield path, schema
            for key, value in schema.items():
                yield from numbers(value, f"{path}.{key}")
        elif isinstance(schema, list):
            for value in schema:
                yield from numbers(value, path)

    for kind in (ModelCard, GpuSpec):
        found = list(numbers(json_schema(kind)))
        assert len(found) > 10
        for path, schema in found:
            assert {"minimum", "exclusiveMinimum"} & schema.keys(), path
            assert {"maximum", "exclusiveMaximum"} & schema.keys(), path


def test_a_text_of_a_card_holds_no_control_characters(tmp_path: Path) -> None:
    loaded = card(tmp_path, GOOD.replace("name: Tiny", 'name: "Ti\\e]0;x\\any"'))
    assert loaded.name == "Ti ]0;x ny"
