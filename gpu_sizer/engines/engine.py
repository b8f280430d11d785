"""What the planner asks of an engine; each engine's profile answers it in a folder of its own."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any, Protocol

    from gpu_sizer.cards.gpu_spec import GpuSpec
    from gpu_sizer.cards.model_card import ModelCard
    from gpu_sizer.engines.lines import Lines, Whole
    from gpu_sizer.load import Load, Settings
    from gpu_sizer.memory.estimate import LayoutMemory
    from gpu_sizer.memory.layout import Layout
    from gpu_sizer.model.caches import LayerKeeps
    from gpu_sizer.model.inventory import Inventory

    class PreparedModel(Protocol):
        """One model as an engine holds it, prepared once for many layouts."""

        @property
        def card(self) -> ModelCard:
            """The model's card."""

        @property
        def inventory(self) -> Inventory:
            """Its tensors in the types in which the engine holds them."""

        @property
        def has_experts(self) -> bool:
            """Whether expert parallelism means anything."""

    class Fitting(Protocol):
        """One model on one kind of GPU under one load, ready for many layouts."""

        def settings(self, layout: Layout) -> Settings:
            """Every default resolved for one replica of a layout.

            Raises:
                RequestError: a setting that contradicts the load.
            """

        def least_reserve(self) -> int:
            """Bytes that every GPU of any layout holds beside weights and cache."""

        def budget(self) -> int:
            """Bytes of a GPU that the engine may fill.

            Raises:
                RequestError: a setting that contradicts the load.
            """

        def whole_weights(self) -> int:
            """Bytes of the weights of the whole model on one GPU.

            Raises:
                RequestError: a setting that contradicts the load.
            """

        def whole_cache(self) -> int:
            """Bytes of the cache of the whole load on one GPU.

            Raises:
                RequestError: a setting that contradicts the load.
            """

        def surely_holds(self, tensors: int) -> bool:
            """Whether one GPU surely holds the model and its load, as far as the bytes of all its tensors tell.

            False where it may, or where that takes as long to tell as to evaluate it. No tensor is made to tell.

            Raises:
                RequestError: a setting that contradicts the load.
            """

        def could_hold(self, layout: Layout, *, safe: bool = False) -> bool:
            """Whether an accepted layout is worth :meth:`evaluate`; false only where that is not within the budget.

            ``safe`` asks for a layout that fits beyond the estimate's error.
            """

        def could_carry(self, replica: Layout, users: int) -> bool:
            """Whether an accepted replica could hold so many requests; asked of the load of one of them.

            False only where a load of so many is not within the budget. Groups that share experts are one replica,
            each of which has so many.
            """

        def most_free(self, replica: Layout, users: int) -> float:
            """No less than a load of so many requests leaves free on the fullest GPU; asked as :meth:`could_carry`."""

        def may_grow_safe(self) -> bool:
            """Whether layouts of several GPUs can fit beyond the estimate's error at all."""

        def free_bytes(self, layout: Layout) -> int:
            """Bytes free on the fullest GPU of an accepted layout; negative where they do not suffice."""

        def evaluate(self, layout: Layout) -> LayoutMemory:
            """What fills each GPU of a layout, and whether the engine starts and carries the load.

            Raises:
                RequestError: a setting that contradicts the load.
            """

    class Engine(Protocol):
        """The profile of one engine, or of one range of its versions."""

        lowerable: tuple[str, ...]
        """The settings that a plan may lower to need fewer GPUs."""
        spans_nodes: bool
        """Whether one model may be spread over several machines."""
        takes_mixed: bool
        """Whether the GPUs of one model may differ."""
        allocates_request: bool
        """Whether the cache is as large as was asked for, whatever is left: it does not depend on the weights."""
        counts_arrays: bool
        """Whether it counts many loads at once (:meth:`lines`); otherwise a sweep asks for each by itself."""
        own_formats: tuple[str, ...]
        """The formats of weights that it has beside the common ones."""

        @property
        def name(self) -> str:
            """As in ``--engine``."""

        @property
        def title(self) -> str:
            """As its authors write it."""

        @property
        def label(self) -> str:
            """Name and version range: ``vllm@0.33``."""

        @property
        def release(self) -> str:
            """The first version of the range that is planned with."""

        @property
        def generation(self) -> str | None:
            """The generation of the engine's core (V0, V1); null for engines with one."""

        def describe(self) -> str:
            """The profile in words: ``vLLM 0.33 or later``."""

        def sources(self) -> tuple[str, ...]:
            """Where the rules and constants were read."""

        def older_version(self, card: ModelCard) -> str | None:
            """The line of the last version that loads a model, where this one no longer does; else null."""

        def newer_version(self, card: ModelCard) -> str | None:
            """The first version that loads a model, where this one does not yet; else null."""

        def standing(self, generation: str | None, *, beside: bool) -> str | None:
            """The version that stands for a generation of the core where a log tells no more; null where none does.

            ``beside`` asks for what stands for it in a version whose default is another.
            """

        def release_for(self, card: ModelCard) -> str:
            """The version to start: the one asked for, or the first of its line that loads the model."""

        def check_card(self, card: ModelCard) -> None:
            """Refuses a model whose class this version does not have.

            Raises:
                UncountableError: the first version that has it, or the last.
            """

        def model(self, card: ModelCard, load: Load = ...) -> Any:
            """The model prepared for many layouts (a :class:`PreparedModel`).

            Of the load counts what changes the model.

            Raises:
                RequestError: a class that this version does not load, a kind of layer that is not known for it, or
                    nothing that could draft for it.
            """

        @property
        def cache_dtypes(self) -> dict[str, str | None]:
            """Types of the cache by what people write; null is the model's own."""

        def own_format(self, name: str) -> str | None:
            """A format of weights that this engine has beside the common ones; null for other names."""

        def check(self, load: Load) -> None:
            """Refuses settings that this engine does not know.

            Raises:
                RequestError: the setting and what is known.
            """

        def settings(self, model: Any, gpu: GpuSpec, load: Load, layout: Layout) -> Settings:
            """Every default resolved for one replica of a layout.

            Raises:
                RequestError: a setting that contradicts the load.
            """

        def settings_words(self, settings: Settings) -> str:
            """The settings in the engine's own names, for the line of assumptions."""

        def layouts(self, model: Any, count: int, users: int, kind: str) -> Iterator[Layout]:
            """The layouts of a count that are worth a look; ``kind`` is any, tensor or pipeline."""

        def refusal(self, model: Any, layout: Layout) -> str | None:
            """The engine's rule that forbids this layout, or null."""

        def counts_towers(self, card: ModelCard) -> bool:
            """Whether the peak of a model's vision tower is in the estimate."""

        def notes(self, card: ModelCard) -> tuple[str, ...]:
            """What the engine's users have to know of a model, a sentence each."""

        def unlike_earlier(self, card: ModelCard) -> str | None:
            """What earlier versions hold of a model otherwise; null where a record without a version is of any."""

        def gpu_notes(self, gpu: GpuSpec) -> Iterator[str]:
            """What the engine's users have to know of a GPU, a sentence each."""

        def never_on(self, platform: str, capability: str | None) -> str | None:
            """Why no version runs on GPUs of a platform and compute capability, whatever the model; else null."""

        def layers_keep(self, card: ModelCard) -> dict[str, LayerKeeps]:
            """What a layer of each distinct kind keeps on one GPU, in the release's own types."""

        def fitting(self, model: Any, gpu: GpuSpec, load: Load) -> Fitting:
            """The model on one kind of GPU under one load, ready for many layouts.

            Raises:
                RequestError: a GPU on which this version does not run, or not this model.
            """

        def lines(self, model: Any, gpu: GpuSpec, load: Load, contexts: Whole, users: Whole) -> Lines:
            """The model on one kind of GPU under many loads, of ascending contexts and users."""

        def evaluate(self, model: Any, gpu: GpuSpec, layout: Layout, load: Load) -> LayoutMemory:
            """What fills each GPU of a layout, and whether the engine starts and carries the load."""

        def logged_load(self, length: int | None, native: int, sequences: int | None) -> tuple[int, int]:
            """Context and users of a start-up.

            Args:
                length: as its log tells it; null where it does not.
                native: the model's own.
                sequences: their number, if the log tells it.
            """

        def evaluate_mixed(self, model: Any, gpus: Sequence[GpuSpec], load: Load) -> LayoutMemory:
            """The same for given GPUs that may differ, in the order in which the engine sees them.

            Raises:
                RequestError: an engine whose GPUs must be alike.
            """
