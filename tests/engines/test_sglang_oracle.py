"""SGLang's weights, pools and refusals against what its own classes allocate (``tools/sglang_oracle.py``)."""

from __future__ import annotations

from typing import Any

import pytest

from gpu_sizer import load_gpu, load_model
from gpu_sizer.engines.registry import engine
from gpu_sizer.engines.sglang.compressed import compressed_pools
from gpu_sizer.engines.sglang.model import SglangModel
from gpu_sizer.engines.sglang.pools import StateSlots, held, token_bytes
from gpu_sizer.load import AS_RELEASED, Load
from gpu_sizer.memory.layout import Layout
from gpu_sizer.model.caches import CacheTypes
from gpu_sizer.records import replace
from gpu_sizer.units import GIB
from tests.oracle import imported, lines

LINES = [x for x in lines("sglang.jsonl") if imported(x["hf_id"])]
#: A GPU of each compute capability.
GPUS = {"9.0": "h100", "10.0": "b200", "12.0": "rtx-pro-6000"}
#: Words of the parts of a line that are towers.
TOWERS = ("visual", "vision")
ENGINE = engine("sglang")
#: Rows of tables and scales that are no weights, as a share of the bytes.
TOLERANCE = 2e-4


def name(line: dict[str, Any]) -> str:
    return f"{line['hf_id']} tp{line['tp']} on {line.get('capability', '9.0')}"


def model_of(line: dict[str, Any]) -> SglangModel:
    card = imported(line["hf_id"])
    assert card is not None
    # Llama 4's class looks into the checkpoint's index for a tower, and here there is none.
    if not any(part in TOWERS for part in line.get("parts", TOWERS)):
        card = replace(card, architecture=replace(card.architecture, towers=()))
    return SglangModel(card, AS_RELEASED)


def test_the_oracle_covers_what_it_says() -> None:
    built = {x["hf_id"] for x in LINES if "weight_bytes" in x}
    assert len(built) >= 40
    assert {x["tp"] for x in LINES} == {1, 2, 4, 8}


@pytest.mark.parametrize("line", LINES, ids=name)
def test_a_rank_holds_the_engines_bytes(line: dict[str, Any]) -> None:
    model, layout = model_of(line), Layout(line["tp"])
    if "refused" in line:
        assert ENGINE.refusal(model, layout), "the engine refuses this layout"
        return
    assert ENGINE.refusal(model, layout) is None
    # Parameters as they are made: some scales are made in two forms, of which one stays.
    made = model.made_beside(load_gpu(GPUS[line.get("capability", "9.0")]), layout, "0.5.23")[0]
    assert model.stage_weights(layout)[0] + made == pytest.approx(line["weight_bytes"], rel=TOLERANCE)


@pytest.mark.parametrize("line", [x for x in LINES if "at_64gib" in x], ids=name)
def test_a_pool_of_64_gib_holds_the_engines_tokens(line: dict[str, Any]) -> None:
    model, layout = model_of(line), Layout(line["tp"])
    if model.compressed:
        a = model.card.architecture
        pools = compressed_pools(a, 0, model.layers, "0.5.23", context=8192, users=1, chunk=8192, running=256)
        assert pools.held(64 * GIB)[0] == line["at_64gib"]
        assert model.loaded_beside(line["tp"], 0, model.layers) == line["buffer_bytes"]
        return
    settings = ENGINE.settings(model, load_gpu("h100"), Load(context=8192), layout)
    types = CacheTypes(settings.kv_cache_dtype, ENGINE.model_dtype(model.card))
    cells = model.cells(line["tp"], types, [(0, model.layers)], windows=settings.hybrid_kv)[0]
    assert line.get("state_bytes", 0) == cells.states
    # The line's pool is what is left beside the states.
    tokens, _ = held(replace(cells, states=0), 64 * GIB, StateSlots(1))
    page = line["page_size"] or 1
    assert line["at_64gib"] == tokens // page * page
    if line["token_bytes"]:
        assert token_bytes(cells) == pytest.approx(line["token_bytes"])


def test_a_matrix_narrower_than_a_block_of_scales_is_no_reason_to_refuse() -> None:
    card = load_model("Qwen/Qwen3-Next-80B-A3B-Instruct-FP8")
    model = ENGINE.model(card, replace(AS_RELEASED, weights_dtype="float8-block"))
    assert ENGINE.refusal(model, Layout(4)) is None
