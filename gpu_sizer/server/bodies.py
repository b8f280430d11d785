"""What a caller may ask, field by field and with bounds: the bodies of HTTP requests and the arguments of MCP tools.

Bounds keep one request to a few seconds: the search for a layout takes longer with every GPU it may use.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, create_model

from gpu_sizer.deploy.choices import CHOICES
from gpu_sizer.deploy.formats import FORMATS
from gpu_sizer.load import ENGINE, LIMITS, LOAD, OPTIONS, Setting
from gpu_sizer.memory.layout import LAYOUT

#: The most GPUs that a request may search or name.
MOST_GPUS = 256
#: The most GPUs, times users, for which a question can ask what of the whole catalogue runs: seconds of work.
MOST_LISTED = 1024
#: Longest name or option, in characters.
LONGEST_NAME = 200
#: Longest command, or file that holds one, in characters.
LONGEST_COMMAND = 16000
#: The most words of an engine's own options, each as long as a command may be.
MOST_WORDS = 200
#: Longest model card or configuration, in characters.
LONGEST_FILE = 48_000
#: Longest question, in characters.
LONGEST_QUESTION = 2000

Name = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]
Size = Annotated[int, Field(ge=1, le=MOST_GPUS)]
#: Settings whose bound is a server's own: the search takes longer with every GPU.
_MOST = dict.fromkeys(("max_gpus", *(s.name for s in LAYOUT)), MOST_GPUS)


def _shown(*examples: dict[str, Any]) -> ConfigDict:
    """Checked strictly, and shown by examples in the descriptions of both interfaces."""
    return ConfigDict(extra="forbid", strict=True, json_schema_extra={"examples": list(examples)})


class Body(BaseModel):
    """A JSON object without keys that mean nothing; a number is a number and a string a string."""

    model_config = _shown()


B = TypeVar("B", bound="ModelBody")
#: How much of an answer is told in words.
Words = Literal["brief", "usual", "why"]
_WORDS = "The answer in words too, as blocks that can be drawn: the choices, what they rest on, or every reason."


def _field(s: Setting) -> tuple[Any, Any]:
    """The annotation and the field of a setting: its own bounds, and those of a server."""
    kind: Any = Name
    if s.choices:
        kind = Literal[s.choices]
    elif s.kind == "int":
        kind = Annotated[int, Field(ge=s.least, le=_MOST.get(s.name, s.most))]
    elif s.kind == "float":
        kind = Annotated[float, Field(gt=0 if s.least is None else None, ge=s.least, le=s.most)]
    elif s.kind == "bool":
        kind = bool
    if s.tokens:
        kind = kind | Name
    return kind if s.default is not None else kind | None, Field(s.default, description=s.doc)


def takes(*settings: Setting) -> Callable[[type[B]], type[B]]:
    """Gives a body a field for each setting, behind its own."""

    def made(body: type[B]) -> type[B]:
        fields: dict[str, Any] = {s.name: _field(s) for s in settings}
        found = create_model(body.__name__, __base__=body, __module__=body.__module__, __doc__=body.__doc__, **fields)
        found._settings = body._settings | frozenset(fields)
        return found

    return made


class ModelBody(Body):
    """A model, and the load that every call about it takes."""

    _settings: ClassVar[frozenset[str]] = frozenset()

    model: Name = Field(description="Id, alias or hub id of a model of the catalogue.")

    def load(self) -> dict[str, Any]:
        """The options of the library's calls; an engine that is left out may be told by the model's name."""
        given = self._settings if ENGINE.name in self.model_fields_set else self._settings - {ENGINE.name}
        return {name: getattr(self, name) for name in given if name in OPTIONS}


class LoadBody(ModelBody):
    """A model, the GPU that it shall run on, told by name or by a machine's, and the load."""

    gpu: Name | None = Field(None, description="Id or alias of a GPU of the catalogue.")
    machine: Name | None = Field(None, description="A machine that can be rented, instead of a GPU: p5.48xlarge.")
    words: Words | None = Field(default=None, description=_WORDS)


@takes(*LOAD, ENGINE, *LIMITS)
class SizeBody(LoadBody):
    """The fewest GPUs on which a model serves a load."""

    model_config = _shown(
        {"model": "mixtral-8x7b", "gpu": "rtx-a6000"},
        {"model": "llama-3.1-405b", "gpu": "h100", "context": "8k", "users": 16, "details": False},
    )

    details: bool = Field(True, description="Also alternatives, rejected counts, tuned settings, other lengths.")


class FileBody(SizeBody):
    """The fewest GPUs for a model of one's own, whose card or configuration is sent along."""

    model_config = _shown(
        {
            "name": "config.json",
            "text": '{"model_type": "llama", "hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32, '
            '"num_attention_heads": 32, "num_key_value_heads": 8, "vocab_size": 128256, '
            '"max_position_embeddings": 8192}',
            "gpu": "h100",
        }
    )

    model: Name | None = Field(None, description="Not looked at: the file is the model.")  # type: ignore[assignment]
    name: Name = Field(description="The file's name: .json is a configuration, everything else a model card in YAML.")
    text: Annotated[str, Field(min_length=1, max_length=LONGEST_FILE)] = Field(description="What is in the file.")


@takes(*LAYOUT, *LOAD, ENGINE)
class LayoutBody(LoadBody):
    """A layout that is told, or the best one of a number of GPUs."""

    gpu_count: Size | None = Field(None, description="Their best layout on this many GPUs, instead of the sizes below.")

    def layout(self) -> dict[str, Any]:
        """The parallel sizes."""
        return {s.name: getattr(self, s.name) for s in LAYOUT}


class FitBody(LayoutBody):
    """Whether a layout fits, or the best one of ``gpu_count`` GPUs, or what a command asks for."""

    model_config = _shown(
        {"model": "mixtral-8x7b", "gpu": "rtx-a6000", "tensor_parallel_size": 4},
        {"model": "llama-3-70b", "gpu": "h100", "gpu_count": 2, "context": 8192},
        {"command": "vllm serve Qwen/Qwen3-8B --max-model-len 32768", "gpu": "l4"},
    )

    model: Name | None = Field(  # type: ignore[assignment]
        None, description="Id, alias or hub id of a model of the catalogue; null is the one that the command names."
    )
    command: Annotated[str, Field(min_length=1, max_length=LONGEST_COMMAND)] | None = Field(
        None,
        description="A server's command, or a script, compose file, manifest, Modelfile or file of options with one: "
        "whether it starts on these GPUs (gpu_count: how many there are). Settings beside it go first.",
    )


class SpeedBody(LayoutBody):
    """How fast a layout is; with ``gpu_count``, how fast the fastest layout of that many GPUs is."""

    model_config = _shown(
        {"model": "llama-3-70b", "gpu": "h100", "tensor_parallel_size": 4, "users": 16},
        {"model": "mixtral-8x7b", "gpu": "rtx-a6000", "gpu_count": 4, "users": 8, "prompt": 2000, "answer": 500},
    )


@takes(*CHOICES, *LAYOUT)
class DeployBody(SizeBody):
    """The command or file that starts the server of the plan, or of a layout where one of its sizes is told."""

    model_config = _shown(
        {"model": "gpt-oss-120b", "gpu": "h100", "format": "kubernetes", "tuned": True},
        {"model": "qwen3-32b", "gpu": "h100", "format": "vllm", "extra": ["--tool-call-parser", "hermes"]},
    )

    format: Name = Field(description=f"{', '.join(FORMATS)}; the first ones are the bare commands of engines.")
    extra: Annotated[list[Annotated[str, Field(max_length=LONGEST_COMMAND)]], Field(max_length=MOST_WORDS)] = Field(
        [], description="The engine's own options behind the plan's, a word each; its version must know them."
    )

    def layout(self) -> dict[str, Any]:
        """The parallel sizes that were told."""
        return {s.name: getattr(self, s.name) for s in LAYOUT if s.name in self.model_fields_set}


@takes(*LOAD, ENGINE, *(s for s in LIMITS if s.name != "gpus_per_node"))
class RentBody(ModelBody):
    """Whole machines that carry a load, the cheapest first."""

    model_config = _shown({"model": "mixtral-8x7b"}, {"model": "deepseek-r1", "provider": "aws", "context": "32k"})

    provider: Name | None = Field(None, description="Only machines of this provider: aws, lambda ...")
    region: Name | None = Field(None, description="Part of a region's name.")
    spot: bool = Field(False, description="Spot prices, instead of those on demand.")
    max_price: Annotated[float, Field(gt=0)] | None = Field(
        None, description="The most to pay an hour in US dollars, for all machines together."
    )
    as_of: Name | None = Field(None, description="Day from which the age of prices is counted, as 2026-11-30.")
    everything: bool = Field(False, description="Also dearer machines of the same GPUs at the same provider.")
    words: Words | None = Field(default=None, description=_WORDS)


class AskBody(Body):
    """A question in words."""

    model_config = _shown(
        {"question": "how many A6000s for Mixtral 8x7b"}, {"question": "does llama 3 70b fit on 4 a6000s?"}
    )

    question: Annotated[str, Field(min_length=1, max_length=LONGEST_QUESTION)] = Field(description="In plain English.")
    words: Words | None = Field(default=None, description=_WORDS)


class ListBody(Body):
    """Which entries of the catalogue."""

    model_config = _shown({"search": "llama"})

    search: Annotated[str, Field(max_length=LONGEST_NAME)] | None = Field(
        None, description="Part of an id, a name or an organization. Null: everything."
    )
