"""The HTTP interface: one path for each call, the same errors as the command's JSON, no state between requests."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from gpu_sizer import __version__
from gpu_sizer.errors import CardError, GpuSizerError
from gpu_sizer.server import answers
from gpu_sizer.server.bodies import AskBody, DeployBody, FitBody, ListBody, RentBody, SizeBody
from gpu_sizer.server.calls import CALLS, warm_up
from gpu_sizer.server.computing import SECONDS, Computing, TooLongError
from gpu_sizer.server.errors import error_object, raised, refused
from gpu_sizer.server.limits import BodyLimit
from gpu_sizer.server.metrics import CONTENT_TYPE, Metrics

#: Seconds that one answer may take, for workers that are started from the environment.
SECONDS_VARIABLE = "GPU_SIZER_SERVER_SECONDS"


class Json(JSONResponse):
    """JSON of ASCII characters alone: what a caller sent can be repeated, even where it is no valid Unicode."""

    def render(self, content: Any) -> bytes:
        """The bytes."""
        return json.dumps(content, allow_nan=False, separators=(",", ":")).encode("ascii")


def create_app(seconds: float = SECONDS) -> FastAPI:
    """The application.

    Args:
        seconds: that one answer may take.
    """

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        warm_up()
        app.state.computing = Computing(seconds)
        yield
        app.state.computing.close()

    app = FastAPI(
        title="gpu_sizer",
        version=__version__,
        description="How many GPUs a language model takes, and why.",
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        lifespan=life,
        # Their pages load scripts from elsewhere; the description itself is at /openapi.json.
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )

    async def answer(name: str, body: Any) -> Json:
        found = await app.state.computing.run(CALLS[name].run, body)
        return Json(found.body)

    @app.post("/v1/size", summary=CALLS["size"].summary, responses=answers.PLAN)
    async def size(body: SizeBody) -> Response:
        return await answer("size", body)

    @app.post("/v1/fit", summary=CALLS["fit"].summary, responses=answers.PLAN)
    async def fit(body: FitBody) -> Response:
        return await answer("fit", body)

    @app.post("/v1/ask", summary=CALLS["ask"].summary, responses=answers.ANSWER)
    async def ask(body: AskBody) -> Response:
        return await answer("ask", body)

    @app.post("/v1/rent", summary=CALLS["rent"].summary, responses=answers.RENTALS)
    async def rent(body: RentBody) -> Response:
        return await answer("rent", body)

    @app.post("/v1/deploy", summary=CALLS["deploy"].summary, responses=answers.FILE)
    async def deploy(body: DeployBody) -> Response:
        return await answer("deploy", body)

    @app.get("/v1/models", summary=CALLS["models"].summary, responses=answers.MODELS)
    async def models(wanted: Annotated[ListBody, Query()]) -> Response:
        return await answer("models", wanted)

    @app.get("/v1/gpus", summary=CALLS["gpus"].summary, responses=answers.GPUS)
    async def gpus(wanted: Annotated[ListBody, Query()]) -> Response:
        return await answer("gpus", wanted)

    @app.get("/v1/machines", summary=CALLS["machines"].summary, responses=answers.MACHINES)
    async def machines(wanted: Annotated[ListBody, Query()]) -> Response:
        return await answer("machines", wanted)

    @app.get("/healthz", summary="Whether this server answers.", responses=answers.HEALTH)
    async def healthz() -> Response:
        return Json({"status": "ok", "version": __version__})

    metrics = Metrics(path for route in app.routes if isinstance(path := getattr(route, "path", None), str))

    @app.get("/metrics", summary="Counts for Prometheus.", responses=answers.METRICS)
    async def counts() -> Response:
        return Response(metrics.text(), headers={"Content-Type": CONTENT_TYPE})

    _answer_errors(app)
    app.add_middleware(BodyLimit)
    app.add_middleware(metrics.middleware)
    return app


def _answer_errors(app: FastAPI) -> None:
    """Every error as a JSON object."""

    @app.exception_handler(GpuSizerError)
    async def of_library(request: Request, error: GpuSizerError) -> Response:
        if isinstance(error, CardError):
            # A card is the operator's, not the caller's, and the message names its file.
            return Json(error_object("fault", "a card of this server cannot be used"), 500)
        status, body = raised(error)
        return Json(body, status)

    @app.exception_handler(RequestValidationError)
    async def of_body(request: Request, error: RequestValidationError) -> Response:
        unreadable = any(e["type"] == "json_invalid" for e in error.errors())
        status = HTTPStatus.BAD_REQUEST if unreadable else HTTPStatus.UNPROCESSABLE_ENTITY
        return Json(refused(error.errors()), status)

    @app.exception_handler(TooLongError)
    async def of_time(request: Request, error: TooLongError) -> Response:
        message = "the answer takes longer than this server allows: ask about fewer GPUs, or try again later"
        return Json(error_object("timeout", message), 503, {"Retry-After": "5"})

    @app.exception_handler(HTTPException)
    async def of_path(request: Request, error: HTTPException) -> Response:
        unknown = error.status_code == HTTPStatus.NOT_FOUND
        message = f"no such path: {request.url.path[:60]}" if unknown else str(error.detail)
        return Json(error_object("unknown" if unknown else "invalid", message), error.status_code, error.headers)

    @app.exception_handler(Exception)
    async def of_ours(request: Request, error: Exception) -> Response:
        return Json(error_object("fault", "a fault of ours; the server's log has it"), 500)


def from_environment() -> FastAPI:
    """The application of a worker process, which knows only its environment."""
    return create_app(float(os.environ.get(SECONDS_VARIABLE, SECONDS)))
