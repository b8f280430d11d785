"""The calls of the page as plain functions of JSON: what a worker in the browser asks, with no package beside it."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.util import find_spec
from io import BytesIO
from typing import Any

from gpu_sizer import api
from gpu_sizer.answers import with_answers
from gpu_sizer.cards.catalogue import catalogue
from gpu_sizer.errors import GpuSizerError, RequestError
from gpu_sizer.words.data import with_answer_words, with_words


def bounded() -> bool:
    """Whether pydantic is here, which a browser has only once a card was dropped.

    Without it a configuration is held to the records' own rules alone.
    """
    return find_spec("pydantic") is not None


def _size(body: dict[str, Any]) -> dict[str, Any]:
    details, words, model = body.pop("details", True), body.pop("words", None), body.pop("model")
    # Names are looked up as over HTTP, the model's first, so that two mistakes are told alike.
    card = api.load_model(model) if isinstance(model, str) else model
    plan = api.size(card, gpu=api.load_gpu(body.pop("gpu")), details=details, **body)
    return with_words(plan.model_dump(), plan, words)


def _size_file(body: dict[str, Any]) -> dict[str, Any]:
    """The same for a model card or a configuration that the visitor gave."""
    from gpu_sizer.importers.texts import card_of_text

    body.pop("model", None)
    card = card_of_text(str(body.pop("text")), str(body.pop("name")), bounded=bounded())
    return _size({"model": card, **body})


def _speed(body: dict[str, Any]) -> dict[str, Any]:
    words, card, gpu = body.pop("words", None), api.load_model(body.pop("model")), api.load_gpu(body.pop("gpu"))
    pace = api.speed(card, gpu=gpu, **body)
    return with_words(pace.model_dump(), pace, words)


def _ask(body: dict[str, Any]) -> dict[str, Any]:
    from gpu_sizer.queries.answers import ask

    answered = with_answers(ask(str(body["question"])))
    return with_answer_words(answered.model_dump(), answered, body.get("words"))


def _deploy(body: dict[str, Any]) -> dict[str, Any]:
    from gpu_sizer.deploy.choices import CHOICES
    from gpu_sizer.deploy.formats import deploy

    kind = body.pop("format")
    chosen = {s.name: body.pop(s.name) for s in CHOICES if s.name in body}
    extra = tuple(body.pop("extra", ()))
    plan = api.size(body.pop("model"), gpu=body.pop("gpu"), **body)
    return {"format": kind, "file": deploy(plan, kind, extra=extra, **chosen), "plan": plan.model_dump()}


def _check_log(body: dict[str, Any]) -> dict[str, Any]:
    """A start-up log beside the estimate, as the lines of ``check-log``."""
    from gpu_sizer.evidence.check import check
    from gpu_sizer.evidence.check_lines import lines
    from gpu_sizer.evidence.logs.startup import read_log

    log = read_log(BytesIO(str(body["log"]).encode()))
    try:
        done, told = check(log, catalogue(), gpu=body.get("gpu")), []
    except GpuSizerError:
        # Most often the log does not tell the model: the page's own is what the visitor means, and is said.
        done = check(log, catalogue(), gpu=body.get("gpu"), model=body.get("model"))
        told = [f"The log does not tell the model; taken from the page: {body.get('model')}", ""]
    return {"lines": [*told, *lines(done)], **done.model_dump()}


def listing(kind: str) -> dict[str, Any]:
    """The models or GPUs of the catalogue, as the page's lists have them."""
    from gpu_sizer.reports.listings import gpu_listing, model_listing

    if kind == "models":
        models = catalogue().models
        return {"models": model_listing(models.all(), counts=models.counts).records}
    return {"gpus": gpu_listing(catalogue().gpus.all()).records}


CALLS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "size": _size,
    "size_file": _size_file,
    "speed": _speed,
    "ask": _ask,
    "deploy": _deploy,
    "check_log": _check_log,
    "models": lambda body: listing("models"),
    "gpus": lambda body: listing("gpus"),
}


def answer(call: str, body: str) -> str:
    """The answer to one call, as JSON; an error is an object ``{"error": {...}}``, as over HTTP.

    Args:
        call: a key of :data:`CALLS`.
        body: what is asked, as a JSON object with the keys of the HTTP call of that name.
    """
    try:
        made = CALLS[call](json.loads(body))
    except GpuSizerError as error:
        made = error.model_dump()
    except ModuleNotFoundError as error:
        message = f"this needs the Python package {error.name}, which this page does not hold; the program does it"
        made = RequestError(message).model_dump()
    except Exception as error:
        made = RequestError(f"a fault of ours: {type(error).__name__}: {str(error)[:200]}").model_dump()
    return json.dumps(made, separators=(",", ":"))
