"""Fits means one thing everywhere: nothing is missing. Tight may be either, and what is missing is told."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fastapi.testclient import TestClient

from gpu_sizer import ask, estimate, fits_on, load_gpu, load_model, size
from gpu_sizer.cli.entry import run
from gpu_sizer.engines.registry import engine_names
from gpu_sizer.errors import DoesNotFitError
from gpu_sizer.planning.request import make_request
from gpu_sizer.planning.search import Search
from gpu_sizer.server.http import create_app
from gpu_sizer.words.plan import fit_headline

#: Tight: 2.13 GiB are missing, less than the estimate's own error of 2.50 GiB.
SHORT: dict[str, Any] = {"users": 7, "engine": "tensorrt-llm"}
SHORT_WORDS = ["chatglm3-6b", "--gpu", "t4", "--users", "7", "--engine", "tensorrt-llm"]


def test_a_tight_layout_that_lacks_memory_does_not_fit(capfd: pytest.CaptureFixture[str]) -> None:
    fit = estimate("chatglm3-6b", gpu="t4", **SHORT)
    assert fit.per_gpu is not None
    assert (fit.verdict, fit.fits, fit.per_gpu.free_bytes < 0) == ("tight", False, True)
    assert (fit.as_plan().fits, fit.as_plan().gpu_count, fit.model_dump()["fits"]) == (False, None, False)
    assert fit_headline(fit).startswith("Tight, and 2.13 GiB short: ")
    with pytest.raises(DoesNotFitError, match="nothing to deploy"):
        fit.deploy("trtllm")

    on_one = fits_on("chatglm3-6b", gpu="t4", gpu_count=1, **SHORT)
    assert (on_one.fits, on_one.model_dump()["fits"], on_one.needed) == (False, False, 2)
    assert size("chatglm3-6b", gpu="t4", **SHORT).gpu_count == 2

    assert run(["fit", *SHORT_WORDS, "--tp", "1", "--json"]) == 3
    assert json.loads(capfd.readouterr().out)["fits"] is False
    assert run(["deploy", *SHORT_WORDS, "--tp", "1", "--as", "trtllm"]) == 3
    assert capfd.readouterr().out == ""


def test_a_server_means_the_same() -> None:
    body = {"model": "chatglm3-6b", "gpu": "t4", **SHORT, "tensor_parallel_size": 1}
    with TestClient(create_app()) as client:
        found = client.post("/v1/fit", json=body).json()
    assert (found["verdict"], found["fits"]) == ("tight", False)


def test_a_question_means_the_same() -> None:
    short = ask("does ChatGLM3 6B fit on one T4 with TensorRT-LLM for 7 users")
    assert short.model_dump()["fits"] is False
    assert short.fits is False


def test_a_tight_layout_that_lacks_nothing_fits(capfd: pytest.CaptureFixture[str]) -> None:
    words = ["llama-3-8b", "--gpu", "l4", "--tp", "1", "--context", "8192", "--users"]
    users = next(n for n in range(1, 99) if estimate("llama-3-8b", gpu="l4", users=n).verdict != "fits")
    fit = estimate("llama-3-8b", gpu="l4", users=users)
    assert (fit.verdict, fit.fits) == ("tight", True)
    assert run(["fit", *words, str(users)]) == 0
    assert "within the estimate's own error" in capfd.readouterr().out


@pytest.mark.parametrize("engine", engine_names())
@pytest.mark.parametrize("model", ["llama-3-8b", "gemma-3-27b", "mixtral-8x7b"])
def test_a_layout_fits_where_a_plan_of_its_count_may_rest_on_it(engine: str, model: str) -> None:
    card, gpu = load_model(model), load_gpu("rtx-a6000")
    for users in (1, 3, 7, 20, 60):
        request = make_request(card, gpu, context=4096, users=users, engine=engine)
        for count in (1, 2, 4):
            search = Search(request)
            fits = {m.layout: m.within_budget for m in map(search.evaluate, search.accepted(count, "any"))}
            for layout, within in fits.items():
                sizes = {k: v for k, v in layout.model_dump().items() if k != "decode_context_parallel_size"}
                assert estimate(card, gpu=gpu, context=4096, users=users, engine=engine, **sizes).fits is within
            assert (search.best(count) is not None) is any(fits.values())


def test_a_share_that_is_none_does_not_fit() -> None:
    chunk = {"engine": "sglang", "max_num_batched_tokens": 65536}
    plan = size("muse-glimmer-30b", gpu="a100-80gb", max_gpus=16, **chunk)
    assert (plan.fits, plan.settings.gpu_memory_utilization) == (False, 0)
    assert "a chunked_prefill_size of 65536 is more than NVIDIA A100 SXM4 80 GB has" in str(plan.reason)
    whole = estimate("llama-3-8b", gpu="a100-80gb", engine="sglang", gpu_memory_utilization=1.0)
    assert (whole.verdict, whole.fits) == ("does_not_fit", False)
    assert "must lie between 0 and 1" in str(whole.reason)
