"""Tiny models saved by transformers and by the gguf package: every way in gives the same model."""

from __future__ import annotations

import json
import shutil
import struct
import tracemalloc
from pathlib import Path

import pytest

from gpu_sizer.errors import CardError
from gpu_sizer.importers.gguf import read_gguf
from gpu_sizer.importers.safetensors import INDEX, read_checkpoint, read_header
from gpu_sizer.importers.sources import import_source
from gpu_sizer.model.inventory import build_inventory

TINY = Path(__file__).parent / "tiny"
FAMILIES = ["llama", "mistral", "mixtral", "qwen2", "qwen3", "phi3"]


@pytest.mark.parametrize("family", FAMILIES)
def test_every_way_in_gives_the_same_architecture(family: str) -> None:
    folder = import_source(str(TINY / family))
    alone = import_source(str(TINY / family / "config.json"))
    weights = import_source(str(TINY / family / "model.safetensors"))
    gguf = import_source(str(TINY / f"{family}.gguf"))
    assert folder.verified
    assert folder.notes == ()
    assert folder.architecture == alone.architecture == weights.architecture == gguf.architecture
    assert folder.context == gguf.context


@pytest.mark.parametrize("family", FAMILIES)
def test_the_inventory_is_the_checkpoint(family: str) -> None:
    checkpoint = read_checkpoint(TINY / family)
    assert checkpoint is not None
    inventory = build_inventory(import_source(str(TINY / family)))
    assert inventory.total_parameters == checkpoint.total_elements
    assert checkpoint.bytes_by_dtype() == {"BF16": 2 * checkpoint.total_elements}
    assert read_gguf(TINY / f"{family}.gguf")[1].total_elements == checkpoint.total_elements


def test_shards_are_read_through_their_index() -> None:
    sharded = read_checkpoint(TINY / "llama-sharded")
    whole = read_checkpoint(TINY / "llama")
    assert sharded is not None
    assert whole is not None
    assert len(sharded.files) > 1
    assert sharded.tensors == whole.tensors
    assert import_source(str(TINY / "llama-sharded")).architecture == import_source(str(TINY / "llama")).architecture


def test_a_difference_is_told_tensor_by_tensor(tmp_path: Path) -> None:
    shutil.copytree(TINY / "llama", tmp_path / "model")
    config = json.loads((tmp_path / "model" / "config.json").read_text(encoding="utf-8"))
    config["intermediate_size"] = 64
    (tmp_path / "model" / "config.json").write_text(json.dumps(config), encoding="utf-8")
    card = import_source(str(tmp_path / "model"))
    assert not card.verified
    assert "model.layers.0.mlp.down_proj.weight: 1,536 values stored, 2,048 expected" in "\n".join(card.notes)
    assert "further tensors" in card.notes[-1]


def test_a_missing_layer_is_told_by_name(tmp_path: Path) -> None:
    shutil.copytree(TINY / "llama", tmp_path / "model")
    config = json.loads((tmp_path / "model" / "config.json").read_text(encoding="utf-8"))
    (tmp_path / "model" / "config.json").write_text(json.dumps({**config, "num_hidden_layers": 3}), encoding="utf-8")
    card = import_source(str(tmp_path / "model"))
    assert any("model.layers.2." in n and "missing from the checkpoint" in n for n in card.notes)


def header(entries: dict[str, object]) -> bytes:
    text = json.dumps(entries).encode()
    return struct.pack("<Q", len(text)) + text


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        pytest.param(b"", "shorter than", id="empty"),
        pytest.param(b"\x01\x02", "shorter than", id="two bytes"),
        pytest.param(
            struct.pack("<Q", 10_000_000_000) + b"{}", "claims a header of 10,000,000,000", id="a header of 10 GB"
        ),
        pytest.param(struct.pack("<Q", 5000) + b"{}", "in a file of 10", id="truncated header"),
        pytest.param(struct.pack("<Q", 2) + b"[]", "not a mapping", id="a list"),
        pytest.param(struct.pack("<Q", 3) + b"{a}", "not valid JSON", id="no JSON"),
        pytest.param(header({"t": {"dtype": "BF16", "shape": [2], "data_offsets": [0, 4]}}), "truncated", id="no data"),
        pytest.param(
            header({"t": {"dtype": "F99", "shape": [2], "data_offsets": [0, 4]}}) + b"0000", "not known", id="dtype"
        ),
        pytest.param(
            header({"t": {"dtype": "BF16", "shape": [3], "data_offsets": [0, 4]}}) + b"0000", "do not hold", id="shape"
        ),
        pytest.param(
            header({"t": {"dtype": "BF16", "shape": [-1], "data_offsets": [0, 4]}}) + b"0000",
            "whole numbers",
            id="negative",
        ),
        pytest.param(header({"t": [1, 2]}), "t: not an entry", id="entry"),
        pytest.param(header({"t": {"dtype": [], "shape": [0], "data_offsets": [0, 0]}}), "dtype", id="dtype a list"),
        pytest.param(
            header({"t": {"dtype": "BF16", "shape": [2], "data_offsets": [4]}}), "data_offsets must be two", id="offset"
        ),
        pytest.param(struct.pack("<Q", 4) + b"{}ab", "something follows", id="more than an object"),
        pytest.param(
            struct.pack("<Q", 25_000_001) + bytes(25_000_001), "25,000,000 is the most", id="a header of 25 MB"
        ),
    ],
)
def test_a_lying_safetensors_header_is_refused(tmp_path: Path, data: bytes, reason: str) -> None:
    file = tmp_path / "model.safetensors"
    file.write_bytes(data)
    with pytest.raises(CardError, match=reason):
        read_header(file)


@pytest.mark.parametrize(
    ("weights", "reason"),
    [
        pytest.param({"a": "../../etc/passwd"}, "not a file of this folder", id="a path that climbs"),
        pytest.param({"a": "/etc/passwd"}, "not a file of this folder", id="an absolute path"),
        pytest.param(
            {"a": "gone.safetensors", "b": "model.safetensors"}, "is missing from the folder", id="a missing shard"
        ),
        pytest.param({"a": 7}, "7 is not the name of a file", id="numbers"),
        pytest.param([], "not a mapping", id="a list"),
        pytest.param({"ghost": "model.safetensors"}, "not in the shard", id="a tensor in no shard"),
    ],
)
def test_a_lying_index_is_refused(tmp_path: Path, weights: dict[str, object], reason: str) -> None:
    shutil.copy(TINY / "llama" / "model.safetensors", tmp_path / "model.safetensors")
    (tmp_path / INDEX).write_text(json.dumps({"weight_map": weights}), encoding="utf-8")
    with pytest.raises(CardError, match=reason):
        read_checkpoint(tmp_path)


@pytest.mark.parametrize(("kind", "name"), [(2, "Q4_0"), (20, "IQ4_NL"), (3, "Q4_1")])
def test_one_quantized_tensor_makes_a_quantized_file(tmp_path: Path, kind: int, name: str) -> None:
    data = bytearray((TINY / "llama.gguf").read_bytes())
    tensor = b"blk.0.attn_q.weight"
    place = data.index(tensor) + len(tensor) + 4 + 2 * 8
    data[place : place + 4] = struct.pack("<I", kind)
    file = tmp_path / "q4.gguf"
    file.write_bytes(data)
    card = import_source(str(file))
    assert card.weights.file is not None
    assert any(f" {name} " in note and "tensor by tensor" in note for note in card.notes)


@pytest.mark.parametrize("cut", [0, 3, 4, 20, 30, 100, 400])
def test_a_truncated_gguf_is_refused(tmp_path: Path, cut: int) -> None:
    file = tmp_path / "x.gguf"
    file.write_bytes((TINY / "llama.gguf").read_bytes()[:cut])
    with pytest.raises(CardError):
        read_gguf(file)


def test_a_gguf_that_claims_billions_of_entries_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "x.gguf"
    file.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 1 << 40, 1 << 40) + bytes(64))
    with pytest.raises(CardError, match="claims"):
        read_gguf(file)


def test_a_card_from_a_checkpoint_is_its_folders_model() -> None:
    assert import_source(str(TINY / "llama")).id == "llama"


def gguf(*entries: tuple[str, bytes], tensors: int = 0, rest: bytes = b"") -> bytes:
    """A GGUF file of some metadata: keys with the bytes of their type and value."""
    body = b"".join(struct.pack("<Q", len(key)) + key.encode() + value for key, value in entries)
    return b"GGUF" + struct.pack("<IQQ", 3, tensors, len(entries)) + body + rest


def text(value: str) -> bytes:
    return struct.pack("<IQ", 8, len(value)) + value.encode()


LLAMA = ("general.architecture", text("llama"))
FLOAT64, ARRAY, UINT32, STRING = 12, 9, 4, 8


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        pytest.param(gguf(), "general.architecture: is missing", id="no architecture"),
        pytest.param(
            gguf(LLAMA, ("llama.block_count", struct.pack("<Id", FLOAT64, float("inf")))),
            "llama.block_count: must be a whole number of the model's, not inf",
            id="infinite layers",
        ),
        pytest.param(
            gguf(LLAMA, ("llama.block_count", struct.pack("<Id", FLOAT64, 2.5))), "not 2.5", id="half a layer"
        ),
        pytest.param(
            gguf(LLAMA, ("llama.attention.head_count_kv", struct.pack("<IIQ2I", ARRAY, UINT32, 2, 4, 8))),
            "differs between layers",
            id="layers of different shapes",
        ),
        pytest.param(
            gguf(("x", struct.pack("<IQ", STRING, 1 << 40))), "claims a string of", id="a string of a terabyte"
        ),
        pytest.param(
            gguf(("x", struct.pack("<IIQ", ARRAY, STRING, 3_000_000))), "2,000,000 is the most", id="too many strings"
        ),
        pytest.param(
            gguf(("x", struct.pack("<IIQ", ARRAY, UINT32, 1 << 40))), "truncated", id="an array of a terabyte"
        ),
        pytest.param(
            gguf(tensors=1, rest=struct.pack("<Q", 4000) + bytes(5000)), "256 is the most", id="a name without end"
        ),
    ],
)
def test_a_lying_gguf_is_refused(tmp_path: Path, data: bytes, reason: str) -> None:
    file = tmp_path / "x.gguf"
    file.write_bytes(data)
    with pytest.raises(CardError, match=reason):
        import_source(str(file))


def test_what_no_shape_is_read_from_is_not_kept(tmp_path: Path) -> None:
    """Vocabularies and templates are passed over: memory does not grow with them."""
    file = tmp_path / "x.gguf"
    long = [(f"tokenizer.{i}", text("x" * 1_000_000)) for i in range(8)]
    many = [(f"y.block_count.{i}", struct.pack("<IIQ", ARRAY, UINT32, 4096) + bytes(4 * 4096)) for i in range(50)]
    file.write_bytes(gguf(LLAMA, *long, *many))
    tracemalloc.start()
    try:
        metadata, _ = read_gguf(file)
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()
    assert metadata == {"general.architecture": "llama"}


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"[" + b"[]," * 140_000 + b"[]]", id="lists"),
        pytest.param(b'{"__metadata__":' + b"[" * 180_000 + b"]" * 180_000 + b"}", id="nesting"),
        pytest.param(b'{"__metadata__":{' + b'"a":"",' * 56_000 + b'"b":""}}', id="notes"),
        pytest.param(b"{" + b" " * 400_000 + b"}", id="spaces"),
    ],
)
def test_a_header_takes_no_more_memory_than_itself(tmp_path: Path, body: bytes) -> None:
    file = tmp_path / "x.safetensors"
    file.write_bytes(struct.pack("<Q", len(body)) + body)
    tracemalloc.start()
    try:
        try:
            assert read_header(file) == {}
        except CardError as error:
            assert len(str(error)) < 300
        assert tracemalloc.get_traced_memory()[1] < 1.5 * len(body)
    finally:
        tracemalloc.stop()
