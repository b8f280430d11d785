"""A deployment made from a plan: which machines, what is loaded, how it is called, and what has to be said of it."""

from __future__ import annotations

import re
import zlib
from typing import TYPE_CHECKING

from gpu_sizer.cards.model_card import ModelCard
from gpu_sizer.cards.names import normal_short
from gpu_sizer.deploy.choices import Choices
from gpu_sizer.deploy.serving import Serving
from gpu_sizer.deploy.text import LONGEST_NAME, slug
from gpu_sizer.engines.registry import command_line_of, flags_of, remote_code, starter_of
from gpu_sizer.engines.serving import Start, Starter
from gpu_sizer.engines.versions import number
from gpu_sizer.errors import RequestError
from gpu_sizer.memory.layout import Layout
from gpu_sizer.planning.machines import Machines, machines
from gpu_sizer.planning.plan import Fit, Plan
from gpu_sizer.planning.rental import named_machines
from gpu_sizer.planning.search import Search

if TYPE_CHECKING:
    from gpu_sizer.engines.flags import Flags


def _version(fit: Fit) -> str:
    """The version that was named, or the first of the range that was planned with, in three numbers.

    Of a line that loads the model from some version on, it is that one.
    """
    named = fit.request.get_engine().release_for(fit.request.model)
    parts = re.findall(r"\d+", named)[:3]
    return ".".join(parts + ["0"] * (3 - len(parts)))


def check_several(how: Starter, engine: str, version: str) -> None:
    """Refuses several machines where this version cannot be started on them by a command on each.

    Raises:
        RequestError: what it would take.
    """
    if (first := how.several_from) is None:
        raise RequestError(f"{how.title} is not started over several machines here: plan with at most one machine's")
    if number(version)[:2] < first:
        raise RequestError(
            f"{engine} {version} runs over several machines only in a Ray cluster of yours; "
            f"{engine}@{first[0]}.{first[1]} and later without one"
        )


def _check_replicas(how: Starter, chosen: Machines) -> None:
    """Refuses replicas over several machines for engines of which one server's lie on one.

    Raises:
        RequestError: how to deploy them instead.
    """
    layout = chosen.fit.layout
    if layout.data_parallel_size == 1 or layout.expert_parallel or how.replicas_over_machines:
        return
    each, rest = divmod(layout.data_parallel_size, chosen.nodes)
    instead = f"--dp {each}, on each of {chosen.nodes} machines" if not rest else "--dp 1, as often as needed"
    raise RequestError(
        f"replicas of one server of {how.title} lie on one machine: deploy a server of its own ({instead})"
    )


def weights_named(card: ModelCard, named: str | None) -> str | None:
    """The repository of the release that a name means: an instruct version has weights of its own.

    Args:
        card: the model's card.
        named: how the user called it; null takes the card's own repository.
    """

    if named is not None:
        for release in card.releases:
            names = (release.hub_id, release.name or "")
            if named.lower() == release.hub_id.lower() or (
                "/" not in named and normal_short(named) in {normal_short(n) for n in names if n}
            ):
                return release.hub_id
    return card.hub_id


def start_of(fit: Fit, weights: str, port: int = 8000, *, own: bool = False, remote: bool | None = None) -> Start:
    """The server of a layout, for its engine.

    Args:
        fit: the layout, as it was checked.
        weights: repository or folder that the engine loads.
        port: on which it listens.
        own: whether the weights were named, and may hold types that were asked for as a what-if.
        remote: whether code of the repository is run; null where the engine needs it.
    """
    r = fit.request
    engine, version = r.get_engine().name, _version(fit)
    how = starter_of(engine)
    flags = flags_of(engine, version, f"{how.title} {how.version.format(*version.split('.'))}")
    if remote is None:
        remote = remote_code(engine, version, r.model, weights) is not None
    planned = r.load, fit.layout, fit.settings, fit.weights_format, fit.memory.layer_split
    return Start(r.model, r.gpu, *planned, weights, port, own, version, flags, remote)


def _own_options(flags: Flags, engine: str, said: tuple[str, ...], extra: tuple[str, ...]) -> None:
    """Refuses options of a user's own that the engine does not know, or that change what was planned.

    Raises:
        RequestError: the option.
    """
    line = command_line_of(engine)
    settings = {*line.options, *line.switches, *line.readers} if line is not None else set()
    planned = {flags.main(word) for word in (*said, *settings) if word.startswith("-")}
    memory = {flags.main(option) for option in (line.takes_memory if line is not None else ())}
    for option in flags.options_of(extra):
        if flags.main(option) in planned:
            raise RequestError(f"{option} is a part of the plan: say it before the --, in its words")
        if flags.main(option) in memory:
            raise RequestError(f"{option} makes {flags.title} take memory that was not planned")


def _name(engine: str, loaded: str, fit: Fit) -> str:
    """A name that another release, GPU or engine does not have; long ones end in a number of what was cut off."""
    short = loaded.rstrip("/").rpartition("/")[2] or loaded
    whole = f"{engine}-{short}-{fit.request.gpu.id}"
    name = slug(whole)
    if len(re.sub(r"[^a-z0-9]+", "-", whole.lower()).strip("-")) <= LONGEST_NAME:
        return name
    return f"{name[: LONGEST_NAME - 7].rstrip('-')}-{zlib.crc32(whole.encode()) & 0xFFFFFF:06x}"


def _loaded_bytes(fit: Fit) -> int:
    """Bytes of the weights, as one GPU would hold them with the machine's memory; at most, where no one GPU may."""
    whole = Search(fit.request).evaluate(Layout())
    if whole.per_gpu is not None:
        return whole.per_gpu.weights_bytes + whole.host_bytes
    ranks = fit.layout.tensor_parallel_size * (fit.layout.data_parallel_size if fit.layout.expert_parallel else 1)
    return sum(stage.weights_bytes for stage in fit.memory.stages) * ranks + fit.memory.host_bytes


def make_serving(answer: Plan | Fit, choices: Choices) -> Serving:
    """A deployment from an answer: a plan, or one layout that fits.

    Raises:
        DoesNotFitError: there is nothing to deploy.
        RequestError: a value that makes no sense, or what this engine version cannot do.
    """
    tuned = choices.tuned
    named = named_machines(answer) if isinstance(answer, Plan) and not tuned else None
    chosen = named or machines(answer, tuned=tuned)
    fit, card = chosen.fit, chosen.fit.request.model
    loaded = choices.weights or choices.release or card.hub_id
    if loaded is None:
        raise RequestError(f"the card of {card.name} names no repository: say what to load (--weights)", about="model")
    if loaded.startswith("-"):
        raise RequestError(f"{loaded!r} is no repository", about="model")
    engine, version = fit.request.get_engine().name, _version(fit)
    how = starter_of(engine)
    if chosen.nodes > 1:
        check_several(how, engine, version)
        _check_replicas(how, chosen)
    foreign = remote_code(engine, version, card, loaded)
    if foreign is not None and not choices.remote_code:
        raise RequestError(f"{how.title} {version} does not load {card.name} otherwise: {foreign}", about="model")
    start = start_of(fit, loaded, choices.port, own=choices.weights is not None, remote=foreign is not None)
    how.check(start)
    command = how.command(start)
    start.flags.check(command)
    _own_options(start.flags, engine, (*command, how.key_option or ""), choices.extra)
    notes = [
        *_machine_notes(answer, chosen, tuned),
        *(() if foreign is None else (foreign[0].upper() + foreign[1:],)),
    ]
    if choices.extra:
        notes.append("What follows the plan's options is the user's own, and was not planned with.")
    if loaded.startswith("/"):
        notes.append(f"The weights are read from the folder {loaded}, which every machine must have.")
    return Serving(
        name=choices.name or _name(engine, loaded, fit),
        title=card.name,
        weights=loaded,
        weights_bytes=_loaded_bytes(fit),
        engine=slug(engine),
        version=version,
        starter=how,
        machines=chosen,
        command=(*command, *choices.extra),
        choices=choices,
        notes=(*notes, *(f"{w.rstrip('.')}." for w in fit.warnings)),
    )


def _machine_notes(answer: Plan | Fit, chosen: Machines, tuned: bool) -> list[str]:
    """What to say of the machines, and of settings that would need fewer."""
    notes = []
    planned = answer.tuned.layout if tuned and answer.tuned else answer.layout
    where = f"machines of {chosen.gpus_per_node}"
    if planned is not None and planned.gpu_count != chosen.fit.gpu_count:
        notes.append(f"{planned.gpu_count} GPUs would do ({planned.describe()}); they come in {where}.")
    elif planned is not None and planned != chosen.fit.layout:
        notes.append(f"{where.capitalize()} cannot share the plan's layout evenly ({planned.describe()}).")
    if chosen.nodes > 1:
        notes.append("The machines must reach one another on every port, over a network that nobody else reaches.")
    if isinstance(answer, Plan) and answer.tuned is not None and not tuned:
        lower = ", ".join(f"{k} {v}" for k, v in answer.tuned.settings.items())
        notes.append(f"With {lower} it would take {answer.tuned.gpu_count}: deploy with --tuned.")
    return notes
