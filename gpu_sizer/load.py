"""The load that an engine is asked to carry: every setting is one field, declared once.

A field of :class:`Load` or :class:`Limits` is all there is to a setting. From its type, bounds, flag, description and
words come the options of every command, the arguments of the library's calls, the bodies of HTTP and MCP, the keys of
table specs and of Terraform, what a question may say, what an answer says it assumed, and the keys of every cache.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import compress
from operator import attrgetter, ne

from gpu_sizer.errors import RequestError, shown, unknown_word
from gpu_sizer.model.bounds import MOST_TOKENS
from gpu_sizer.records import dataclass, field, fields, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any, Literal, TypedDict

    Layouts = Literal["any", "tensor", "pipeline"]
    Kind = Literal["int", "float", "str", "bool"]

LAYOUTS: tuple[Layouts, ...] = ("any", "tensor", "pipeline")
#: The setting of the weights' type, which files and names of models may tell.
WEIGHTS = "weights_dtype"
#: The largest search.
MOST_GPUS = 4096
#: Loads whose resolved settings are kept.
MOST_SETTINGS = 1024
#: More simultaneous users than any deployment has.
MOST_USERS = 1_000_000

#: Lengths of prompt and answer where a speed is asked for without any.
USUAL_PROMPT, USUAL_ANSWER = 1024, 256

_TRUTH = {"true": True, "false": False}
_SWITCH = {True: "on", False: "off"}


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting, with all that an interface has to know of it."""

    name: str
    """As in Python, JSON and HTTP, and in the engine where it has one."""
    kind: Kind
    doc: str
    """One sentence, and what the default is where it is null."""
    default: Any
    flag: str
    """As on the command line; what may be turned off has ``--no-`` before its name, too."""
    least: int | None
    most: int | None
    """Bounds of numbers; one with a fraction lies above 0 where no least is told."""
    choices: tuple[str, ...]
    words: tuple[str, ...] | None
    """What a question may say, beside the name: before a value, or by itself for what is on or off.

    Null where questions have a reader of their own for it.
    """
    said: str
    """How an answer says it back; empty for the name and the value."""
    tokens: bool
    """A number of tokens, which may be written as 32k."""
    told: bool
    """Answers tell it even where it has its default."""
    of_model: bool
    """It changes what is loaded, not only what runs: prepared models differ by it."""
    by_gpu: bool
    """Where it is null, the engine's default depends on the GPU."""
    counted: bool
    """It takes or saves memory as only an engine that counts it can tell: others refuse it."""
    axis: str
    """The word for several of its values where a sweep may have them; empty where it has one."""
    about: str
    """What an error in it concerns."""

    @property
    def key(self) -> str:
        """Its word in a table's spec: the flag's."""
        return self.flag.removeprefix("--").partition("/")[0].replace("-", "_")

    def check(self, value: Any) -> None:
        """Refuses what this setting cannot be; null is the default.

        Raises:
            RequestError: a value of another kind, or out of bounds.
        """
        if value is None:
            return
        if self.kind == "int":
            if isinstance(value, bool) or not isinstance(value, int):
                raise RequestError(f"{self.key} must be a whole number, not {value!r:.60}", about=self.about)
            least, most = self.least or 0, self.most
            if value < least or (most is not None and value > most):
                bounds = f"from {least:,} to {most:,}" if most is not None else f"at least {least:,}"
                raise RequestError(f"{self.key} must be {bounds}, not {shown(value)}", about=self.about)
        elif self.kind == "float":
            number = isinstance(value, int | float) and not isinstance(value, bool)
            above = number and (value > 0 if self.least is None else value >= self.least)
            if not above or not value <= (self.most or float("inf")):
                low = "above 0" if self.least is None else f"at least {self.least}"
                bounds = f"{low} and at most {self.most}" if self.most is not None else low
                raise RequestError(f"{self.key} must be {bounds}, not {value!r:.60}", about=self.about)
        elif self.kind == "bool":
            if not isinstance(value, bool):
                raise RequestError(f"{self.key} must be true or false, not {value!r:.60}", about=self.about)
        elif not isinstance(value, str):
            raise RequestError(f"{self.key} must be a text, not {value!r:.60}", about=self.about)
        elif self.choices and value not in self.choices:
            raise RequestError(
                f"{self.key} must be one of {', '.join(self.choices)}, not {value[:40]!r}",
                about=self.about,
                suggestions=self.choices,
            )

    def read(self, text: str) -> Any:
        """The value of a text; a number of tokens stays as it is written, since ``k`` depends on the model.

        Raises:
            RequestError: no number where one belongs.
        """
        if self.tokens or self.kind == "str":
            return text
        if self.kind == "bool":
            if text not in _TRUTH:
                raise RequestError(f"{self.name} must be true or false, not {text[:40]!r}", about=self.about)
            return _TRUTH[text]
        try:
            return int(text) if self.kind == "int" else float(text)
        except ValueError:
            raise RequestError(f"{self.name} must be a number, not {text[:40]!r}", about=self.about) from None

    def say(self, value: Any) -> str:
        """A value in words: ``weights in float8``, ``max_num_seqs 64``."""
        shown = _SWITCH.get(value, value) if self.kind == "bool" else value
        return self.said.format(shown) if self.said else f"{self.name} {str(value).lower()}"


def _described(name: str, kind: str, default: Any, doc: str, **facts: Any) -> Setting:
    flag = f"--{name.replace('_', '-')}"
    whole: dict[str, Any] = {
        "flag": f"{flag}/--no-{flag[2:]}" if kind == "bool" and default is not False else flag,
        "least": 1 if kind == "int" else None,
        "most": None,
        "choices": (),
        "words": (),
        "said": "",
        "tokens": False,
        "told": False,
        "of_model": False,
        "by_gpu": False,
        "counted": False,
        "axis": "",
        "about": "question",
    }
    return Setting(name=name, kind=kind, doc=doc, default=default, **{**whole, **facts})  # type: ignore[arg-type]


#: Of a field that has to be given.
REQUIRED = object()


def setting(default: Any, doc: str, **facts: Any) -> Any:
    """A field that is a setting.

    Args:
        default: null where the engine or the GPU has one; required where it is resolved before.
        doc: one sentence; it is the help of the option, and the description in schemas.
        facts: the further fields of :class:`Setting`; the flag is the name unless told, whole numbers begin at 1.
    """
    metadata = {"doc": doc, **facts}
    return field(metadata=metadata) if default is REQUIRED else field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What an engine is asked to carry, and how: null means the engine's own default."""

    context: int = setting(
        REQUIRED,
        "Tokens of one request, as 8192 or 32k. Default: the model's full length.",
        most=MOST_TOKENS,
        tokens=True,
        told=True,
        words=None,
        about="context",
    )
    users: int = setting(1, "Requests of that length at once.", most=MOST_USERS, told=True, words=None, about="users")
    weights_dtype: str | None = setting(
        None,
        "What if the weights were of this type. Default: as released.",
        told=True,
        of_model=True,
        words=None,
        said="weights in {}",
        axis="weights_dtypes",
    )
    kv_cache_dtype: str | None = setting(
        None,
        "auto, bfloat16, float8 ... Default: the model's own.",
        words=None,
        said="cache in {}",
        axis="kv_cache_dtypes",
    )
    gpu_memory_utilization: float | None = setting(
        None,
        "Share of GPU memory that the engine may use. Default: the engine's.",
        flag="--utilization",
        most=1,
        by_gpu=True,
        words=None,
        said="utilization {:g}",
        axis="utilizations",
    )
    max_num_batched_tokens: int | None = setting(
        None, "Tokens in one batch. Default: the engine's for the GPU.", most=1 << 30, by_gpu=True
    )
    max_num_seqs: int | None = setting(
        None, "Sequences at once. Default: the engine's for the GPU.", most=1 << 24, by_gpu=True
    )
    enforce_eager: bool = setting(
        False,
        "Without CUDA graphs.",
        words=(
            *("eager mode", "eager", "no cuda graphs", "without cuda graphs", "cuda graphs off"),
            "cuda graphs disabled",
        ),
        said="without CUDA graphs",
    )
    block_size: int | None = setting(None, "Tokens in one block of the cache. Default: the engine's.", most=1 << 20)
    hybrid_kv: bool = setting(
        True,
        "Layers with a window keep that alone, where the engine can; else the whole context.",
        words=("disable hybrid kv cache manager",),
        said="the whole context in every layer",
    )
    prefix_caching: bool | None = setting(
        None,
        "States of Mamba and hybrid models are kept for prefixes that come again. Default: the engine's.",
        words=None,
        said="prefix caching {}",
    )
    speculative: str | None = setting(
        None,
        "mtp:N (tokens drafted ahead by the model's prediction layers) or draft:MODEL:N. Default: none.",
        of_model=True,
        counted=True,
        words=None,
        said="speculative decoding by {}",
    )
    language_model_only: bool = setting(
        False,
        "Without vision and audio towers.",
        of_model=True,
        counted=True,
        words=("without the vision tower", "without vision tower", "no vision tower"),
        said="without vision and audio towers",
    )
    lora: str | None = setting(
        None,
        "Slots of LoRA adapters and the highest rank of one, as 4x16. Default: none.",
        of_model=True,
        counted=True,
        words=None,
        said="LoRA adapters in slots x rank {}",
    )
    cpu_offload_gib: float | None = setting(
        None,
        "GiB of weights of each GPU that stay in the machine's memory. Default: none.",
        most=1 << 20,
        of_model=True,
        counted=True,
        words=None,
        said="{:g} GiB of each GPU's weights in the machine's memory",
    )
    n_gpu_layers: int | None = setting(
        None,
        "llama.cpp: layers on GPUs, the output's first and then the last ones. Default: all.",
        least=0,
        most=1 << 20,
        counted=True,
        words=("gpu layers", "ngl"),
        said="{} layers on GPUs",
    )
    n_cpu_moe: int | None = setting(
        None,
        "llama.cpp: first layers whose experts stay in the machine's memory. Default: none.",
        least=0,
        most=1 << 20,
        counted=True,
        words=("cpu moe layers", "ncmoe"),
        said="experts of {} layers in the machine's memory",
    )
    flash_attention: bool | None = setting(
        None,
        "llama.cpp: scores of attention are never whole in memory. Default: on since b6327, off before.",
        counted=True,
        words=("flash attention", "flash attn"),
        said="flash attention {}",
    )
    disable_custom_all_reduce: bool = setting(
        False, "Without the engine's own all-reduce, and its buffers.", said="without the engine's own all-reduce"
    )
    prompt: int | None = setting(
        None,
        "Tokens of a prompt, where speed is asked for. Default: 1024.",
        most=MOST_TOKENS,
        tokens=True,
        # In words, a prompt and an answer are a length of context; the reader of questions adds them up.
        words=None,
        said="prompts of {} tokens",
    )
    answer: int | None = setting(
        None,
        "Tokens of an answer, where speed is asked for. Default: 256.",
        most=MOST_TOKENS,
        tokens=True,
        words=None,
        said="answers of {} tokens",
    )
    tokens_per_second: float | None = setting(
        None,
        "Tokens a second that each user has to get, surely. Default: any speed does.",
        words=None,
        said="{:g} tokens a second for each user",
    )
    requests_per_second: float | None = setting(
        None,
        "Requests a second that have to be answered in all, surely. Default: any speed does.",
        words=None,
        said="{:g} requests a second",
    )

    HASHED_ONCE = True

    @property
    def asks_rate(self) -> bool:
        """Whether a speed has to be reached."""
        return self.tokens_per_second is not None or self.requests_per_second is not None

    def alone(self, context: int = 1) -> Load:
        """One request of so many tokens, whatever the rates: what a replica does of itself is kept by this."""
        return replace(
            self,
            context=context,
            users=1,
            prompt=None,
            answer=None,
            tokens_per_second=None,
            requests_per_second=None,
        )

    def of_model(self) -> Load:
        """What of it changes the model as it is loaded, all else at its default: prepared models are kept by this."""
        values = _OF_MODEL(self)
        return (
            AS_RELEASED if values == _RELEASED else Load(context=1, **dict(zip(_OF_MODEL_NAMES, values, strict=True)))
        )

    def changed(self) -> Iterator[Setting]:
        """The settings that are not at their default."""
        return compress(LOAD, map(ne, _VALUES(self), _DEFAULTS))

    def resolved(
        self,
        *,
        users: int,
        gpu_memory_utilization: float,
        kv_cache_dtype: str,
        max_num_seqs: int,
        max_num_batched_tokens: int,
        **others: Any,
    ) -> Settings:
        """What the engine runs with: these defaults resolved, all else as asked.

        Args:
            users: of one replica.
            gpu_memory_utilization: the share in force.
            kv_cache_dtype: the type in force.
            max_num_seqs: sequences of one replica.
            max_num_batched_tokens: tokens of its batch.
            others: what the engine has otherwise than asked.
        """
        return _resolved(
            self,
            users=users,
            gpu_memory_utilization=gpu_memory_utilization,
            kv_cache_dtype=kv_cache_dtype,
            max_num_seqs=max_num_seqs,
            max_num_batched_tokens=max_num_batched_tokens,
            **others,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(Load):
    """What the engine runs with on one GPU, for one replica: a load whose defaults are resolved.

    It holds every setting, so that what is kept by it is never found again under another.
    """

    gpu_memory_utilization: float = 1.0
    kv_cache_dtype: str = "auto"
    max_num_seqs: int = 1
    max_num_batched_tokens: int = 1


@lru_cache(maxsize=MOST_SETTINGS)
def _resolved(load: Load, **others: Any) -> Settings:
    """A load with some values in force: the same object for the many models of a list that run with the same."""
    return Settings(**{**dict(zip(_NAMES, _VALUES(load), strict=True)), **others})


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Where a search may look."""

    layouts: Layouts = setting(
        "any",
        "any, tensor (tensor parallel only) or pipeline.",
        choices=LAYOUTS,
        told=True,
        words=None,
        said="{} parallel only",
    )
    max_gpus: int = setting(64, "Where the search ends.", most=MOST_GPUS, words=None, said="at most {} GPUs")
    gpus_per_node: int | None = setting(
        None, "GPUs in one machine. Default: the spec's.", most=MOST_GPUS, words=None, said="{} GPUs in one machine"
    )
    single_node: bool = setting(False, "One machine only.", words=None, said="one machine only")


def settings_of(kind: type) -> tuple[Setting, ...]:
    """The settings that the fields of a class declare, in their order."""
    settings = []
    for f in fields(kind):
        if not f.metadata:
            continue
        types = str(kind.__annotations__[f.name]).partition(" ")[0]
        known = types if types in ("int", "float", "bool") else "str"
        default = None if f.required else f.default
        settings.append(_described(f.name, known, default, **f.metadata))
    return tuple(settings)


LOAD = settings_of(Load)
LIMITS = settings_of(Limits)
#: The settings of which a sweep may have several values, in the order of its axes.
VARIED = tuple([s for s in LOAD if s.axis])
#: The engine is a setting of every request, but of no load: each has its own answer to one.
ENGINE = _described(
    "engine",
    "str",
    "vllm",
    "Serving engine, with a version if wanted: vllm, vllm@0.11; `gpu-sizer engines` lists all.",
    words=None,
)
#: Every option of a request by its name.
OPTIONS = {s.name: s for s in (*LOAD, ENGINE, *LIMITS)}


def checked(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that are not null, each checked by its own bounds.

    Raises:
        RequestError: an unknown option, or a value that makes no sense.
    """
    values = {}
    for name, value in options.items():
        if name not in OPTIONS:
            raise unknown_word(f"unknown option {name[:60]!r}", name, OPTIONS)
        if value is not None:
            OPTIONS[name].check(value)
            values[name] = value
    return values


def told(values: Mapping[str, Any]) -> dict[str, Any]:
    """Those options that an answer tells: always, or since they are not at their default."""
    return {n: v for n, v in values.items() if OPTIONS[n].told or v != OPTIONS[n].default}


_NAMES = tuple([s.name for s in LOAD])
_DEFAULTS = tuple([s.default for s in LOAD])
_VALUES = attrgetter(*_NAMES)
_OF_MODEL_NAMES = tuple([s.name for s in LOAD if s.of_model])
_OF_MODEL = attrgetter(*_OF_MODEL_NAMES)
#: The load under which a model is prepared as it was released.
AS_RELEASED = Load(context=1)
_RELEASED = _OF_MODEL(AS_RELEASED)


if TYPE_CHECKING:

    class LoadOptions(TypedDict, total=False):
        """The settings of :class:`Load` as arguments; a test holds that each is here."""

        context: int | str | None
        users: int
        weights_dtype: str | None
        kv_cache_dtype: str | None
        gpu_memory_utilization: float | None
        max_num_batched_tokens: int | None
        max_num_seqs: int | None
        enforce_eager: bool
        block_size: int | None
        hybrid_kv: bool
        prefix_caching: bool | None
        speculative: str | None
        language_model_only: bool
        lora: str | None
        cpu_offload_gib: float | None
        n_gpu_layers: int | None
        n_cpu_moe: int | None
        flash_attention: bool | None
        disable_custom_all_reduce: bool
        prompt: int | str | None
        answer: int | str | None
        tokens_per_second: float | None
        requests_per_second: float | None

    class FitOptions(LoadOptions, total=False):
        """A load and its engine."""

        engine: str

    class SizeOptions(FitOptions, total=False):
        """... and where a search may look."""

        layouts: str
        max_gpus: int
        gpus_per_node: int | None
        single_node: bool
