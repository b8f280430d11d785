"""Random headers and configurations: an answer or one clear error, no traceback, no hang."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from gpu_sizer.errors import GpuSizerError
from gpu_sizer.importers.families import families
from gpu_sizer.importers.gguf import read_gguf
from gpu_sizer.importers.hugging_face import card_from_config
from gpu_sizer.importers.safetensors import read_header
from gpu_sizer.model.inventory import build_inventory

TINY = Path(__file__).parent / "tiny"
fuzz = settings(max_examples=150, deadline=None)

values = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 1 << 45), st.floats(), st.text(max_size=5),
    st.lists(st.integers(0, 9), max_size=3), st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)  # fmt: skip
KEYS = [
    "hidden_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads", "head_dim", "intermediate_size",
    "vocab_size", "num_experts", "num_local_experts", "num_experts_per_tok", "moe_intermediate_size", "layer_types",
    "sliding_window", "tie_word_embeddings", "torch_dtype", "dtype", "quantization_config",
    "rope_scaling", "text_config", "vision_config", "kv_lora_rank", "max_position_embeddings",
    "n_routed_experts", "first_k_dense_replace",
]  # fmt: skip


def written(data: bytes, name: str) -> Path:
    file = Path(tempfile.mkdtemp()) / name
    file.write_bytes(data)
    return file


@fuzz
@given(st.sampled_from(sorted(families())), st.dictionaries(st.sampled_from(KEYS), values, max_size=12))
def test_configurations(model_type: str, config: dict[str, object]) -> None:
    try:
        build_inventory(card_from_config({"model_type": model_type, **config}, name="x", source="x"))
    except GpuSizerError as error:
        assert 5 < len(str(error)) < 500


@fuzz
@given(
    st.sampled_from(sorted((TINY.parent.parent / "oracle" / "configs").glob("*.json"))), st.sampled_from(KEYS), values
)
def test_one_wrong_key_in_a_real_configuration(file: Path, key: str, value: object) -> None:
    config = json.loads(file.read_text(encoding="utf-8"))
    (config.get("text_config") or config)[key] = value
    try:
        card_from_config(config, name="x", source="x")
    except GpuSizerError as error:
        assert 5 < len(str(error)) < 500


@fuzz
@given(st.binary(max_size=200), st.integers(0, 4000))
def test_safetensors_headers(noise: bytes, place: int) -> None:
    data = bytearray((TINY / "qwen2" / "model.safetensors").read_bytes())
    data[place : place + len(noise)] = noise
    try:
        read_header(written(bytes(data), "x.safetensors"))
    except GpuSizerError as error:
        assert 5 < len(str(error)) < 500


@fuzz
@given(st.binary(max_size=60), st.integers(0, 2500))
def test_gguf_headers(noise: bytes, place: int) -> None:
    data = bytearray((TINY / "qwen2.gguf").read_bytes())
    data[place : place + len(noise)] = noise
    try:
        read_gguf(written(bytes(data), "x.gguf"))
    except GpuSizerError as error:
        assert 5 < len(str(error)) < 500
