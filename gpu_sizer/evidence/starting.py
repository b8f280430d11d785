"""Whether a server's command starts on GPUs that are told: a preflight."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from gpu_sizer.cards.gpu_spec import GpuSpec
from gpu_sizer.cards.machine import Offer
from gpu_sizer.cards.model_card import ModelCard
from gpu_sizer.errors import RequestError
from gpu_sizer.evidence.preflight import Preflight, card_name, weights_of
from gpu_sizer.load import WEIGHTS
from gpu_sizer.memory.layout import LAYOUT, Layout
from gpu_sizer.planning.plan import Fit
from gpu_sizer.planning.planned import fit
from gpu_sizer.planning.request import make_request
from gpu_sizer.records import dataclass
from gpu_sizer.words import plain
from gpu_sizer.words.blocks import USUAL, Paragraph, Told
from gpu_sizer.words.plan import fit_told

_SIZES = tuple(s.name for s in LAYOUT)


@dataclass(frozen=True, slots=True)
class Starting:
    """What a command asks for, and whether that fits."""

    command: Preflight
    fit: Fit
    """The command's layout; it does not fit where it takes more GPUs than there are."""

    @property
    def fits(self) -> bool:
        """Whether the server starts."""
        return self.fit.fits

    @property
    def notes(self) -> tuple[str, ...]:
        """What of the command was not considered."""
        notes = []
        if self.command.takes_memory:
            listed = ", ".join(self.command.takes_memory)
            notes.append(f"These take memory beside that, and how much is not known: {listed}")
        if self.command.ignored:
            notes.append(f"Not considered: {', '.join(self.command.ignored)}")
        return tuple(notes)

    def told(self, level: int = USUAL) -> Told:
        """The answer in words."""
        made = fit_told(self.fit, level)
        return made.followed_by(Paragraph(self.notes, close=True)) if self.notes else made

    def lines(self) -> Iterator[str]:
        """The whole answer in plain text."""
        return plain.lines(self.told())

    def model_dump(self) -> dict[str, Any]:
        """The JSON object: that of a fit, and the command as it was understood."""
        return {**self.fit.model_dump(), "command": self.command.told()}


def model_named(command: Preflight, model: str | None = None) -> str:
    """The name of the model that a command serves.

    Args:
        command: as read.
        model: another name for it, which goes first.

    Raises:
        RequestError: neither names one.
    """
    if (name := model or command.model) is None:
        raise RequestError("the command names no model: name one beside it", about="model")
    if name.startswith("$"):
        raise RequestError(f"the command names its model by {name[:60]}, of which nothing is told", about="model")
    return card_name(name)


def start(
    command: Preflight,
    card: ModelCard,
    gpu: GpuSpec,
    *,
    machine: Offer | None = None,
    gpu_count: int | None = None,
    most_gpus: int | None = None,
    as_fit: Callable[[Fit], Fit] = lambda sent: sent,
    **told: Any,
) -> Starting:
    """Whether a command starts.

    Args:
        command: as read.
        card: the model that it serves.
        gpu: what it runs on.
        machine: the machine that the GPUs are in.
        gpu_count: GPUs that are there; null is as many as the manifest asks for, or the machine has, or it takes.
        most_gpus: refuse layouts of more GPUs; null is as many as can be planned.
        as_fit: makes a fit into the answer of the library's own calls.
        told: settings of the load and sizes of the layout that go before the command's.

    Raises:
        RequestError: a value that makes no sense.
    """
    file_type = weights_of(command.model, card)
    asked: dict[str, Any] = {WEIGHTS: file_type} if file_type else {}
    asked |= {"engine": command.engine, **command.options, **told}
    layout = Layout(**{name: asked.pop(name) for name in _SIZES if name in asked})
    if most_gpus is not None and layout.gpu_count > most_gpus:
        raise RequestError(
            f"the command takes {layout.gpu_count:,} GPUs; at most {most_gpus} can be asked about here", about="gpu"
        )
    there = gpu_count or command.gpu_count or (machine.machine.gpu_count if machine is not None else None)
    request = make_request(card, gpu, machine=machine, **asked)
    return Starting(command, as_fit(fit(request, layout, gpus=there)))
