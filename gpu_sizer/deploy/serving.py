"""What every format needs to know of a deployment, made once from a plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gpu_sizer import __version__
from gpu_sizer.cards.gpu_spec import GpuSpec
from gpu_sizer.cards.machine import Offer
from gpu_sizer.deploy.choices import Choices
from gpu_sizer.deploy.text import shell_words
from gpu_sizer.engines.registry import image_for
from gpu_sizer.engines.serving import Starter
from gpu_sizer.engines.versions import at_least
from gpu_sizer.errors import RequestError
from gpu_sizer.planning.machines import Machines
from gpu_sizer.planning.plan import Fit
from gpu_sizer.records import dataclass
from gpu_sizer.units import ceil_div, gib

if TYPE_CHECKING:
    from gpu_sizer.engines.images import Image

#: Shared memory of a container, in GiB: what vLLM's own examples give (docs/serving/parallelism_scaling.md).
SHARED_MEMORY_GIB = 16
#: Seconds that a start may take beside loading, and bytes loaded in one second: slow storage, on purpose.
START_SECONDS, LOAD_BYTES_A_SECOND = 900, 200_000_000
#: Seconds that a question after the server's health may take: SGLang sleeps one before it looks
#: (srt/entrypoints/http_server.py: health_generate), and a busy vLLM answers late
HEALTH_TIMEOUT = 15
#: Seconds between such questions, and how many may fail before the server is started again.
HEALTH_PERIOD, HEALTH_FAILURES = 15, 10
#: Seconds that requests under way have to end in when a server is stopped.
GRACE_SECONDS = 120
#: What a server takes of its machine beside the GPUs: a core for each worker, the engine and the HTTP server (vLLM's
#: docs/configuration/optimization.md, "CPU Resources for GPU Deployments"), and GiB for each worker and in all
#: (docs/deployment/k8s.md asks for 6 for one GPU).
CORES_BESIDE, GIB_A_WORKER, GIB_BESIDE = 2, 6, 4
#: Name of the variable out of which formats take the key for engines that take it as an option.
KEY = "API_KEY"
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
    weights_bytes: int
    """What is loaded, once, however many ranks hold it and wherever they hold it."""
    engine: str
    """The engine's name as a DNS label."""
    version: str
    """In three numbers."""
    starter: Starter
    machines: Machines
    command: tuple[str, ...]
    choices: Choices
    notes: tuple[str, ...]
    """What a reader should know: sentences."""

    @property
    def port(self) -> int:
        """On which the server listens."""
        return self.choices.port

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
    def loads_consolidated(self) -> bool:
        """Whether the engine takes a publisher's ``consolidated*.safetensors`` where a repository has both."""
        first = self.starter.consolidated_from
        return first is not None and at_least(self.version, first)

    @property
    def storage_gib(self) -> int:
        """Size of a volume for the weights, in GiB."""
        return ceil_div(self.weights_bytes * 5 // 4, _STEP_GIB << 30) * _STEP_GIB

    @property
    def start_seconds(self) -> int:
        """How long a start may take before it counts as failed: the weights may have to be downloaded."""
        return START_SECONDS + self.weights_bytes // LOAD_BYTES_A_SECOND

    @property
    def cores(self) -> int:
        """Cores that a machine's part needs at least."""
        return CORES_BESIDE + self.gpus_per_node

    @property
    def memory_gib(self) -> int:
        """Memory of a machine that its part needs at least, in GiB, beside what is shared."""
        held = ceil_div(self.fit.memory.host_bytes, self.nodes << 30)
        return GIB_BESIDE + GIB_A_WORKER * self.gpus_per_node + held

    def found_image(self, platform: str | None = None) -> Image | None:
        """The image of this version, or of the nearest one that was seen; null where none is known.

        Args:
            platform: as in ``images.yaml``; null is the GPU's.
        """
        request = self.fit.request
        return image_for(request.get_engine().name, platform or self.gpu.platform, self.version, request.model)

    def image(self) -> str:
        """The container image: the engine's own of the version whose rules were planned with, or of an older one.

        Raises:
            RequestError: none is known for this platform and version.
        """
        if self.choices.image is not None:
            return self.choices.image
        if (found := self.found_image()) is None:
            raise RequestError(f"no image of {self.shown} for {self.gpu.platform} is known: name one (--image)")
        return found.name

    def image_or_none(self) -> str | None:
        """The container image; null where none is known."""
        if self.choices.image is not None:
            return self.choices.image
        found = self.found_image()
        return found.name if found is not None else None

    def key_variable(self) -> str | None:
        """The variable that holds the key which clients have to send; null where none is wanted, or can be had."""
        if not self.choices.api_key:
            return None
        return self.starter.key_variable or (KEY if self.starter.key_option else None)

    def key_words(self, value: str) -> tuple[str, ...]:
        """The words beside the command that tell the key, for engines that read no variable; none holds a name."""
        option = self.starter.key_option
        return (option, value) if self.choices.api_key and option is not None else ()

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
        program = self.command[0] if self.choices.image is not None else self.starter.program or self.command[0]
        return (program, *self.command[1:])

    def machine_words(self, rank: str, head: str) -> tuple[str, ...]:
        """The words beside the command on one of several machines; rank and address as the format writes them.

        None of them holds a name, so the format's own variables may stand in them.
        """
        assert self.starter.machine is not None
        return self.starter.machine(self.nodes, rank, head)

    def script(self, rank: str, head: str, *, container: bool = True, key: bool = False) -> str:
        """A POSIX shell script that starts this machine's part.

        Args:
            rank: shell variable that holds the machine's number from 0.
            head: shell variable that holds the first machine's address.
            container: whether it runs in the engine's image.
            key: whether the variable of the key has to be told to the server.
        """
        command = self.in_container if container else self.command
        words = [*self.key_words(f"${self.key_variable()}")] if key else []
        if self.nodes > 1:
            words = [*self.machine_words(f"${rank}", f"${head}"), *words]
        if not words:
            return f"exec {shell_words(command)}\n"
        # Variables stay outside of what is quoted: they are the script's own, not a part of a name.
        more = " ".join(f'"{w}"' if "$" in w else w for w in words)
        if self.nodes == 1:
            return f"exec {shell_words(command)} \\\n  {more}\n"
        script = f"set -- {shell_words(command)} \\\n  {more}\n"
        if self.starter.worker:
            script += f'if [ "${rank}" != 0 ]; then set -- "$@" {" ".join(self.starter.worker)}; fi\n'
        return script + 'exec "$@"\n'

    def key_note(self) -> str | None:
        """What to say of the key of an engine whose port leaves the machine; null where it has one."""
        if self.key_variable() is not None:
            return None
        if self.choices.api_key:
            return f"{self.starter.title} takes no key from its clients: let nobody else reach its port."
        return "Clients send no key (--no-api-key): let nobody else reach the port."

    def header(self, *, container: bool = True) -> list[str]:
        """Comment lines: what this is, what was checked, and what to know.

        Args:
            container: whether it runs in the engine's image.
        """

        fit, s = self.fit, self.fit.settings
        where = f"{self.nodes} machines with {self.gpus_per_node} each" if self.nodes > 1 else "one machine"
        users = fit.request.users
        requests = "1 request at a time" if users == 1 else f"{users:,} requests at once"
        if (offer := self.rented) is not None:
            where = f"{self.nodes} x {offer.machine.name} of {offer.provider_name}"
        free = gib(fit.per_gpu.free_bytes) if fit.per_gpu else "nothing"
        verdict = "tight: the room left is within the estimate's own error" if fit.verdict == "tight" else "it fits"
        lines = [
            f"{self.title} on {fit.gpu_count} x {self.gpu.name} ({fit.layout.describe()}), {where}.",
            f"Planned by gpu-sizer {__version__} for {self.shown}: {s.context:,} tokens, {requests}; "
            f"{free} left on the fullest GPU, {verdict}.",
            *self.notes,
        ]
        if container and self.choices.image is None and (found := self.found_image()) is not None:
            lines += self.image_notes(found)
        return lines

    def image_notes(self, found: Image) -> list[str]:
        """What to say of an image that is not of the planned version, or was not seen.

        Args:
            found: the image.
        """
        if not found.seen:
            return [f"Nobody was seen to use {found.name}: look whether it is there (--image names another)."]
        if not found.own:
            return [
                f"No tag of {self.shown} was seen: the image is of {found.version}, the nearest one that was "
                "(--image names another)."
            ]
        return []
