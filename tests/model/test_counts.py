"""Sums that are kept beside the cards: equal to what the tensors sum to, and never more than an engine holds."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gpu_sizer.api import load_gpu, load_model
from gpu_sizer.cards.catalogue import Shelf, catalogue, code_folders
from gpu_sizer.cards.model_card import ModelCard
from gpu_sizer.cards.writing import to_yaml
from gpu_sizer.engines.registry import engine_names
from gpu_sizer.errors import RequestError
from gpu_sizer.fast import compiled
from gpu_sizer.model.counts import counts_of
from gpu_sizer.planning.request import make_request
from gpu_sizer.planning.search import Search

#: Modules that what is kept may rest on without lying in a folder whose change makes it stale.
GROUND = {"gpu_sizer", "gpu_sizer.errors", "gpu_sizer.units", "gpu_sizer.records"}


def test_the_kept_sums_are_those_of_the_tensors() -> None:
    shelf = catalogue().models
    for card in shelf.all():
        assert shelf.counts(card) == counts_of(card), card.id


def test_sums_are_kept_for_the_catalogue_s_own_cards_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = catalogue().models
    card = load_model("llama-3-8b")
    assert shelf.counts(card.with_vocabulary(1000)) == counts_of(card.with_vocabulary(1000)) != shelf.counts(card)
    # Another's folder, read from its YAML.
    monkeypatch.setenv(compiled.SWITCH, "0")
    (tmp_path / "card.yaml").write_text(to_yaml(card))
    fresh = Shelf(ModelCard, [str(tmp_path)])
    assert fresh.counts(fresh.get(card.id)) == shelf.counts(card)


@pytest.mark.parametrize("name", engine_names())
def test_no_engine_holds_a_model_in_less(name: str) -> None:
    gpu = load_gpu("h200" if name != "llama.cpp" else "rtx-a6000")
    every, shelf = 1 if name == "vllm" else 5, catalogue().models
    seen = 0
    for card in shelf.all()[::every]:
        try:
            held = Search(make_request(card, gpu, context=1024, engine=name)).fitting.whole_weights()
        except RequestError:
            continue
        seen += 1
        assert shelf.counts(card).layer_bytes <= held, card.id
    assert seen > 40


def test_a_change_of_what_sums_are_made_by_makes_them_stale() -> None:
    program = (
        "import sys, gpu_sizer.model.counts\n"
        "from gpu_sizer.model.kinds import KINDS\n"
        "[k.classes() for k in KINDS.values()]\n"
        "print('\\n'.join(n + ' ' + (m.__file__ or '') for n, m in sys.modules.items() if n.startswith('gpu_sizer')))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True)
    folders = set(code_folders())
    for line in done.stdout.splitlines():
        module, _, file = line.partition(" ")
        assert module in GROUND or os.path.dirname(file) in folders, module
