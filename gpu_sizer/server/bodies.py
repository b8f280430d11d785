"""What a caller may ask, field by field and with bounds: the bodies of HTTP requests and the arguments of MCP tools.

Bounds keep one request to a few seconds: the search for a layout takes longer with every GPU it may use.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

#: The most GPUs that a request may search or name.
MOST_GPUS = 256
#: Longest name or option, in characters.
LONGEST_NAME = 200
#: Longest question, in characters.
LONGEST_QUESTION = 2000

Name = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]
Size = Annotated[int, Field(ge=1, le=MOST_GPUS)]
Count = Annotated[int, Field(ge=1, le=1 << 30)]


def _shown(*examples: dict[str, Any]) -> ConfigDict:
    """Checked strictly, and shown by examples in the descriptions of both interfaces."""
    return ConfigDict(extra="forbid", strict=True, json_schema_extra={"examples": list(examples)})


class Body(BaseModel):
    """A JSON object without keys that mean nothing; a number is a number and a string a string."""

    model_config = _shown()


class LoadBody(Body):
    """A model, a GPU, and the load that every call about them takes."""

    model: Name = Field(description="Id, alias or hub id of a model of the catalogue.")
    gpu: Name = Field(description="Id or alias of a GPU of the catalogue.")
    context: Annotated[int, Field(ge=1, le=1 << 40)] | Name | None = Field(
        None, description='Tokens of one request, as 8192 or "32k". Null: the model\'s full length.'
    )
    users: Annotated[int, Field(ge=1, le=1_000_000)] = Field(1, description="Requests of that length at once.")
    engine: Name = Field("vllm", description="Serving engine, with a version if wanted: vllm, vllm@0.11.")
    gpu_memory_utilization: Annotated[float, Field(gt=0, le=1)] | None = Field(
        None, description="Share of GPU memory that the engine may use. Null: the engine's default."
    )
    weights_dtype: Name | None = Field(None, description="What if the weights were of this type. Null: as released.")
    kv_cache_dtype: Name | None = Field(None, description="auto, bfloat16, float8 ... Null: the model's own.")
    max_num_batched_tokens: Count | None = Field(None, description="Tokens in one batch. Null: the engine's default.")
    max_num_seqs: Annotated[int, Field(ge=1, le=1 << 24)] | None = Field(
        None, description="Sequences at once. Null: the engine's default."
    )


class SizeBody(LoadBody):
    """The fewest GPUs on which a model serves a load."""

    model_config = _shown(
        {"model": "mixtral-8x7b", "gpu": "rtx-a6000"},
        {"model": "llama-3.1-405b", "gpu": "h100", "context": "8k", "users": 16, "details": False},
    )

    layouts: Literal["any", "tensor", "pipeline"] = Field("any", description="Kinds of parallelism allowed.")
    max_gpus: Size = Field(64, description="Where the search ends.")
    details: bool = Field(True, description="Also alternatives, rejected counts, tuned settings, other lengths.")


class FitBody(LoadBody):
    """Whether a layout fits; with ``gpu_count``, whether the best layout of that many GPUs does."""

    model_config = _shown(
        {"model": "mixtral-8x7b", "gpu": "rtx-a6000", "tensor_parallel_size": 4},
        {"model": "llama-3-70b", "gpu": "h100", "gpu_count": 2, "context": 8192},
    )

    gpu_count: Size | None = Field(None, description="Their best layout on this many GPUs, instead of the sizes below.")
    tensor_parallel_size: Size = 1
    pipeline_parallel_size: Size = 1
    data_parallel_size: Size = 1
    expert_parallel: bool = False
    enforce_eager: bool = Field(False, description="Without CUDA graphs.")


class DeployBody(SizeBody):
    """The command or file that starts the server of the plan."""

    model_config = _shown({"model": "gpt-oss-120b", "gpu": "h100", "format": "kubernetes", "tuned": True})

    format: Name = Field(
        description="vllm (the bare command), docker-compose, kubernetes, skypilot, dstack or slurm.",
    )
    weights: Name | None = Field(None, description="Repository to load. Null: the model's own.")
    image: Name | None = Field(None, description="Container image. Null: the engine's own.")
    port: Annotated[int, Field(ge=1, le=65535)] = Field(8000, description="Port of the engine's server.")
    tuned: bool = Field(False, description="With the plan's lower settings, on fewer GPUs.")


class AskBody(Body):
    """A question in words."""

    model_config = _shown(
        {"question": "how many A6000s for Mixtral 8x7b"}, {"question": "does llama 3 70b fit on 4 a6000s?"}
    )

    question: Annotated[str, Field(min_length=1, max_length=LONGEST_QUESTION)] = Field(description="In plain English.")


class ListBody(Body):
    """Which entries of the catalogue."""

    model_config = _shown({"search": "llama"})

    search: Annotated[str, Field(max_length=LONGEST_NAME)] | None = Field(
        None, description="Part of an id, a name or an organization. Null: everything."
    )
