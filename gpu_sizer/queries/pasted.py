"""Questions that hold what people have at hand: a server's command or its start-up log, each read by its own reader."""

from __future__ import annotations

import re
from io import BytesIO

from gpu_sizer.engines.registry import engine_command_lines
from gpu_sizer.errors import RequestError
from gpu_sizer.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, Literal

    from gpu_sizer.cards.catalogue import Catalogue
    from gpu_sizer.evidence.check import LogCheck
    from gpu_sizer.evidence.preflight import Preflight
    from gpu_sizer.evidence.starting import Starting

#: An option as commands have them: most questions have none, and are not looked at for a command.
_OPTION = re.compile(r"(?:^|\s)--?[a-z][\w-]*|\bserve\s+\S+/\S+", re.M)
#: Where a command within a question ends and the question goes on: before its GPUs.
_GOES_ON = re.compile(r"\s(?=(?:on|using|with)\s+(?!-))|\?\s*$")
#: What a command may stand between.
_QUOTES = {"`": "`", "'": "'", '"': '"', "\u201c": "\u201d", "\u2018": "\u2019"}
#: As much of a log as its answer tells back.
_TOLD = 80
#: Lines that a log has at least.
_LINES = 3
#: A command names no GPU: the question has to. How many there are may be left to the command.
_HINT = "on which GPU does the command run? name it, as in: ... on 2 a6000"


@dataclass(frozen=True, slots=True)
class Command:
    """A command in a question."""

    text: str
    rest: str
    """The question without it."""


@dataclass(frozen=True, slots=True)
class Checked:
    """The answer to a start-up log that was pasted instead of a question."""

    question: str
    checked: LogCheck
    intent: Literal["check"] = "check"

    @property
    def understood(self) -> str:
        """What it was taken for."""
        return f"the start-up log of {self.checked.record.model}, beside the estimate"

    @property
    def fits(self) -> bool:
        """A log was read: what it says of fitting is its answer."""
        return True

    def lines(self) -> Iterator[str]:
        """The answer of ``check-log`` in plain text."""
        from gpu_sizer.evidence.check_lines import lines

        first, *rest = lines(self.checked)
        yield first
        yield f"(understood: {self.understood})"
        yield from rest

    def model_dump(self) -> dict[str, Any]:
        """The JSON object of ``check-log``, and what the question was taken for."""
        asked = {"question": self.question, "intent": self.intent, "understood": self.understood}
        return {**asked, **self.checked.model_dump()}


def find_command(text: str) -> Command | None:
    """The command of a server in a question; null where there is none."""
    if _OPTION.search(text) is None:
        return None

    programs = [p for line in engine_command_lines() for p in line.programs]
    images = [i for line in engine_command_lines() for i in line.images]
    spelled = [r"\s+".join(map(re.escape, p)) for p in programs]
    docker = [rf"(?:docker|podman|nerdctl)\s+run\b(?=.*{re.escape(i)})" for i in images]
    start = re.search(rf"(?:\S*/)?(?:{'|'.join([*docker, *spelled])})(?=\s)", text, re.S)
    if start is None:
        return None
    before, behind = text[: start.start()], re.sub(r"\\\s*\n", " ", text[start.start() :])
    python = re.search(r"python3?\s+-m\s+$", before)
    told, before = (python[0], before[: python.start()]) if python else ("", before)
    opened = before.rstrip()[-1:]
    closing = behind.rfind(_QUOTES[opened]) if opened in _QUOTES else -1
    command, tail = (behind[:closing], behind[closing + 1 :]) if closing > 0 else _cut(behind)
    return Command(told + command.strip(), f"{before.rstrip(opened) if closing > 0 else before} {tail}".strip())


def _cut(text: str) -> tuple[str, str]:
    """A command that stands between no quotes, and what stands behind it."""
    line, newline, rest = text.partition("\n")
    end = _GOES_ON.search(line)
    if end is None:
        return line, rest if newline else ""
    return line[: end.start()], f"{line[end.start() :]} {rest}"


def started(
    read: Preflight, model: str, gpu: str | None, gpu_count: int | None, cards: Catalogue, most_gpus: int | None = None
) -> Starting:
    """Whether the command of a question starts on its GPUs.

    Args:
        read: the command, from :func:`read_command`.
        model: name of the model that it serves.
        gpu: id of the GPU that the question names; null where it names none.
        gpu_count: how many it names.
        cards: the catalogue.
        most_gpus: refuse layouts of more GPUs.

    Raises:
        GpuSizerError: no GPU, an unknown name, or a value that makes no sense.
    """
    from gpu_sizer.evidence.starting import start

    if gpu is None:
        error = RequestError(_HINT, about="gpu")
        error.kind = "incomplete"
        raise error
    return start(read, cards.model(model), cards.gpus.get(gpu), gpu_count=gpu_count, most_gpus=most_gpus)


def read_command(command: Command) -> tuple[Preflight, str]:
    """What a command asks for, and the name of the model that it serves.

    Raises:
        RequestError: it names none, or cannot be read.
    """
    from gpu_sizer.evidence.preflight import preflight
    from gpu_sizer.evidence.starting import model_named

    read = preflight(command.text)
    return read, model_named(read)


def in_log(text: str, cards: Catalogue) -> Checked | None:
    """The answer to a start-up log; null where the text is none.

    Raises:
        GpuSizerError: a log whose model or GPU is not known.
    """
    if text.count("\n") < _LINES:
        return None

    from gpu_sizer.evidence.check import check
    from gpu_sizer.evidence.logs.startup import read_log

    findings = read_log(BytesIO(text.encode("utf-8", "replace")))
    if "engine" not in findings.values or not findings.names:
        return None
    return Checked(" ".join(text.split())[:_TOLD], check(findings, cards))
