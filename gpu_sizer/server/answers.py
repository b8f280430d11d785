"""What answers look like, for the OpenAPI description. Keys may be added to every object."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

Responses = dict[int | str, dict[str, Any]]


class Open(BaseModel):
    """An object to which keys may be added."""

    model_config = ConfigDict(extra="allow")


class Layout(Open):
    """How the GPUs share the model."""

    tensor_parallel_size: int
    pipeline_parallel_size: int
    data_parallel_size: int
    expert_parallel: bool


class PerGpu(Open):
    """The fullest GPU of the layout, in bytes."""

    capacity_bytes: int
    budget_bytes: int
    weights_bytes: int
    kv_cache_bytes: int
    activation_bytes: int
    overhead_bytes: int
    free_bytes: int


class Plan(Open):
    """The fewest GPUs that do, in which layout, what fills them, and what was assumed."""

    model: str
    gpu: str
    engine: str
    fits: bool
    verdict: Literal["fits", "tight", "does_not_fit"]
    gpu_count: int | None
    safe_gpu_count: int | None
    memory_floor: int | None
    reason: str | None
    layout: Layout | None
    assumptions: dict[str, Any]
    per_gpu: PerGpu | None
    kv_cache_tokens: int
    max_concurrent_requests: float
    warnings: list[str]


class HowFast(Open):
    """How fast a layout is: each figure as a range around the estimate, and what physics allows."""

    model: str
    gpu: str
    engine: str
    gpu_count: int
    layout: Layout
    fits: bool
    reason: str | None
    assumptions: dict[str, Any]
    speed: dict[str, Any] | None
    requests_per_second: dict[str, float] | None
    cost: dict[str, Any] | None
    tokens_per_watt_hour: float | None


class Answer(Open):
    """What was understood, and beside it the answer that belongs to its intent."""

    question: str
    intent: Literal["count", "fit", "context", "users", "memory", "models", "gpus", "compare", "speed", "several"]
    understood: str


class MachineEntry(Open):
    """A machine that can be rented."""

    provider: str
    name: str
    gpu: str | None
    count: float
    prices: list[dict[str, Any]]


class MachineList(BaseModel):
    """Machines, provider by provider."""

    machines: list[MachineEntry]


class RentalEntry(Open):
    """So many machines, the layout over their GPUs, and what they cost together."""

    provider: str
    name: str
    gpu: str
    count: int
    machines: int
    price_hour_usd: float | None
    price_kind: str | None
    as_of: str | None
    doubt: str | None
    layout: Layout
    verdict: Literal["fits", "tight"]
    unsuited: str | None
    usd_per_million_tokens: float | None


class Rentals(Open):
    """What carries the load: prices that can be compared first, the cheapest first."""

    model: str
    machines: list[RentalEntry]
    left_out: int
    too_small: int


class File(BaseModel):
    """What starts the server, and the plan that it is of."""

    format: str
    file: str
    plan: Plan


class ModelEntry(Open):
    """A model of the catalogue."""

    model: str
    name: str
    context: int


class GpuEntry(Open):
    """A GPU of the catalogue."""

    gpu: str
    name: str
    visible_bytes: int


class Models(BaseModel):
    """Models of the catalogue."""

    models: list[ModelEntry]


class Gpus(BaseModel):
    """GPUs of the catalogue."""

    gpus: list[GpuEntry]


class Health(BaseModel):
    """That the server answers."""

    status: Literal["ok"]
    version: str


class Index(Open):
    """Where everything is."""

    name: str
    version: str
    description: str
    paths: dict[str, str]


class Problem(BaseModel):
    """What is wrong, and what was perhaps meant."""

    kind: Literal["unknown", "ambiguous", "incomplete", "invalid", "timeout", "fault"]
    about: Literal["model", "gpu", "context", "users", "question"]
    message: str
    suggestions: list[str]


class Error(BaseModel):
    """Every answer that is none."""

    error: Problem


_UNKNOWN = {
    "error": {
        "kind": "unknown",
        "about": "model",
        "message": "unknown model 'mixtral-9x7b'; did you mean mixtral-8x7b?",
        "suggestions": ["mixtral-8x7b"],
    }
}


def _with_errors(kind: type[BaseModel], description: str, *, body: bool = True) -> Responses:
    """The responses of a call that answers with one kind of object."""
    responses: Responses = {200: {"model": kind, "description": description}}
    if body:
        responses[400] = {"model": Error, "description": "The body is no JSON."}
        responses[408] = {"model": Error, "description": "The body did not arrive in time."}
        responses[413] = {"model": Error, "description": "The body is too large."}
    example = {"application/json": {"example": _UNKNOWN}}
    responses[422] = {"model": Error, "description": "What was asked cannot be answered.", "content": example}
    responses[500] = {"model": Error, "description": "A fault of ours."}
    responses[503] = {"model": Error, "description": "The answer took too long."}
    return responses


PLAN = _with_errors(Plan, "The plan; also where nothing fits, with fits false and the reason.")
SPEED = _with_errors(HowFast, "The speed; null where the model does not run there, with the reason.")
ANSWER = _with_errors(Answer, "The answer; its further keys depend on the intent.")
FILE = _with_errors(File, "The command or file.")
MODELS = _with_errors(Models, "The models.", body=False)
GPUS = _with_errors(Gpus, "The GPUs.", body=False)
MACHINES = _with_errors(MachineList, "The machines.", body=False)
RENTALS = _with_errors(Rentals, "The machines that carry the load.")
INDEX: Responses = {200: {"model": Index, "description": "The paths, and where they are described."}}
HEALTH: Responses = {200: {"model": Health, "description": "It does."}}
METRICS: Responses = {
    200: {"description": "Prometheus's text format.", "content": {"text/plain": {"schema": {"type": "string"}}}}
}
