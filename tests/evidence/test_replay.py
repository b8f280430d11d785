"""Real start-ups replayed: the bounds hold on the half that nothing was fitted on, and every outlier has a cause."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from statistics import median

import numpy as np
import pytest
import yaml

from gpu_sizer.cards.catalogue import catalogue
from gpu_sizer.evidence.halves import is_held_out
from gpu_sizer.evidence.records import EvidenceError, read_records, record_from
from gpu_sizer.evidence.replay import Replayed, replay, replay_all
from gpu_sizer.evidence.summary import beyond_bounds, cache_error_gib, is_refused, is_unsafe, quantile
from gpu_sizer.records import replace

HERE = Path(__file__).parent
RECORDS = HERE / "records.jsonl"


@cache
def replayed() -> tuple[Replayed, ...]:
    with RECORDS.open(encoding="utf-8") as stream:
        return tuple(replay_all(read_records(stream, RECORDS.name), catalogue()))


def held_out() -> list[Replayed]:
    return [r for r in replayed() if r.status == "ok" and is_held_out(r.record)]


def on_cuda(r: Replayed) -> bool:
    return "MI3" not in (r.record.gpu or "")


def test_most_records_are_replayed_and_the_rest_say_why() -> None:
    ours = [r for r in replayed() if r.record.engine == "vllm"]
    assert sum(r.status == "ok" for r in ours) >= max(150, 0.85 * len(ours))
    assert all(r.reason for r in replayed() if r.status == "skipped")


def test_weights_of_the_test_half() -> None:
    errors = [
        abs(r.errors["weights_gib_per_gpu"]) for r in held_out() if on_cuda(r) and "weights_gib_per_gpu" in r.errors
    ]
    assert len(errors) >= 15
    assert median(errors) <= 0.003
    assert quantile(errors, 0.95) <= 0.02


def test_cache_memory_of_the_test_half() -> None:
    errors = [abs(e) / max(0.5, 0.03 * (r.record.available_kv_gib or 0)) for r in held_out()
              if (e := cache_error_gib(r)) is not None]  # fmt: skip
    assert len(errors) >= 20
    assert median(errors) <= 1


@pytest.mark.parametrize(
    ("values", "share", "value"),
    [
        ([5.0], 0.95, 5.0),
        ([9.0, 1.0], 0.95, 9.0),
        ([9.0, 1.0], 0.5, 1.0),
        ([float(n) for n in range(1, 21)], 0.95, 19.0),
        ([float(n) for n in range(1, 22)], 0.95, 20.0),
    ],
)
def test_a_quantile_is_the_nearest_rank(values: list[float], share: float, value: float) -> None:
    assert quantile(values, share) == value == np.quantile(values, share, method="inverted_cdf")


def settings_are_known(r: Replayed) -> bool:
    return r.record.gpu_memory_utilization is not None and r.record.max_model_len is not None


def test_cache_tokens_of_the_test_half() -> None:
    known = [r for r in held_out() if "kv_cache_tokens" in r.errors and settings_are_known(r)]
    errors = [abs(r.errors["kv_cache_tokens"]) for r in known]
    assert len(errors) >= 20
    assert median(errors) <= 0.03
    assert quantile(errors, 0.95) <= 0.12


def test_no_failure_is_called_fits_and_what_served_is_accepted() -> None:
    known = [r for r in replayed() if r.status == "ok" and "verdict" in r.predicted]
    assert not [r.record.id for r in known if is_unsafe(r)]
    served = [r for r in known if r.record.outcome == "served"]
    assert sum(not is_refused(r) for r in served) >= 0.95 * len(served)


def test_every_outlier_has_its_cause_written_down() -> None:
    causes = yaml.safe_load((HERE / "causes.yaml").read_text(encoding="utf-8"))
    outliers = {r.record.id for r in replayed() if beyond_bounds(r)}
    assert outliers == set(causes)


@pytest.mark.skipif(shutil.which("git") is None, reason="git tells whether the file changed")
def test_the_fit_reproduces_its_file(tmp_path: Path) -> None:
    pytest.importorskip("numpy")
    root = HERE.parent.parent
    out = tmp_path / "fitted.yaml"
    subprocess.run([sys.executable, root / "tools" / "fit_vllm.py", out], check=True, cwd=root)
    assert out.read_bytes() == (root / "gpu_sizer" / "engines" / "vllm" / "fitted.yaml").read_bytes()


def one(**changes: object) -> dict[str, object]:
    return {"id": "x", "model": "mixtral-8x7b", "gpu": "H100", "tp": 2, "outcome": "served", **changes}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"model": "nobody/knows-9b"}, "unknown model"),
        ({"model": None}, "the record names no model"),
        ({"quantization": "aqlm"}, "aqlm weights are not modelled"),
        ({"gpu": "Voodoo 2"}, "unknown GPU"),
        ({"engine": "mystery"}, "no profile"),
        ({"tp": None}, "neither tensor parallel size nor number of GPUs"),
    ],
)
def test_what_cannot_be_replayed_is_skipped_with_its_reason(changes: dict[str, object], reason: str) -> None:
    found = replay(record_from(one(**changes), "here"), catalogue())
    assert found.status == "skipped"
    assert reason in (found.reason or "")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "not JSON"),
        ("[]", "must be a JSON object"),
        (json.dumps(one(speed=3)), "speed: unknown key"),
        (json.dumps(one(tp="two")), "tp: must be a whole number"),
        (json.dumps(one(outcome="fine")), "outcome: must be one of"),
        (json.dumps({"id": "x"}), "model: missing"),
        (json.dumps(one()) + "\n" + json.dumps(one()), "stands in line 1 too"),
    ],
)
def test_a_wrong_record_is_told_with_its_line(line: str, message: str) -> None:
    with pytest.raises(EvidenceError, match=message):
        list(read_records(line.splitlines(), "records.jsonl"))


def test_a_float8_release_of_a_card_is_its_float8_version() -> None:
    plain = replay(record_from(one(), "here"), catalogue())
    scaled = replay(record_from(one(model="RedHatAI/Mixtral-8x7B-Instruct-v0.1-FP8-dynamic"), "here"), catalogue())
    assert scaled.predicted["weights_gib_per_gpu"] == pytest.approx(
        plain.predicted["weights_gib_per_gpu"] / 2, rel=0.02
    )


#: Files that llama.cpp's own tool made, by what they weigh; others of the records are mixtures of somebody's own.
OF_THE_TOOL = (
    "llama-cpp-001",
    "llama-cpp-004",
    "llama-cpp-009",
    "llama-cpp-019",
    "llama-cpp-023",
    "llama-cpp-027",
)


@pytest.mark.parametrize("name", OF_THE_TOOL)
def test_quantized_files_weigh_what_llama_cpp_printed(name: str) -> None:
    with RECORDS.open(encoding="utf-8") as stream:
        record = next(r for r in read_records(stream, RECORDS.name) if r.id == name)
    found = replay(record, catalogue(), own_types=True)
    assert abs(found.errors["weights_gib_per_gpu"]) < 0.0005
    # Without that, nothing is said of weights that only their type's name is known of.
    assert "weights_gib_per_gpu" not in replay(record, catalogue()).predicted


def test_a_compute_buffer_without_flash_attention_is_what_llama_cpp_printed() -> None:
    """2,220.01 MiB on a T4; with it the same model takes 0.48 GiB (llama-cpp-020)."""
    with RECORDS.open(encoding="utf-8") as stream:
        records = {r.id: r for r in read_records(stream, RECORDS.name)}
    off = replace(records["llama-cpp-019"], settings={"flash_attention": False})
    for record in (off, records["llama-cpp-020"]):
        found = replay(record, catalogue()).predicted
        assert found["activation_peak_gib"] == pytest.approx(record.activation_peak_gib, rel=0.0005)


@cache
def fresh() -> tuple[Replayed, ...]:
    """Start-ups of 2026 that came after the fit: no constant rests on them, whatever half their threads belong to."""
    file = HERE / "fresh.jsonl"
    with file.open(encoding="utf-8") as stream:
        return tuple(replay_all(read_records(stream, file.name), catalogue()))


def test_no_fresh_failure_is_called_fits_and_what_served_is_accepted() -> None:
    assert all(r.status == "ok" for r in fresh())
    assert not [r.record.id for r in fresh() if is_unsafe(r)]
    assert not [r.record.id for r in fresh() if is_refused(r)]


def test_weights_that_a_log_disproves_are_no_reason_to_say_fits() -> None:
    lighter = [r for r in fresh() if r.errors.get("weights_gib_per_gpu", 0.0) < -0.02 and "verdict" in r.predicted]
    by_name = [r for r in lighter if r.record.engine == "vllm"]
    assert by_name
    assert {r.predicted["verdict"] for r in by_name} == {"tight"}


def test_every_fresh_outlier_has_its_cause_written_down() -> None:
    causes = yaml.safe_load((HERE / "fresh_causes.yaml").read_text(encoding="utf-8"))
    assert {r.record.id for r in fresh() if beyond_bounds(r)} == set(causes)


def test_what_a_release_keeps_lies_within_the_error_of_a_format_read_from_its_name() -> None:
    """NVFP4 releases without a draft: the log's weights are no more than the estimate's and its error."""
    packed = [r for r in fresh() if r.record.model.endswith("-NVFP4") and r.record.engine == "vllm"]
    alone = [r for r in packed if r.record.weights_gib_per_gpu and "draft" not in (r.record.note or "")]
    assert len(alone) >= 7
    for r in alone:
        told, p = r.measured["weights_gib_per_gpu"], r.predicted
        assert told <= p["weights_gib_per_gpu"] + p["band_gib"], r.record.id
