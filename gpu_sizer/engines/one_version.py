"""What the profiles of one version of an engine share: how they are named, and the checks that are alike."""

from __future__ import annotations

from gpu_sizer.engines.fitting import PlainFitting
from gpu_sizer.engines.support import Supported
from gpu_sizer.engines.versions import line, reaches
from gpu_sizer.errors import RequestError
from gpu_sizer.load import AS_RELEASED
from gpu_sizer.memory.estimate import LayoutMemory
from gpu_sizer.model.caches import CacheTypes, LayerKeeps
from gpu_sizer.units import GIB, ceil_div, gib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from gpu_sizer.cards.gpu_spec import GpuSpec
    from gpu_sizer.cards.model_card import ModelCard
    from gpu_sizer.engines.held import HeldModel
    from gpu_sizer.engines.lines import Lines, Whole
    from gpu_sizer.load import Load, Settings
    from gpu_sizer.memory.estimate import RankMemory, Verdict
    from gpu_sizer.memory.layout import Layout

#: Engines that do not compute in float32 load such releases in bfloat16, unless their profile says otherwise.
HALF = {"float32": "bfloat16"}


class OneVersion(Supported):
    """An engine of which one version is known; another may be named, and is planned with by the same rules."""

    held: Callable[[ModelCard, Load], HeldModel]
    """What prepares a model under a load."""
    prepared: type[PlainFitting] = PlainFitting
    """What evaluates the layouts of a model."""
    half: dict[str, str] = HALF
    """The type in which a release is computed that the engine does not compute in."""
    lowerable: tuple[str, ...] = ()
    spans_nodes = True
    takes_mixed = False
    allocates_request = False
    counts_arrays = False
    own_formats: tuple[str, ...] = ()
    generation: str | None = None

    @property
    def constants(self) -> dict[str, Any]:
        """The profile's data."""
        return self.head

    @property
    def release(self) -> str:
        """The version that is planned for."""
        return self.asked

    @property
    def label(self) -> str:
        """Name and version: ``sglang@0.5.23``."""
        return f"{self.name}@{self.release}"

    def describe(self) -> str:
        """The profile in words."""
        return f"{self.title} {self.release}"

    def sources(self) -> tuple[str, ...]:
        """Where the rules and constants were read."""
        return tuple(
            str(self.constants[key]) for key in ("source", "source_records", "context_source") if key in self.constants
        )

    def notes(self, card: ModelCard) -> tuple[str, ...]:
        """What is not known here: whether the engine loads the model, and the rules of an older version."""
        told = self.class_note(card), self.last_note(card), self.version_note()
        return tuple(note for note in told if note is not None)

    def version_note(self) -> str | None:
        """That an older version than the one whose rules were read was asked for; null where none was."""
        read = str(self.head["release"])
        if reaches(self.asked, line(read)):
            return None
        return f"{self.title}'s rules of memory are those of {read}: {self.asked} may need more, and start differently"

    def own_format(self, name: str) -> str | None:
        """A format of weights that this engine has beside the common ones; null for other names."""
        return None

    def model(self, card: ModelCard, load: Load = AS_RELEASED) -> Any:
        """The model prepared for many layouts, and what drafts for it.

        Raises:
            RequestError: a class that this version does not load, or a kind of layer whose cache is not known.
        """
        self.check_card(card)
        self.check_class(card)
        model = self.held(card, load)
        # Prediction layers are the model's own, and drafts of a method are looked up by it.
        if model.drafter is not None and model.drafter.drafts.method is None:
            self.check_card(model.drafter.card)
        return model

    def check(self, load: Load) -> None:
        """Refuses a type of cache that is not known, and options that are not counted.

        Raises:
            RequestError: the type and what is known, or the option.
        """
        self.check_counted(load)
        if load.kv_cache_dtype is not None and load.kv_cache_dtype not in self.cache_dtypes:
            known = ", ".join(self.cache_dtypes)
            raise RequestError(f"{self.title} has no {load.kv_cache_dtype!r} cache that is known here; known: {known}")

    def model_dtype(self, card: ModelCard) -> str:
        """The type of the activations."""
        return self.half.get(card.weights.dtype, card.weights.dtype)

    def cache_dtype(self, card: ModelCard, load: Load) -> str:
        """The type of the cache: the one asked for, the release's own, or that of the activations."""
        self.check(load)
        asked = self.cache_dtypes[load.kv_cache_dtype or "auto"]
        return asked or card.weights.kv_cache_dtype or self.model_dtype(card)

    def logged_load(self, length: int | None, native: int, sequences: int | None) -> tuple[int, int]:
        """Context and users of a start-up: these engines start with whatever cache is left, of any length."""
        return 1, 1

    def layers_keep(self, card: ModelCard) -> dict[str, LayerKeeps]:
        """What a layer of each distinct kind keeps on one GPU: every attention layer keeps every token."""
        dtype = self.cache_dtypes["auto"] or card.weights.kv_cache_dtype or self.model_dtype(card)
        caches = self.model(card).caches(1, CacheTypes(dtype, self.model_dtype(card)))
        return {
            name: LayerKeeps(sum(c.token_bytes for c in caches_of), state_bytes=sum(c.state_bytes for c in caches_of))
            for name, caches_of in caches.items()
        }

    def users(self, load: Load, layout: Layout, setting: str) -> int:
        """Users of one replica.

        Raises:
            RequestError: fewer sequences asked for (by the engine's name of the ``setting``) than users.
        """
        users = ceil_div(load.users, layout.data_parallel_size)
        if load.max_num_seqs is not None and load.max_num_seqs < users:
            raise RequestError(f"{setting} {load.max_num_seqs} is below the {users} users at once", about="users")
        return users

    def counts_towers(self, card: ModelCard) -> bool:
        """Whether the peak of a model's vision tower is in the estimate."""
        return False

    @property
    def band_bytes(self) -> int:
        """The estimate's own error."""
        return int(self.constants["band_gib"] * GIB)

    def roomy_bytes(self, model: HeldModel, layout: Layout) -> int:
        """Free bytes from which on an accepted layout fits; fewer are tight."""
        return max(self.band_bytes, model.may_keep(layout))

    def verdict(self, fullest: RankMemory, roomy: int, short: str | None) -> tuple[Verdict, str | None]:
        """The verdict and its reason; ``short`` says what is short where something is.

        A layout that is short by less than the estimate's own error may or may not start; with fewer free bytes than
        ``roomy`` it is tight.
        """
        if short is None:
            return ("tight" if fullest.free_bytes < roomy else "fits"), None
        if -fullest.free_bytes > self.band_bytes:
            return "does_not_fit", short
        return "tight", f"{short}; within the estimate's own error of {gib(self.band_bytes)}"

    def pooled(
        self,
        model: HeldModel,
        layout: Layout,
        stages: Sequence[RankMemory],
        settings: Settings,
        tokens: int,
        page: int,
        short: str | None,
    ) -> LayoutMemory:
        """The answer of an engine with one pool of ``tokens`` in pages; ``short`` says what is short, if anything."""
        fullest = min(stages, key=lambda r: r.free_bytes)
        roomy = self.roomy_bytes(model, layout)
        verdict, reason = self.verdict(fullest, roomy, short)
        return LayoutMemory(
            layout,
            verdict,
            reason,
            fullest,
            tuple(stages),
            tokens,
            tokens / settings.context * layout.data_parallel_size,
            roomy,
            blocks=tokens // page,
            printed_tokens=tokens,
        )

    def fitting(self, model: Any, gpu: GpuSpec, load: Load) -> PlainFitting:
        """The model on one kind of GPU under one load.

        Raises:
            RequestError: a GPU on which this version does not run, or not this model.
        """
        self.check_gpu(model, gpu, self.cache_dtype(model.card, load))
        # Beside weights, cache and activations a GPU holds at least its context.
        context = int(self.constants["context_gib"] * GIB)
        return self.prepared(self, model, gpu, load, context)  # type: ignore[arg-type]  # evaluate is the engine's own

    def lines(self, model: Any, gpu: GpuSpec, load: Load, contexts: Whole, users: Whole) -> Lines:
        """Every load is evaluated by itself."""
        raise NotImplementedError(f"{self.name} counts one load at a time")

    def evaluate_mixed(self, model: Any, gpus: Sequence[GpuSpec], load: Load) -> LayoutMemory:
        """Every rank has the same share: GPUs that differ are not its case.

        Raises:
            RequestError: always.
        """
        raise RequestError(
            f"{self.title} gives every GPU the same share: its GPUs must be alike; llama.cpp and transformers take "
            "mixed ones",
            about="gpu",
        )
