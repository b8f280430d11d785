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
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from gpu_sizer import __version__
from gpu_sizer.page.site import policy, served
from gpu_sizer.server import answers
from gpu_sizer.server.bodies import AskBody, DeployBody, FileBody, FitBody, ListBody, RentBody, SizeBody, SpeedBody
from gpu_sizer.server.calls import CALLS
from gpu_sizer.server.computing import SECONDS, Computing, TooLongError
from gpu_sizer.server.errors import error_object, refused
from gpu_sizer.server.hosts import HostCheck, told_hosts
from gpu_sizer.server.limits import BodyLimit
from gpu_sizer.server.logs import log_seldom
from gpu_sizer.server.metrics import CONTENT_TYPE, Metrics

#: Seconds that one answer may take, for workers that are started from the environment.
SECONDS_VARIABLE = "GPU_SIZER_SERVER_SECONDS"
#: Where the interface is described.
DESCRIPTION = "/openapi.json"


class Json(JSONResponse):
    """JSON of ASCII characters alone: what a caller sent can be repeated, even where it is no valid Unicode."""

    def render(self, content: Any) -> bytes:
        """The bytes."""
        return json.dumps(content, allow_nan=False, separators=(",", ":")).encode("ascii")


def create_app(seconds: float = SECONDS, hosts: tuple[str, ...] = (), computing: Computing | None = None) -> FastAPI:
    """The application.

    Args:
        seconds: that one answer may take.
        hosts: names by which it may be asked; empty is any.
        computing: where answers are computed; null is in processes of its own.
    """

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        made = app.state.computing = computing or Computing(seconds)
        made.start()
        yield
        made.close()

    app = FastAPI(
        title="gpu_sizer",
        version=__version__,
        description="How many GPUs a language model takes, and why.",
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        lifespan=life,
        # Their pages load scripts from elsewhere; the description itself is at /openapi.json.
        openapi_url=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )

    async def answer(name: str, body: Any) -> Json:
        outcome = await app.state.computing.run(name, body)
        return Json(outcome.body, outcome.status)

    # The page's files are read once: they are small, and the same as long as the server runs.
    files = served()

    @app.get("/", summary="What there is to ask.", responses=answers.INDEX)
    async def index(request: Request) -> Response:
        if "text/html" in request.headers.get("accept", ""):
            return _file(*files[""])
        routes = [r for r in app.routes if isinstance(r, APIRoute) and r.include_in_schema]
        told = {route.path: route.summary or "" for route in routes}
        return Json({"name": "gpu_sizer", "version": __version__, "description": DESCRIPTION, "paths": told})

    @app.post("/v1/size", summary=CALLS["size"].summary, responses=answers.PLAN)
    async def size(body: SizeBody) -> Response:
        return await answer("size", body)

    @app.post("/v1/size_file", summary=CALLS["size_file"].summary, responses=answers.PLAN)
    async def size_file(body: FileBody) -> Response:
        return await answer("size_file", body)

    @app.post("/v1/fit", summary=CALLS["fit"].summary, responses=answers.PLAN)
    async def fit(body: FitBody) -> Response:
        return await answer("fit", body)

    @app.post("/v1/speed", summary=CALLS["speed"].summary, responses=answers.SPEED)
    async def speed(body: SpeedBody) -> Response:
        return await answer("speed", body)

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

    for name, (data, kind) in files.items():
        if name:
            _serve_file(app, f"/{name}", data, kind)

    metrics = Metrics(path for route in app.routes if isinstance(path := getattr(route, "path", None), str))

    @app.get("/metrics", summary="Counts for Prometheus.", responses=answers.METRICS)
    async def counts() -> Response:
        return Response(metrics.text(), headers={"Content-Type": CONTENT_TYPE})

    _answer_errors(app)
    app.add_middleware(BodyLimit)
    if hosts:
        app.add_middleware(HostCheck, names=hosts)
    app.add_middleware(metrics.middleware)
    return app


def _file(data: bytes, kind: str) -> Response:
    """One file of the page."""
    headers = {"Content-Security-Policy": policy(worker=False), "X-Content-Type-Options": "nosniff", "Vary": "Accept"}
    return Response(data, media_type=kind, headers=headers)


def _serve_file(app: FastAPI, path: str, data: bytes, kind: str) -> None:
    """Sends one file of the page under its path."""

    @app.get(path, include_in_schema=False)
    async def file() -> Response:
        return _file(data, kind)


def _answer_errors(app: FastAPI) -> None:
    """Every error as a JSON object."""

    @app.exception_handler(RequestValidationError)
    async def of_body(request: Request, error: RequestValidationError) -> Response:
        unreadable = any(e["type"] == "json_invalid" for e in error.errors())
        status = HTTPStatus.BAD_REQUEST if unreadable else HTTPStatus.UNPROCESSABLE_ENTITY
        told = refused(error.errors())
        kind = request.headers.get("content-type", "")
        if request.method == "POST" and "json" not in kind:
            told = error_object(
                "invalid", f"the body is {kind[:60]!r}: send it as JSON (Content-Type: application/json)"
            )
        told["error"]["message"] += f"; {DESCRIPTION} has every field and its bounds"
        return Json(told, status)

    @app.exception_handler(TooLongError)
    async def of_time(request: Request, error: TooLongError) -> Response:
        message = "the answer takes longer than this server allows: ask about fewer GPUs, or try again later"
        return Json(error_object("timeout", message), 503, {"Retry-After": "5"})

    @app.exception_handler(HTTPException)
    async def of_path(request: Request, error: HTTPException) -> Response:
        unknown = error.status_code == HTTPStatus.NOT_FOUND
        message = f"no such path: {request.url.path[:60]}" if unknown else str(error.detail)
        message += f"; {DESCRIPTION} says what there is"
        return Json(error_object("unknown" if unknown else "invalid", message), error.status_code, error.headers)

    @app.exception_handler(Exception)
    async def of_ours(request: Request, error: Exception) -> Response:
        return Json(error_object("fault", "a fault of ours; the server's log has it"), 500)


def from_environment() -> FastAPI:
    """The application of a worker process, which knows only its environment."""
    log_seldom()
    return create_app(float(os.environ.get(SECONDS_VARIABLE, SECONDS)), told_hosts())
