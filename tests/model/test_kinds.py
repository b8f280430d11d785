"""A kind of mixer or feed-forward is one file: a copy of one under another name is read, sized and explained."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gpu_sizer.cards.catalogue import catalogue
from gpu_sizer.cards.model_card import ModelCard
from gpu_sizer.cards.rerelease_table import Line, Table
from gpu_sizer.cards.trusted import held, records_below
from gpu_sizer.model import feed_forwards, mixers
from gpu_sizer.model.caches import CacheTypes
from gpu_sizer.model.kinds import KINDS
from gpu_sizer.records import fields

#: What a newcomer would do: lay a file into the package (here, into a folder beside it), and use it in a card.
PROGRAM = """
import json, sys
from pathlib import Path
from gpu_sizer.model import feed_forwards, mixers
from gpu_sizer.cards.loading import json_schema
from gpu_sizer.cards.model_card import ModelCard
from gpu_sizer.cards.trusted import build, kept
from gpu_sizer.cards.writing import jsonable
from gpu_sizer import load_model, size
from gpu_sizer.reports.explanation import explain_model

folder = Path(sys.argv[1])
mixers.__path__.append(str(folder / "mixers"))
feed_forwards.__path__.append(str(folder / "feed_forwards"))
card = load_model(str(folder / "card.yaml"))
names = json_schema(ModelCard)["$defs"]
plan = size(card, gpu="l4", users=8)
print(json.dumps({
    "schema": [n for n in ("Retention", "TwoLayers") if n in names],
    "parameters": plan.total_parameters,
    "count": plan.gpu_count,
    "state": plan.per_gpu.kv_cache_bytes,
    "trusted": build(ModelCard, kept(json.loads(json.dumps(jsonable(card))))) == card,
    "words": "\\n".join(explain_model(card)),
    "engines": [size(card, gpu="l4", engine=e).gpu_count for e in ("sglang", "transformers")],
}))
"""

CARD = """
id: retention-1b
name: Retention 1B
context: {native: 4096}
weights: {dtype: bfloat16}
architecture:
  hidden_size: 1024
  vocab_size: 32000
  blocks:
    layer:
      mixer: {kind: retention, num_attention_heads: 8, head_dim: 128}
      feed_forward: {kind: two_layers, intermediate_size: 4096, gated: false}
  stack: [{blocks: [layer], repeat: 12}]
sources: [{url: "https://example.org", facts: everything}]
"""

#: Heads' projections (three, a gate and one out), a norm; up and down; two norms; embedding, head, last norm.
LAYER = 5 * 1024 * 1024 + 1024 + 2 * 1024 * 4096 + 2 * 1024
PARAMETERS = 12 * LAYER + 2 * 32000 * 1024 + 1024


def copied(package: Any, kind: str, new: str, folder: Path) -> None:
    """A copy of a kind's file under another name, as one begins to write one."""
    text = (Path(package.__path__[0]) / f"{kind}.py").read_text(encoding="utf-8")
    old_class, new_class = ("".join(w.capitalize() for w in name.split("_")) for name in (kind, new))
    folder.mkdir()
    (folder / f"{new}.py").write_text(text.replace(f'"{kind}"', f'"{new}"').replace(old_class, new_class), "utf-8")


def test_a_copied_file_is_a_kind_everywhere(tmp_path: Path) -> None:
    copied(mixers, "linear_attention", "retention", tmp_path / "mixers")
    copied(feed_forwards, "dense", "two_layers", tmp_path / "feed_forwards")
    (tmp_path / "card.yaml").write_text(CARD, encoding="utf-8")
    done = subprocess.run([sys.executable, "-c", PROGRAM, str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    found = json.loads(done.stdout)
    assert found["schema"] == ["Retention", "TwoLayers"]
    assert found["parameters"] == PARAMETERS
    assert (found["count"], found["engines"], found["trusted"]) == (1, [1, 1], True)
    # A state of 8 heads of 128 x 128 in bfloat16, in each of twelve layers, for eight users.
    assert found["state"] >= 8 * 12 * 8 * 128 * 128 * 2
    assert "12 x layer: a constant state per sequence: " in found["words"]


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_is_named_as_its_module(name: str) -> None:
    for kind in KINDS[name].names():
        cls = KINDS[name].get(kind)
        (field,) = (f for f in fields(cls) if f.name == "kind")
        assert field.default == kind
    with pytest.raises(KeyError):
        KINDS[name].get("no_such_kind")


def test_every_kind_of_mixer_gives_its_four_answers() -> None:
    seen = set()
    for card in catalogue().models.all():
        for block in card.architecture.blocks.values():
            for mixer in block.mixers:
                seen.add(mixer.kind)
                assert mixer.words()
                assert mixer.values(1) >= mixer.values(2) >= 0
                if not mixer.compressed:
                    caches = mixer.caches(1, CacheTypes("bfloat16", "bfloat16"))
                    assert all(c.token_bytes or c.state_bytes for c in caches)
    assert seen == set(KINDS["Mixer"].names())


def test_what_records_hold_is_read_from_their_annotations() -> None:
    below = records_below(ModelCard)
    assert {"Attention", "MixtureOfExperts", "Indexer", "ExtraTensor", "Release", "FormatRule"} <= set(below)
    parts = held(below["Block"])
    several = {name: containers for name, (containers, _) in parts.items()}
    assert several == {"mixer": (), "second_mixer": (), "feed_forward": (), "dense": (), "extra": ("list",)}
    assert parts["mixer"][1] is KINDS["Mixer"]
    assert held(below["Architecture"])["blocks"] == (("mapping",), below["Block"])
    assert held(ModelCard)["released"] == ((), None)
    assert held(Table)["cards"] == (("mapping", "list"), Line)
