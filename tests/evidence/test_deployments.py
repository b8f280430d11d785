"""Who ran what on how many GPUs: what ran is not refused, what ran out of memory is not called fits."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pytest
import yaml

from gpu_sizer import size
from gpu_sizer.cards.catalogue import catalogue
from gpu_sizer.evidence.deployments import Judged, judge, read_deployments, tally
from gpu_sizer.evidence.records import EvidenceError
from gpu_sizer.evidence.report import disagreements, not_judged

HERE = Path(__file__).parent


@cache
def judged() -> tuple[Judged, ...]:
    with (HERE / "deployments.jsonl").open(encoding="utf-8") as stream:
        return tuple(judge(d, catalogue()) for d in read_deployments(stream, "deployments.jsonl"))


def test_what_ran_is_accepted() -> None:
    counts = tally(judged())
    for kind, share in (("served", 0.94), ("recommended", 0.9)):
        agree, every = counts[kind]
        assert every >= 100
        assert agree >= share * every


def test_most_of_what_ran_out_of_memory_is_not_called_fits() -> None:
    agree, every = tally(judged())["oom"]
    assert every >= 20
    assert agree >= 0.7 * every


def test_every_disagreement_has_its_cause() -> None:
    causes = yaml.safe_load((HERE / "deployment_causes.yaml").read_text(encoding="utf-8"))
    assert [row[0] for row in disagreements(judged(), causes) if row[-1] == "not known"] == []


def test_what_ran_out_of_memory_without_a_length_is_asked_at_its_models_own() -> None:
    # The cache of 131,072 tokens that Llama 3.1 takes by itself needs more than the L4 has beside the weights.
    run = {"hf_model": "llama-3.1-8b", "gpu": "l4", "gpu_count": 1, "tp": 1}
    assert asked(**run).verdict != "does_not_fit"
    assert asked(**run, verdict="oom").verdict == "does_not_fit"


def test_what_cannot_be_asked_for_says_why() -> None:
    unknown = not_judged(judged())
    assert len(unknown) < 0.4 * len(judged())
    assert all(reason for _, reason in unknown)


@pytest.mark.parametrize(
    ("model", "gpu", "context", "sequences"),
    [
        ("nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-BF16", "h100-pcie", 4096, 512),
        ("Qwen/Qwen3.8-27B", "rtx-pro-6000", 8192, 512),
        ("Qwen/Qwen3.8-27B-FP8", "a40", 262144, 128),
    ],
)
def test_a_model_of_states_says_by_itself_with_how_many_sequences_it_starts(
    model: str, gpu: str, context: int, sequences: int
) -> None:
    plan = size(model, gpu=gpu, context=context, kv_cache_dtype="float8" if gpu == "a40" else None)
    assert plan.gpu_count is not None
    assert plan.gpu_count > 1
    assert plan.tuned is not None
    assert (plan.tuned.gpu_count, plan.tuned.settings) == (1, {"max_num_seqs": sequences})


def one(**changes: object) -> str:
    base = {"id": "x", "source_url": "https://example.org", "hf_model": "mixtral-8x7b", "gpu": "h100",
            "gpu_count": 2, "tp": 2, "verdict": "served"}  # fmt: skip
    return json.dumps({**base, **changes})


def asked(**changes: object) -> Judged:
    return judge(next(read_deployments([one(**changes)], "here")), catalogue())


def test_a_deployment_is_asked_at_its_own_engine_version_and_precision() -> None:
    assert asked().engine == "vllm"
    assert asked(engine="vllm", engine_version="v0.11.2 (docker)").engine == "vllm@0.11.2"
    assert asked(engine="vllm", engine_version="latest").engine == "vllm"
    assert asked(engine="vllm", engine_version="0.1").engine == "vllm"
    assert asked(engine="an engine of one's own").engine == "vllm"
    assert asked(gpu_count=1, tp=1).verdict == "does_not_fit"
    assert asked(gpu_count=1, tp=1, precision="fp8", released_precision_equals=False).verdict == "fits"
    assert asked(verdict="oom", gpu_count=1, tp=1).agrees
    assert not asked(verdict="oom").agrees


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"hf_model": "nobody/knows-9b"}, "unknown model"),
        ({"gpu": "Voodoo 2"}, "unknown GPU"),
        ({"hf_model": None}, "are not told"),
        ({"tp": 3}, "are not told"),
        ({"max_model_len": 10**7}, "is longer than"),
    ],
)
def test_a_deployment_that_cannot_be_asked_for(changes: dict[str, object], reason: str) -> None:
    found = asked(**changes)
    assert found.verdict is None
    assert found.agrees
    assert reason in (found.reason or "")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "here:1: not JSON"),
        ("[]", "here:1: not an object"),
        (one(speed=3), "here:1: speed: unknown key"),
        (one(verdict=None), "here:1: verdict: missing"),
    ],
)
def test_a_wrong_line_is_told(line: str, message: str) -> None:
    with pytest.raises(EvidenceError, match=message):
        list(read_deployments([line], "here"))


def test_a_deep_line_is_refused_in_one_sentence_by_every_reader() -> None:
    from gpu_sizer.evidence.benchmarks import first_is_benchmark, read_benchmarks
    from gpu_sizer.evidence.records import EvidenceError, read_records

    deep = "[" * 200_000
    for read in (read_benchmarks, read_records, read_deployments):
        with pytest.raises(EvidenceError, match="here:2: not JSON"):
            list(read(["", deep], "here"))
    assert not first_is_benchmark([deep])
