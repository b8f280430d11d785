"""What is known of an engine's server: its command, its images, its way over several machines."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from gpu_sizer.cards.gpu_spec import GpuSpec
from gpu_sizer.cards.model_card import ModelCard
from gpu_sizer.errors import RequestError
from gpu_sizer.load import LOAD, Load, Settings
from gpu_sizer.memory.layout import Layout
from gpu_sizer.records import dataclass, field

if TYPE_CHECKING:
    from gpu_sizer.engines.flags import Flags

#: Types of weights that engines make from any half-precision checkpoint as they load.
CASTS = ("bfloat16", "float16")
#: What every image with Python has.
HEALTH = (
    *("python3", "-c", "import sys, urllib.request as r; r.urlopen(sys.argv[1], timeout=int(sys.argv[2]))"),
    *("{url}", "{seconds}"),
)
#: Settings of a load that are no option of a server: the plan itself, or said by every engine in its own way.
PLANNED = {
    *("context", "users", "weights_dtype", "kv_cache_dtype", "gpu_memory_utilization", "max_num_batched_tokens"),
    *("max_num_seqs", "enforce_eager", "prompt", "answer", "tokens_per_second", "requests_per_second"),
}


@dataclass(frozen=True, slots=True)
class Start:
    """One server to start: what was planned, what it loads, and on which port it listens."""

    card: ModelCard
    gpu: GpuSpec
    load: Load
    """What was asked for."""
    layout: Layout
    settings: Settings
    weights_format: str
    """The format in which most bytes of the weights are."""
    layer_split: tuple[int, ...]
    """Layers on each GPU, for engines that place whole ones; else empty."""
    weights: str
    """What is loaded: a repository or a folder."""
    port: int
    own_weights: bool
    """Whether the weights were named, and may hold types that were asked for as a what-if."""
    version: str
    """The engine's, in three numbers."""
    flags: Flags
    """The options that this version knows."""
    remote_code: bool
    """Whether the model's repository brings code that has to be run."""

    def dtype(self, of_float32: str = "bfloat16") -> str:
        """The computing type.

        Args:
            of_float32: in which the engine computes a float32 checkpoint (vllm/config/model.py: _resolve_auto_dtype).

        Raises:
            RequestError: a what-if that no option of an engine brings about.
        """
        wanted, card = self.load.weights_dtype, self.card.weights
        if wanted is not None and wanted not in CASTS and not self.own_weights:
            raise RequestError(
                f"weights of {wanted} are a what-if that no engine makes from the release: "
                "name a checkpoint that has them (--weights)"
            )
        released = of_float32 if card.dtype == "float32" else card.dtype
        dtype = wanted if wanted in CASTS and wanted else released
        return "float16" if dtype == "bfloat16" and self.gpu.supports_bfloat16 is False else dtype

    def cache_dtype(self, names: Mapping[str, str]) -> str:
        """The type of the cache in an engine's own names; ``auto`` where that means what was planned.

        Raises:
            RequestError: a half-precision type other than that in which the engine computes.
        """
        asked, planned, computes = self.load.kv_cache_dtype, self.settings.kv_cache_dtype, self.dtype()
        if asked in (None, "auto") or (planned == computes and self.card.weights.kv_cache_dtype is None):
            return "auto"
        # vllm/config of 0.33.0: "kv_cache_dtype=float16 is incompatible with dtype=bfloat16".
        if planned in CASTS and computes in CASTS and planned != computes:
            raise RequestError(f"a cache of {planned} does not go with a model computed in {computes}")
        return names.get(asked or "", names.get(planned, planned))

    def one_replica(self, engine: str) -> None:
        """Refuses replicas for an engine whose server is one.

        Raises:
            RequestError: more than one.
        """
        if (n := self.layout.data_parallel_size) > 1:
            raise RequestError(
                f"one server of {engine} is one replica: deploy the layout of one (--dp 1) and start it {n} times"
            )


@dataclass(frozen=True, slots=True)
class Starter:
    """An engine's server."""

    title: str
    command: Callable[[Start], tuple[str, ...]]
    version: str = "{0}.{1}.{2}"
    """How the engine writes its version of three numbers."""
    program: str | None = None
    """The program's place in the image, where it is not on its PATH."""
    cache: str = "/root/.cache/huggingface"
    """Where the image keeps weights that it downloads."""
    compiled: Mapping[str, str] = field(default_factory=dict)
    """Variables that say where compiled code is kept, and a folder's name for each beside the weights."""
    downloads: bool = True
    """Whether it loads repositories of the hub, which another program can fetch before it."""
    consolidated_from: str | None = None
    """The first version that loads a publisher's ``consolidated*.safetensors`` before the usual ones; null for none."""
    key_variable: str | None = None
    """The variable out of which the server reads the key that its clients have to send."""
    key_option: str | None = None
    """The option for it, where there is no variable."""
    health: tuple[str, ...] = HEALTH
    """Asks in the image whether the server at ``{url}`` is well, within ``{seconds}``."""
    said: frozenset[str] = frozenset()
    """Settings of a load that the command says beside those of every engine."""
    several_from: tuple[int, int] | None = None
    """The first version that runs over several machines with nothing else; null for none."""
    replicas_over_machines: bool = False
    """Whether replicas that share nothing may lie on several machines."""
    machine: Callable[[int, str, str], tuple[str, ...]] | None = None
    """Words beside the command on each of several machines: for their number, this one's, and the first's address."""
    worker: tuple[str, ...] = field(default=())
    """Words beside those on machines after the first."""

    def check(self, start: Start) -> None:
        """Refuses settings that the plan rests on and the command does not say.

        Raises:
            RequestError: the setting.
        """

        for s in LOAD:
            if s.name not in PLANNED and s.name not in self.said and getattr(start.load, s.name) != s.default:
                raise RequestError(f"no option of {self.title} says {s.say(getattr(start.load, s.name))}")
