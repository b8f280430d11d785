"""Records of real start-ups: one JSON object a line, figures as the log prints them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar

from gpu_sizer.errors import GpuSizerError, shown
from gpu_sizer.files import parse_json
from gpu_sizer.load import LOAD, Setting
from gpu_sizer.model.caches import SCALED_BY_HEAD
from gpu_sizer.records import dataclass, field, fields

if TYPE_CHECKING:

    class Named(Protocol):
        """What a line holds: it has an id of its own."""

        @property
        def id(self) -> str:
            """The id."""

    Made = TypeVar("Made", bound=Named)
    Outcome = Literal["served", "oom_load", "oom_kv", "error_other"]

OUTCOMES = ("served", "oom_load", "oom_kv", "error_other")

_TEXTS = {
    *("id", "source_url", "engine", "engine_version", "engine_generation", "model", "dtype", "quantization"),
    *("gpu", "outcome", "quote", "note"),
}
_COUNTS = {"gpu_count", "tp", "pp", "dp", "max_model_len", "gpu_blocks", "kv_cache_tokens"}
#: What a value has to be, by the kinds of settings.
_WANTED = {"str": "a text", "bool": "true or false", "int": "a whole number", "float": "a number"}


#: Types of eight bits, as engines print them: fp8_e5m2, fp8_ds_mla, float8_e4m3fn ...
_EIGHT_BITS = ("fp8", "float8")


class EvidenceError(GpuSizerError):
    """A file of records, or a log, that cannot be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceRecord:
    """One start-up of a serving engine; null where its log does not say. Sizes in GiB, as logged."""

    id: str
    model: str
    engine: str = "vllm"
    source_url: str | None = None
    engine_version: str | None = None
    engine_generation: str | None = None
    dtype: str | None = None
    quantization: str | None = None
    kv_cache_dtype: str | None = None
    gpu: str | None = None
    gpu_total_gib: float | None = None
    gpu_count: int | None = None
    tp: int | None = None
    pp: int | None = None
    dp: int | None = None
    ep: bool | None = None
    gpu_memory_utilization: float | None = None
    max_model_len: int | None = None
    max_num_seqs: int | None = None
    max_num_batched_tokens: int | None = None
    enforce_eager: bool | None = None
    weights_gib_per_gpu: float | None = None
    non_torch_gib: float | None = None
    activation_peak_gib: float | None = None
    available_kv_gib: float | None = None
    gpu_blocks: int | None = None
    block_size: int | None = None
    kv_cache_tokens: int | None = None
    max_concurrency: float | None = None
    graph_gib: float | None = None
    outcome: Outcome | None = None
    needed_kv_gib: float | None = None
    quote: str | None = None
    note: str | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    """Settings of a load that have no field above, by their names."""

    def load(self) -> dict[str, Any]:
        """The settings that were told, as options of a request; neither the length nor the type of the weights."""
        told = {name: getattr(self, name, None) for name in OF_LOAD} | self.settings
        cache = str(told["kv_cache_dtype"] or "auto").lower()
        if cache in ("auto", "none"):
            del told["kv_cache_dtype"]
        elif cache.startswith(_EIGHT_BITS) and cache not in SCALED_BY_HEAD:
            told["kv_cache_dtype"] = "fp8"
        return {name: value for name, value in told.items() if value is not None}

    def model_dump(self) -> dict[str, Any]:
        """The object of one line."""
        return {name: getattr(self, name) for name in _FIELDS} | self.settings


_FIELDS = tuple(f.name for f in fields(EvidenceRecord) if f.name != "settings")
#: The settings of a load that a record may tell. What every answer tells (length, users, type of the weights) has keys
#: of its own here.
OF_LOAD: dict[str, Setting] = {s.name: s for s in LOAD if not s.told}
#: The keys of a record.
KEYS: tuple[str, ...] = tuple(dict.fromkeys((*_FIELDS, *OF_LOAD)))


def kind_of(key: str) -> str:
    """What a key of a record holds: a text, true or false, a whole number, or a number."""
    if key in OF_LOAD:
        return OF_LOAD[key].kind
    return "str" if key in _TEXTS else "bool" if key == "ep" else "int" if key in _COUNTS else "float"


def _mistake(key: str, value: Any) -> str | None:
    """What is wrong with a value, or null."""
    if value is None:
        return None
    kind = kind_of(key)
    number = isinstance(value, int if kind == "int" else int | float) and not isinstance(value, bool)
    right = isinstance(value, str) if kind == "str" else isinstance(value, bool) if kind == "bool" else number
    return None if right else f"{key}: must be {_WANTED[kind]}, not {shown(value)}"


def record_from(values: Any, place: str) -> EvidenceRecord:
    """A record from a parsed line; ``place`` stands in messages.

    Raises:
        EvidenceError: an unknown key, a wrong type, or no id or model.
    """
    if not isinstance(values, dict):
        raise EvidenceError(f"{place}: a record must be a JSON object")
    for key, value in values.items():
        if key not in KEYS:
            raise EvidenceError(f"{place}: {key}: unknown key; known: {', '.join(KEYS)}")
        if (mistake := _mistake(key, value)) is not None:
            raise EvidenceError(f"{place}: {mistake}")
    for key in ("id", "model"):
        if key not in values or values[key] == "" or (key == "id" and values[key] is None):
            raise EvidenceError(f"{place}: {key}: missing")
    if values["model"] is None:
        # Told to be unknown, as other keys are: such a record is skipped, not wrong.
        values = {**values, "model": ""}
    if values.get("outcome") not in (None, *OUTCOMES):
        raise EvidenceError(f"{place}: outcome: must be one of {', '.join(OUTCOMES)}, not {values['outcome']!r}")
    if values.get("ep") is None and "ep" in values:
        values = {**values, "ep": None}
    further = {name: values[name] for name in values if name not in _FIELDS}
    return EvidenceRecord(**{name: values[name] for name in values if name in _FIELDS}, settings=further)


def json_lines(lines: Iterable[str], name: str) -> Iterator[tuple[int, str, Any]]:
    """The number, place (file and line) and value of each line of JSON; empty ones are passed over.

    Raises:
        EvidenceError: a line that is not JSON.
    """
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        place = f"{name}:{number}"
        try:
            yield number, place, parse_json(line)
        except ValueError as error:
            raise EvidenceError(f"{place}: not JSON ({error})") from None


def each_once(lines: Iterable[str], name: str, made: Callable[[Any, str], Made]) -> Iterator[Made]:
    """What is made of each line of JSON and its place; no id may be used twice.

    Raises:
        EvidenceError: a line that is not JSON, or an id used twice; and what ``made`` raises.
    """
    seen: dict[str, int] = {}
    for number, place, values in json_lines(lines, name):
        record = made(values, place)
        if record.id in seen:
            raise EvidenceError(f"{place}: id: {record.id!r} stands in line {seen[record.id]} too")
        seen[record.id] = number
        yield record


def read_records(lines: Iterable[str], name: str) -> Iterator[EvidenceRecord]:
    """The records of a JSONL file.

    Args:
        lines: its lines; empty ones are passed over.
        name: the file's name, for messages.

    Raises:
        EvidenceError: a line that is no record (file, line, key, reason), or an id used twice.
    """
    return each_once(lines, name, record_from)
