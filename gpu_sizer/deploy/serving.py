"""What every format needs to know of a deployment, made once from a plan."""

from __future__ import annotations

import re

from gpu_sizer.deploy.text import shell_words, slug
from gpu_sizer.engines.registry import starter_of
from gpu_sizer.engines.serving import Start, Starter
from gpu_sizer.errors import RequestError
from gpu_sizer.planning.machines import Machines, machines
from gpu_sizer.planning.plan import Fit, Plan
from gpu_sizer.planning.rental import named_machines
from gpu_sizer.records import dataclass
from gpu_sizer.units import ceil_div, gib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gpu_sizer.cards.gpu_spec import GpuSpec
    from gpu_sizer.cards.machine import Offer
    from gpu_sizer.cards.model_card import ModelCard

#: Shared memory of a container, in GiB: what vLLM's own examples give (docs/serving/parallelism_scaling.md).
SHARED_MEMORY_GIB = 16
#: Seconds that a start may take beside loading, and bytes loaded in one second: slow storage, on purpose.
START_SECONDS, LOAD_BYTES_A_SECOND = 900, 200_000_000
#: Room beside the weights on the volume that caches them: a quarter more, in steps of 10 GiB.
_STEP_GIB = 10


@dataclass(frozen=True, slots=True)
class Serving:
    """One deployment: what is run, on which machines, and what a reader of the file should know."""

    name: str
    """For objects: a DNS label."""
    title: str
    weights: str
    """Repository or folder that the engine loads."""
    engine: str
    """The engine's name as a DNS label."""
    version: str
    """In three numbers."""
    starter: Starter
    machines: Machines
    command: tuple[str, ...]
    port: int
    own_image: str | None
    notes: tuple[str, ...]

    @property
    def fit(self) -> Fit:
        """The layout that was checked."""
        return self.machines.fit

    @property
    def gpu(self) -> GpuSpec:
        """The kind of GPU."""
        return self.fit.request.gpu

    @property
    def nodes(self) -> int:
        """Machines."""
        return self.machines.nodes

    @property
    def gpus_per_node(self) -> int:
        """GPUs in each."""
        return self.machines.gpus_per_node

    @property
    def rented(self) -> Offer | None:
        """The machine that was asked for by name; null where any with these GPUs will do."""
        return self.fit.request.machine

    @property
    def folder(self) -> str | None:
        """The folder of weights, where they are not on the hub."""
        return self.weights if self.weights.startswith("/") else None

    @property
    def weights_bytes(self) -> int:
        """The weights of one replica, at most: parts that several ranks hold are counted on each."""
        memory, layout = self.fit.memory, self.fit.layout
        return sum(stage.weights_bytes for stage in memory.stages) * layout.tensor_parallel_size

    @property
    def storage_gib(self) -> int:
        """Size of a volume for the weights, in GiB."""
        return ceil_div(self.weights_bytes * 5 // 4, _STEP_GIB << 30) * _STEP_GIB

    @property
    def start_seconds(self) -> int:
        """How long a start may take before it counts as failed: the weights may have to be downloaded."""
        return START_SECONDS + self.weights_bytes // LOAD_BYTES_A_SECOND

    def image(self) -> str:
        """The container image: the engine's own of the version whose rules were planned with.

        Raises:
            RequestError: none is known for this platform and version.
        """
        if self.own_image is not None:
            return self.own_image
        found = self.starter.images.get(self.gpu.platform)
        if found is None or _number(self.version) < found[1]:
            raise RequestError(f"no image of {self.shown} for {self.gpu.platform} is known: name one (--image)")
        return found[0].format(version=self.own_version)

    @property
    def own_version(self) -> str:
        """The version as the engine writes it."""
        return self.starter.version.format(*self.version.split("."))

    @property
    def shown(self) -> str:
        """Engine and version in words."""
        return f"{self.starter.title} {self.own_version}"

    @property
    def in_container(self) -> tuple[str, ...]:
        """The command as it is called in the engine's image."""
        program = self.command[0] if self.own_image is not None else self.starter.program or self.command[0]
        return (program, *self.command[1:])

    def machine_words(self, rank: str, head: str) -> tuple[str, ...]:
        """The words beside the command on one of several machines; rank and address as the format writes them.

        None of them holds a name, so the format's own variables may stand in them.
        """
        assert self.starter.machine is not None
        return self.starter.machine(self.nodes, rank, head)

    def script(self, rank: str, head: str, *, container: bool = True) -> str:
        """A POSIX shell script that starts this machine's part.

        Args:
            rank: shell variable that holds the machine's number from 0.
            head: shell variable that holds the first machine's address.
            container: whether it runs in the engine's image.
        """
        command = self.in_container if container else self.command
        if self.nodes == 1:
            return f"exec {shell_words(command)}\n"
        # Variables stay outside of what is quoted: they are the script's own, not a part of a name.
        more = " ".join(f'"{w}"' if "$" in w else w for w in self.machine_words(f"${rank}", f"${head}"))
        script = f"set -- {shell_words(command)} \\\n  {more}\n"
        if self.starter.worker:
            script += f'if [ "${rank}" != 0 ]; then set -- "$@" {" ".join(self.starter.worker)}; fi\n'
        return script + 'exec "$@"\n'

    def header(self) -> list[str]:
        """Comment lines: what this is, what was checked, and what to know."""
        from gpu_sizer import __version__

        fit, s = self.fit, self.fit.settings
        where = f"{self.nodes} machines with {self.gpus_per_node} each" if self.nodes > 1 else "one machine"
        users = fit.request.users
        requests = "1 request at a time" if users == 1 else f"{users:,} requests at once"
        if (offer := self.rented) is not None:
            where = f"{self.nodes} x {offer.machine.name} of {offer.provider_name}"
        free = gib(fit.per_gpu.free_bytes) if fit.per_gpu else "nothing"
        verdict = "tight: the room left is within the estimate's own error" if fit.verdict == "tight" else "it fits"
        return [
            f"{self.title} on {fit.gpu_count} x {self.gpu.name} ({fit.layout.describe()}), {where}.",
            f"Planned by gpu-sizer {__version__} for {self.shown}: {s.context:,} tokens, {requests}; "
            f"{free} left on the fullest GPU, {verdict}.",
            *self.notes,
        ]


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(n) for n in re.findall(r"\d+", version)[:2])


def _version(answer: Fit) -> str:
    """The version that was named, or the first of the range that was planned with, in three numbers.

    Of a line that loads the model from some version on, it is that one.
    """
    named = answer.request.get_engine().release_for(answer.request.model)
    parts = re.findall(r"\d+", named)[:3]
    return ".".join(parts + ["0"] * (3 - len(parts)))


def _check_several(how: Starter, engine: str, version: str) -> None:
    """Refuses several machines where this version cannot be started on them by a command on each.

    Raises:
        RequestError: what it would take.
    """
    if (first := how.several_from) is None:
        raise RequestError(f"{how.title} is not started over several machines here: plan with at most one machine's")
    if _number(version) < first:
        raise RequestError(
            f"{engine} {version} runs over several machines only in a Ray cluster of yours; "
            f"{engine}@{first[0]}.{first[1]} and later without one"
        )


def weights_named(card: ModelCard, named: str | None) -> str | None:
    """The repository of the release that a name means: an instruct version has weights of its own.

    Args:
        card: the model's card.
        named: how the user called it; null takes the card's own repository.
    """
    from gpu_sizer.cards.names import normal_short

    if named is not None:
        for release in card.releases:
            names = (release.hub_id, release.name or "")
            if named.lower() == release.hub_id.lower() or (
                "/" not in named and normal_short(named) in {normal_short(n) for n in names if n}
            ):
                return release.hub_id
    return card.hub_id


def start_of(fit: Fit, weights: str, port: int = 8000, *, own: bool = False) -> Start:
    """The server of a layout, for its engine.

    Args:
        fit: the layout, as it was checked.
        weights: repository or folder that the engine loads.
        port: on which it listens.
        own: whether the weights were named, and may hold types that were asked for as a what-if.
    """
    r = fit.request
    planned = r.load, fit.layout, fit.settings, fit.weights_format, fit.memory.layer_split
    return Start(r.model, r.gpu, *planned, weights, port, own)


def make_serving(
    answer: Plan | Fit,
    *,
    weights: str | None = None,
    release: str | None = None,
    image: str | None = None,
    port: int = 8000,
    tuned: bool = False,
) -> Serving:
    """A deployment from an answer.

    Args:
        answer: a plan, or one layout that fits.
        weights: repository or absolute folder that the engine loads; null is the release's; it may hold types that
            were asked for as a what-if.
        release: repository of the release that was meant (an instruct version); null is the card's.
        image: container image; null is the engine's own.
        port: of the server.
        tuned: with the plan's lower settings on fewer GPUs.

    Raises:
        DoesNotFitError: there is nothing to deploy.
        RequestError: a value that makes no sense, or what this engine version cannot do.
    """
    if isinstance(port, bool) or not isinstance(port, int) or not 1 <= port <= 65535:
        raise RequestError(f"port must be a whole number from 1 to 65535, not {port!r}")
    for what, value in (("weights", weights), ("release", release), ("image", image)):
        if value is not None and (not value.strip() or not value.isprintable() or value.startswith("-")):
            raise RequestError(f"{what} must be a name on one line that does not begin with a hyphen, not {value!r}")
    named = named_machines(answer) if isinstance(answer, Plan) and not tuned else None
    chosen = named or machines(answer, tuned=tuned)
    fit, card = chosen.fit, chosen.fit.request.model
    loaded = weights or release or card.hub_id
    if loaded is None:
        raise RequestError(f"the card of {card.name} names no repository: say what to load (--weights)", about="model")
    if loaded.startswith("-"):
        raise RequestError(f"{loaded!r} is no repository", about="model")
    engine, version = fit.request.get_engine().name, _version(fit)
    how = starter_of(engine)
    if chosen.nodes > 1:
        _check_several(how, engine, version)
    planned = answer.tuned.layout if tuned and answer.tuned else answer.layout
    notes = []
    where = f"machines of {chosen.gpus_per_node}"
    if planned is not None and planned.gpu_count != fit.gpu_count:
        notes.append(f"{planned.gpu_count} GPUs would do ({planned.describe()}); they come in {where}.")
    elif planned is not None and planned != fit.layout:
        notes.append(f"{where.capitalize()} cannot share the plan's layout evenly ({planned.describe()}).")
    if chosen.nodes > 1:
        notes.append("The machines must reach one another on every port, over a network that nobody else reaches.")
    if isinstance(answer, Plan) and answer.tuned is not None and not tuned:
        lower = ", ".join(f"{k} {v}" for k, v in answer.tuned.settings.items())
        notes.append(f"With {lower} it would take {answer.tuned.gpu_count}: deploy with --tuned.")
    if loaded.startswith("/"):
        notes.append(f"The weights are read from the folder {loaded}, which every machine must have.")
    return Serving(
        name=slug(f"{engine}-{card.id}"),
        title=card.name,
        weights=loaded,
        engine=slug(engine),
        version=version,
        starter=how,
        machines=chosen,
        command=how.command(start_of(fit, loaded, port, own=weights is not None)),
        port=port,
        own_image=image,
        notes=(*notes, *fit.warnings),
    )
