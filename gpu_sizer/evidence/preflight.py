"""A server's command read before it is run: typed, in a script, or in a file that holds one."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import Any

import yaml

from gpu_sizer.cards.catalogue import catalogue
from gpu_sizer.cards.model_card import ModelCard
from gpu_sizer.cards.ollama_tags import USUAL_TYPE, as_setting, tagged, usual_type
from gpu_sizer.engines.command_line import REPLICAS_WITHIN, CommandLine
from gpu_sizer.engines.registry import engine_command_lines
from gpu_sizer.errors import RequestError
from gpu_sizer.evidence.identify import GGUF_NAME
from gpu_sizer.load import OPTIONS
from gpu_sizer.memory.layout import LAYOUT
from gpu_sizer.records import dataclass, field, replace

#: The longest text that is read.
LONGEST = 1 << 20
#: What may be set, by name.
_SETTINGS = {**OPTIONS, **{s.name: s for s in LAYOUT}}
#: Where a shell's command ends.
_ENDS = {"&&", "||", ";", "|", "&", ">", ">>", "2>&1"}
#: Programs that run a container, behind ``sudo`` or not.
_DOCKERS = ("docker", "podman", "nerdctl")
#: How deep the resources of a container are.
_DEEPEST = 8
#: A variable of a shell, of compose (with a default) or of Kubernetes.
_VARIABLE = re.compile(r"\$(?:\{(\w+)(?::?-([^}]*))?\}|\((\w+)\)|(\w+))")
_ASSIGNED = re.compile(r"([A-Za-z_]\w*)=(.*)", re.S)
_VERSION = re.compile(r":(?:server-\w+-)?v?(\d+\.\d+[\w.]*)$")
#: Labels of nodes that name their GPUs (NVIDIA's and AMD's operators; GKE, whose names begin with the maker).
_GPU_LABELS = ("nvidia.com/gpu.product", "amd.com/gpu.product-name", "cloud.google.com/gke-accelerator")
#: What a manifest calls GPUs that a container asks for.
_GPU_RESOURCE = re.compile(r"^(?:nvidia|amd|gpu\.intel)\.com/(?:gpu|i915|xe)$")


@dataclass(frozen=True, slots=True)
class Preflight:
    """What a command asks for."""

    engine: str
    """With the version of its image, where one was told."""
    model: str | None
    options: dict[str, Any]
    """Settings of a load and of a layout by name."""
    ignored: tuple[str, ...]
    """Options that were not considered."""
    gpu_count: int | None = None
    """GPUs that a manifest asks for."""
    gpu: str | None = None
    """The GPU that a manifest's nodes must have, in its words."""
    takes_memory: tuple[str, ...] = ()
    """Those of the options not considered that take memory."""

    def told(self) -> dict[str, Any]:
        """What was understood, for JSON."""
        considered = {"engine": self.engine, "model": self.model, "options": self.options}
        rest = {"not_considered": list(self.ignored), "takes_memory": list(self.takes_memory)}
        return {**considered, **rest, "gpu": self.gpu, "gpu_count": self.gpu_count}


@dataclass(slots=True)
class _Call:
    """The words of a container or a shell line, with what stands around them."""

    words: list[str]
    image: str | None = None
    gpu_count: int | None = None
    variables: dict[str, str] = field(default_factory=dict)
    """What stands behind a ``$``."""
    environment: dict[str, str] = field(default_factory=dict)
    """What the server itself is given."""

    def expanded(self) -> list[str]:
        """The words with what their variables hold; an unknown one stays as it is written."""

        def value(match: re.Match[str]) -> str:
            name = match[1] or match[3] or match[4]
            return self.variables.get(name, match[0] if match[2] is None else match[2])

        return [_VARIABLE.sub(value, word) for word in self.words]


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text, comments=True)
    except ValueError as error:
        raise RequestError(f"the command cannot be read: {error}") from None


def _shell_calls(text: str) -> Iterator[_Call]:
    """The commands of a text, one after another, continued lines put together."""
    joined = re.sub(r"\\\s*\n", " ", text)
    variables: dict[str, str] = {}
    for line in joined.splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        words: list[str] = []
        for word in [*_words(line.strip().removeprefix("$ ")), ";"]:
            if word in _ENDS:
                yield _Call(words, variables=variables)
                words = []
            elif (told := _ASSIGNED.fullmatch(word)) and (not words or words == ["export"]):
                variables[told[1]] = told[2].rstrip(",")
            else:
                words.append(word)


def _listed(value: Any) -> list[str]:
    """A command of a manifest: a list of words, or a line of them."""
    if isinstance(value, str):
        return [w for c in _shell_calls(value) for w in c.words]
    words = [str(v) for v in value] if isinstance(value, list) else []
    # sh -c "vllm serve ...", but not a value that is JSON.
    lines = [" " in word.strip() and not word.lstrip().startswith(("{", "[")) for word in words]
    return [
        w
        for word, line in zip(words, lines, strict=True)
        for w in (_words(word.replace("\\\n", " ")) if line else [word])
    ]


def _gpus(value: Any, depth: int = 0) -> int | None:
    """GPUs that the resources of a container ask for."""
    if isinstance(value, dict) and depth < _DEEPEST:
        for key, held in value.items():
            if _GPU_RESOURCE.match(str(key)) and str(held).isdecimal():
                return int(held)
            if key == "devices" and isinstance(held, list):
                counts = [d.get("count") for d in held if isinstance(d, dict) and "gpu" in str(d.get("capabilities"))]
                return next((c for c in counts if isinstance(c, int)), None)
            if (number := _gpus(held, depth + 1)) is not None:
                return number
    return None


def _environment(value: Any) -> dict[str, str]:
    """Variables of a container: names and values as Kubernetes lists them, or as compose does, in either form."""
    if isinstance(value, dict):
        return {str(name): str(told) for name, told in value.items() if isinstance(told, str | int | float)}
    variables = {}
    for part in value if isinstance(value, list) else ():
        if isinstance(part, dict) and isinstance(part.get("value"), str | int | float):
            variables[str(part.get("name"))] = str(part["value"])
        elif isinstance(part, str) and (told := _ASSIGNED.fullmatch(part)):
            variables[told[1]] = told[2]
    return variables


def _manifest_calls(value: Any, seen: set[int]) -> Iterator[_Call]:
    """The containers in a compose file, a manifest or values of a chart; what stands in several places is read once."""
    if id(value) in seen:
        return
    if isinstance(value, dict | list):
        seen.add(id(value))
    if isinstance(value, dict):
        parts = [_listed(value[key]) for key in ("entrypoint", "command", "args") if value.get(key)]
        image = value.get("image")
        if parts or isinstance(image, str):
            around = {k: v for k, v in value.items() if k in ("resources", "deploy")}
            words, named = [w for p in parts for w in p], image if isinstance(image, str) else None
            told = _environment(value.get("env") or value.get("environment"))
            yield _Call(words, named, _gpus(around), told, told)
        for held in value.values():
            yield from _manifest_calls(held, seen)
    elif isinstance(value, list):
        for held in value:
            yield from _manifest_calls(held, seen)


def _selected(value: Any) -> str | None:
    """The GPU that a manifest selects its nodes by; what stands in several places is looked at once."""
    left, seen = [value], set()
    while left:
        part = left.pop()
        if not isinstance(part, dict | list) or id(part) in seen:
            continue
        seen.add(id(part))
        if isinstance(part, list):
            left += part
            continue
        for label, told in part.items():
            if label in _GPU_LABELS and isinstance(told, str):
                return told
        names = part.get("values")
        if part.get("key") in _GPU_LABELS and part.get("operator") == "In" and isinstance(names, list) and names:
            return str(names[0])
        left += part.values()
    return None


def _after(words: list[str], program: tuple[str, ...]) -> list[str] | None:
    """The words behind a program's, wherever it stands."""
    n = len(program)
    for i in range(len(words) - n + 1):
        if (words[i].rpartition("/")[2], *words[i + 1 : i + n]) == program:
            return words[i + n :]
    return None


def _told_to_docker(words: list[str]) -> dict[str, str]:
    """Variables that ``docker run`` gives a container: ``-e NAME=value``, and with ``--env`` or ``--env=``."""
    variables: dict[str, str] = {}
    if any(word in _DOCKERS for word in words[:2]):
        for i, word in enumerate(words):
            pair = words[i + 1] if word in ("-e", "--env") and i + 1 < len(words) else word.removeprefix("--env=")
            if word.startswith(("-e", "--env")) and (told := _ASSIGNED.fullmatch(pair)) is not None:
                variables[told[1]] = told[2]
    return variables


def _behind_image(call: _Call, line: CommandLine) -> tuple[list[str], str] | None:
    """Arguments of an image whose entry point is the server: in a manifest, or behind ``docker run``."""
    words = call.expanded()
    if call.image is not None and call.image.startswith(line.images):
        return words, call.image
    if any(word in _DOCKERS for word in words[:2]):
        for i, word in enumerate(words):
            if word.startswith(line.images):
                behind = words[i + 1 :]
                # An entry point of one's own is told before the image, and what follows its first word behind it.
                for program in line.programs:
                    if program[1:] and tuple(behind[: len(program) - 1]) == program[1:]:
                        return behind[len(program) - 1 :], word
                return behind, word
    return None


def _read(call: _Call, line: CommandLine) -> Preflight | None:
    """A call as one of an engine's server; null where it is none."""
    words = call.expanded()
    images = _behind_image(call, line) if line.images else None
    rest = next((r for p in line.programs if (r := _after(words, p)) is not None), None)
    if rest is None:
        if images is None:
            return None
        rest = images[0]
    environment = call.environment | _told_to_docker(words)
    told = ((flag, environment[name]) for name, flag in line.variables.items() if name in environment)
    # An option goes before a variable, and the last of several before the others.
    rest = [*(word for pair in told for word in pair), *rest]
    version = _VERSION.search(images[1]) if images else None
    engine = line.name if version is None else f"{line.name}@{version.group(1)}"
    return _found(engine, line, _options(rest, line), call.gpu_count)


def _found(
    engine: str, line: CommandLine, read: tuple[str | None, dict[str, Any], list[str]], gpu_count: int | None = None
) -> Preflight:
    model, options, ignored = read
    more = tuple(flag for flag in ignored if flag.replace("_", "-") in line.takes_memory)
    return Preflight(engine, model, options, tuple(ignored), gpu_count, takes_memory=more)


def _options(words: list[str], line: CommandLine) -> tuple[str | None, dict[str, Any], list[str]]:
    model: str | None = None
    options: dict[str, Any] = {}
    ignored: list[str] = []
    i = 0
    while i < len(words):
        word = words[i]
        i += 1
        if not word.startswith("-"):
            if line.bare_model and model is None:
                model = word
            continue
        flag, equals, value = word.partition("=")
        known = flag if flag in line.options else flag.replace("_", "-")
        if known in line.switches:
            key, switched = line.switches[known]
            options[key] = switched
            continue
        if not equals and i < len(words) and not words[i].startswith("-"):
            value = words[i]
            i += known in line.options or known in line.readers or not line.bare_model or model is not None
        key = line.options.get(known, "")
        if known in line.readers and (told := line.readers[known](value)) is not None:
            options |= {name: v for name, v in told.items() if v is not None}
            continue
        if key == "model":
            model = value
        elif key == REPLICAS_WITHIN:
            options |= {"data_parallel_size": _value("data_parallel_size", value, flag), key: True}
        elif key and value:
            options[key] = value if key in line.together else _value(key, value, flag)
        else:
            ignored.append(flag)
    if options.pop(REPLICAS_WITHIN, False):
        ranks, replicas = options.get("tensor_parallel_size", 1), options.get("data_parallel_size", 1)
        if ranks % replicas == 0:
            options |= {"tensor_parallel_size": ranks // replicas, "expert_parallel": replicas > 1}
    if line.finish is not None:
        options, unread = line.finish(options, model)
        ignored += unread
    return model, options, list(dict.fromkeys(ignored))


def _value(key: str, text: str, flag: str) -> Any:
    """A value as the setting wants it.

    Raises:
        RequestError: none that it could be.
    """
    setting = _SETTINGS[key]
    try:
        value = setting.read(text)
        if not setting.tokens:
            setting.check(value)
    except RequestError as error:
        raise RequestError(f"{flag} {text[:40]}: {error}", about=error.about) from None
    return value


def _modelfile(text: str) -> Preflight | None:
    """An Ollama Modelfile: ``FROM`` and ``PARAMETER num_ctx``; Ollama runs llama.cpp."""
    source = re.search(r"^FROM\s+(\S+)", text, re.MULTILINE | re.IGNORECASE)
    if source is None or re.search(r"^\s*(?:RUN|CMD|ENTRYPOINT)\b", text, re.MULTILINE):
        return None
    told = re.findall(r"^PARAMETER\s+(\w+)\s+(\S+)", text, re.MULTILINE | re.IGNORECASE)
    line = next(line for line in engine_command_lines() if ("llama-server",) in line.programs)
    lengths = [value for name, value in told if name.lower() == "num_ctx"]
    options = {"context": lengths[-1]} if lengths else {}
    ignored = tuple(dict.fromkeys(name for name, _ in told if name.lower() != "num_ctx"))
    return Preflight(line.name, source.group(1), options, ignored)


def _config(value: Any) -> Preflight | None:
    """A file of options, as ``vllm serve --config`` takes it."""
    if not isinstance(value, dict) or not isinstance(value.get("model"), str):
        return None
    words: list[str] = []
    for key, held in value.items():
        flag = f"--{str(key).replace('_', '-')}"
        words += [flag] if held is True else [] if held is False or held is None else [f"{flag}={held}"]
    line = next(iter(engine_command_lines()))
    return _found(line.name, line, _options(words, line))


def card_name(name: str) -> str:
    """What a card may be called: of a folder its last part, of a GGUF file the model, of Ollama's library a size."""
    if (of_library := tagged(name)) is not None:
        names = of_library[0]
        return next((n for n in names if catalogue().models.lookup(n) is not None), names[0])
    hub = re.search(r"models--([\w.-]+--[\w.-]+)", name)
    told = hub.group(1).replace("--", "/") if hub else name.rstrip("/")
    if told.startswith(("/", ".", "~")) or told.count("/") > 1:
        told = told.rpartition("/")[2]
    told = GGUF_NAME.sub("", told.partition(":")[0])
    # A repository of GGUF files is somebody's else: the model's name is what says something.
    return told.rpartition("/")[2] if "gguf" in name.lower() else told


def weights_of(name: str | None, card: ModelCard) -> str | None:
    """The type of a GGUF file by its name; llama.cpp and Ollama take Q4_K_M of a repository where none is told."""
    if name is None:
        return None
    if (of_library := tagged(name)) is not None:
        kind = of_library[1] or usual_type(card)
    elif "gguf" in name.lower():
        told = GGUF_NAME.search(name.replace(":", "-"))
        kind = told.group("type") if told else None
        if kind is None and not name.lower().endswith(".gguf"):
            kind = USUAL_TYPE
    else:
        return None
    return as_setting(kind) if kind else None


def preflight(text: str) -> Preflight:
    """What a command, a script, a manifest or a file of options asks for.

    Raises:
        RequestError: no server's command is in it, or a value that makes no sense.
    """
    if len(text) > LONGEST:
        raise RequestError(f"the text is longer than {LONGEST >> 20} MiB: is it a command?")
    calls: list[_Call] = []
    document = _documents(text)
    if document is not None:
        calls += _manifest_calls(document, set())
    else:
        calls += _shell_calls(text)
    for call in calls:
        for line in engine_command_lines():
            if (made := _read(call, line)) is not None:
                return made if document is None else replace(made, gpu=_selected(document))
    for document_part in document or ():
        if (made := _config(document_part)) is not None:
            return made
    if document is None and (made := _modelfile(text)) is not None:
        return made
    known = ", ".join(" ".join(line.programs[0]) for line in engine_command_lines())
    raise RequestError(f"no command of a server is found in it; known: {known}")


def _documents(text: str) -> list[Any] | None:
    """The documents of YAML or JSON; null for other texts."""

    try:
        documents = [d for d in yaml.safe_load_all(text) if d is not None]
    except (yaml.YAMLError, RecursionError, ValueError):
        return None
    return documents if any(isinstance(d, dict | list) for d in documents) else None
