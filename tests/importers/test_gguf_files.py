"""GGUF files sized tensor by tensor, against what llama.cpp itself allocated for them (``tools/gguf_oracle.py``)."""

from __future__ import annotations

import io
import json
import shutil
import struct
from pathlib import Path

import pytest

from gpu_sizer.api import load_model, size
from gpu_sizer.cards.catalogue import catalogue
from gpu_sizer.cards.loading import load_card
from gpu_sizer.cards.model_card import ModelCard
from gpu_sizer.cards.writing import to_yaml
from gpu_sizer.engines.registry import engine, engine_names
from gpu_sizer.errors import CardError, RequestError
from gpu_sizer.evidence.check import check
from gpu_sizer.evidence.logs.startup import read_log
from gpu_sizer.importers.gguf import read_gguf
from gpu_sizer.importers.sources import import_source
from gpu_sizer.load import Load
from gpu_sizer.memory.layout import Layout
from gpu_sizer.model.formats import storage_bytes
from gpu_sizer.units import MIB

FOLDER = Path(__file__).parent / "llama_cpp"
LOGGED = json.loads((FOLDER / "logged.json").read_text(encoding="utf-8"))
NAMES = sorted(path.stem for path in FOLDER.glob("*.gguf"))
#: The sizes that are logged have two decimals.
DIGIT = 0.005 * MIB + 1


def sized(card: ModelCard, **more: int) -> tuple[float, float]:
    """Bytes of the weights and of the cache on one GPU."""
    profile = engine("llama.cpp")
    load = Load(context=LOGGED["context"], **more)
    memory = profile.evaluate(profile.model(card, load), catalogue().gpu("rtx-3090"), Layout(1), load)
    assert memory.per_gpu is not None
    return memory.per_gpu.weights_bytes, memory.per_gpu.kv_cache_bytes


@pytest.mark.parametrize("name", NAMES)
def test_what_is_allocated_is_what_llama_cpp_allocates(name: str) -> None:
    card, told = load_model(FOLDER / f"{name}.gguf"), LOGGED[name]
    inventory = engine("llama.cpp").model(card, Load(context=1)).inventory
    # On the CPU the tables of the input are in the same buffer as the rest, and a tied head is no copy.
    tables = sum(storage_bytes(t.shape, t.fmt) for t in inventory.embedding if not (inventory.tied and t.is_vocabulary))
    weights, cache = sized(card)
    assert weights + tables == pytest.approx(told["weights"] * MIB, abs=DIGIT)
    # Every one of several caches is rounded by itself.
    assert cache == pytest.approx((told["cache"] + told["states"]) * MIB, abs=2 * DIGIT)


@pytest.mark.parametrize("name", NAMES)
def test_every_tensor_of_the_file_is_in_the_inventory(name: str) -> None:
    card, (_, checkpoint) = load_model(FOLDER / f"{name}.gguf"), read_gguf(FOLDER / f"{name}.gguf")
    model = engine("llama.cpp").model(card, Load(context=1))
    everything = [*model.inventory.everything(), *((t, 1) for t in model.inventory.mtp)]
    assert sum(storage_bytes(t.shape, t.fmt) * t.copies * n for t, n in everything) == checkpoint.total_bytes
    assert sum(t.parameters * n for t, n in everything) == checkpoint.total_elements


def test_a_card_that_is_written_is_the_file(tmp_path: Path) -> None:
    card = load_model(FOLDER / "qwen35moe.gguf")
    (tmp_path / "card.yaml").write_text(to_yaml(card), encoding="utf-8")
    again = load_card(tmp_path / "card.yaml", ModelCard)
    assert again == card
    assert sized(again) == sized(card)


def test_layers_that_stay_are_those_of_the_file() -> None:
    """Layers that predict ahead count among those that may be offloaded, and experts stay by their own types."""
    card = load_model(FOLDER / "qwen35moe.gguf")
    file = card.weights.file
    assert file is not None
    assert file.ahead_layers == 1
    # Of five layers and the output, three: the output, the one that is not loaded, and the last of the others.
    weights, cache = sized(card, n_gpu_layers=3)
    alone = {
        g.names: storage_bytes(g.shape, {"f32": "float32"}.get(g.type, f"gguf-{g.type}"))
        for g in file.layers["layer-3"]
    }
    last = sum(size * len(names) for names, size in alone.items())
    head = sum(
        storage_bytes(g.shape, {"f32": "float32"}.get(g.type, f"gguf-{g.type}"))
        for g in file.outside
        if "token_embd.weight" not in g.names
    )
    assert weights == last + head
    assert cache == 2 * 256 * 2 * 2 * LOGGED["context"]
    experts = 512 * 1024 * 8 * (2 * 17 / 32 + 136 / 256)
    assert sized(card)[0] - sized(card, n_cpu_moe=2)[0] == 2 * experts


def test_a_file_is_llama_cpps_and_labelled_as_what_it_is() -> None:
    plan = size(str(FOLDER / "llama.gguf"), gpu="rtx-3090")
    assert plan.model_dump()["engine"] == "llama.cpp"
    assert plan.model_dump()["assumptions"]["weights_dtype"] == "Q4_K_M"
    assert any("a Q4_K_M file, quantized, tensor by tensor: Q4_K" in w for w in plan.warnings)
    assert "as released" not in str(plan)


@pytest.mark.parametrize("name", [name for name in engine_names() if name != "llama.cpp"])
def test_other_engines_say_what_they_do_with_a_file(name: str) -> None:
    with pytest.raises(RequestError, match=r"is a GGUF file: .* (reads|unpacks) .*--engine llama\.cpp"):
        size(str(FOLDER / "llama.gguf"), gpu="h200", engine=name)


def test_a_file_is_in_no_other_type() -> None:
    with pytest.raises(RequestError, match="for q8_0 name the model that it was made from"):
        size(str(FOLDER / "llama.gguf"), gpu="rtx-3090", weights_dtype="q8_0")


def test_a_blob_without_an_ending_is_read(tmp_path: Path) -> None:
    shutil.copy(FOLDER / "gemma3.gguf", blob := tmp_path / "sha256-0123")
    assert import_source(str(blob)).architecture == load_model(FOLDER / "gemma3.gguf").architecture
    (tmp_path / "sha256-4567").write_bytes(b"{}")
    with pytest.raises(CardError, match="not a model folder"):
        import_source(str(tmp_path / "sha256-4567"))


def entries(*tensors: tuple[str, tuple[int, ...], int], **metadata: int) -> bytes:
    """A file of a llama with these tensors (by name, shape and type), and more metadata."""
    body = b""
    numbers = {"llama.block_count": 1, "llama.context_length": 64, "llama.embedding_length": 256}
    numbers |= {"llama.attention.head_count": 2, "general.file_type": 15}
    numbers |= {name.replace("__", "."): value for name, value in metadata.items()}
    texts = {"general.architecture": "llama"}
    for key, text in texts.items():
        body += struct.pack("<Q", len(key)) + key.encode() + struct.pack("<IQ", 8, len(text)) + text.encode()
    for key, number in numbers.items():
        body += struct.pack("<Q", len(key)) + key.encode() + struct.pack("<II", 4, number)
    for name, shape, kind in tensors:
        body += struct.pack("<Q", len(name)) + name.encode() + struct.pack("<I", len(shape))
        body += b"".join(struct.pack("<Q", n) for n in reversed(shape)) + struct.pack("<IQ", kind, 0)
    return b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(texts) + len(numbers)) + body


EMBEDDING, OUTPUT = ("token_embd.weight", (512, 256), 12), ("output.weight", (512, 256), 14)
LAYER = [("blk.0.attn_q.weight", (256, 256), 12), ("blk.0.attn_k.weight", (256, 256), 13)]


def test_a_model_in_parts_is_read_whole(tmp_path: Path) -> None:
    parts = [[EMBEDDING, LAYER[0]], [LAYER[1]], [OUTPUT]]
    files = [tmp_path / f"m-{i:05}-of-00003.gguf" for i in (1, 2, 3)]
    for i, (file, tensors) in enumerate(zip(files, parts, strict=True)):
        file.write_bytes(entries(*tensors, split__count=3, split__no=i))
    cards = [import_source(str(file)) for file in files]
    assert cards[0].weights == cards[1].weights == cards[2].weights
    assert not cards[0].architecture.tie_word_embeddings
    files[1].unlink()
    with pytest.raises(CardError, match=r"one of 3 parts: m-00002-of-00003\.gguf is not beside it"):
        import_source(str(files[0]))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        pytest.param(entries(*LAYER), "token_embd.weight: is missing", id="no embedding"),
        pytest.param(entries(EMBEDDING), "has no tensors of layer 0 of 1", id="no layers"),
        pytest.param(
            entries(EMBEDDING, *LAYER, llama__block_count=2), "has no tensors of layer 1 of 2", id="a layer short"
        ),
        pytest.param(entries(EMBEDDING, *LAYER, llama__block_count=1 << 30), "must be a whole number", id="layers"),
        pytest.param(
            entries(EMBEDDING, *LAYER, llama__attention__head_count=0),
            "must be at least 1 where a layer attends",
            id="heads",
        ),
        pytest.param(entries(EMBEDDING, ("blk.0.x", (256,), 0)), "holds no attention", id="an empty layer"),
        pytest.param(entries(EMBEDDING, *LAYER).replace(b"llama", b"clip\0"), "is not known here", id="another kind"),
    ],
)
def test_a_file_that_is_no_whole_model_is_refused(tmp_path: Path, data: bytes, reason: str) -> None:
    file = tmp_path / "x.gguf"
    file.write_bytes(data)
    with pytest.raises(CardError, match=reason):
        import_source(str(file))


def test_an_encoder_is_told_and_one_beside_a_model_as_well(tmp_path: Path) -> None:
    body = struct.pack("<Q", 20) + b"general.architecture" + struct.pack("<IQ", 8, 4) + b"clip"
    (tmp_path / "mmproj-F16.gguf").write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + body)
    with pytest.raises(CardError, match=r"is the encoder of pictures or sound that stands beside a model \(--mmproj\)"):
        import_source(str(tmp_path / "mmproj-F16.gguf"))
    shutil.copy(FOLDER / "llama.gguf", tmp_path)
    assert any("mmproj-F16.gguf beside it" in note for note in import_source(str(tmp_path / "llama.gguf")).notes)


def test_a_log_is_compared_with_the_file_that_it_is_of() -> None:
    card = load_model(FOLDER / "qwen35moe.gguf")
    weights, cache = sized(card)
    states = LOGGED["qwen35moe"]["states"] * MIB
    log = (
        "llama_model_loader: loaded meta data with 34 key-value pairs from /models/x.gguf (version GGUF V3 (latest))\n"
        f"llama_context: n_ctx         = {LOGGED['context']}\n"
        "print_info: file type   = Q4_K - Medium\n"
        f"load_tensors:        CUDA0 model buffer size = {weights / MIB:8.2f} MiB\n"
        f"llama_kv_cache:      CUDA0 KV buffer size = {(cache - states) / MIB:8.2f} MiB\n"
    )
    done = check(read_log(io.BytesIO(log.encode())), catalogue(), model=str(FOLDER / "qwen35moe.gguf"), gpu="rtx-3090")
    assert done.errors["weights_gib_per_gpu"] == pytest.approx(0, abs=1e-3)
    assert done.errors["available_kv_gib"] == pytest.approx(0, abs=1e-2)
