"""One model on one kind of GPU under one load, for engines that have no quicker way than to evaluate every layout."""

from __future__ import annotations

from math import inf

from gpu_sizer.memory.layout import Layout

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gpu_sizer.cards.gpu_spec import GpuSpec
    from gpu_sizer.engines.engine import Engine, PreparedModel
    from gpu_sizer.load import Load, Settings
    from gpu_sizer.memory.estimate import LayoutMemory, RankMemory


class PlainFitting:
    """Every answer from :meth:`Engine.evaluate`, each layout evaluated once."""

    def __init__(self, engine: Engine, model: PreparedModel, gpu: GpuSpec, load: Load, reserve: int) -> None:
        """Prepares the layouts of a model.

        Args:
            engine: whose rules are asked.
            model: as the engine holds it.
            gpu: every GPU.
            load: what is asked.
            reserve: bytes that every GPU of any layout holds beside weights and cache.
        """
        self._engine, self._model, self._gpu, self._load, self._reserve = engine, model, gpu, load, reserve
        self._found: dict[Layout, LayoutMemory] = {}

    def settings(self, layout: Layout) -> Settings:
        """Every default resolved for one replica of a layout.

        Raises:
            RequestError: a setting that contradicts the load.
        """
        return self._engine.settings(self._model, self._gpu, self._load, layout)

    def least_reserve(self) -> int:
        """Bytes that every GPU of any layout holds beside weights and cache."""
        return self._reserve

    def _on_one(self) -> RankMemory:
        one = self.evaluate(Layout()).per_gpu
        assert one is not None
        return one

    def budget(self) -> int:
        """Bytes of a GPU that the engine may fill.

        Raises:
            RequestError: a setting that contradicts the load.
        """
        return self._on_one().budget_bytes

    def whole_weights(self) -> int:
        """Bytes of the weights of the whole model on one GPU.

        Raises:
            RequestError: a setting that contradicts the load.
        """
        return self._on_one().weights_bytes

    def whole_cache(self) -> int:
        """Bytes of the cache of the whole load on one GPU.

        Raises:
            RequestError: a setting that contradicts the load.
        """
        return self._on_one().kv_cache_bytes

    def surely_holds(self, tensors: int) -> bool:
        """Nothing is sure before a layout is evaluated."""
        return False

    def could_hold(self, layout: Layout, *, safe: bool = False) -> bool:
        """Nothing is known before a layout is evaluated."""
        return True

    def could_carry(self, replica: Layout, users: int) -> bool:
        """Nothing is known of more requests before they are asked for."""
        return True

    def most_free(self, replica: Layout, users: int) -> float:
        """No less than a load of so many requests leaves free: infinity, since nothing is known of more of them."""
        return inf

    def may_grow_safe(self) -> bool:
        """Whether layouts of several GPUs can fit beyond the estimate's error at all: they may."""
        return True

    def free_bytes(self, layout: Layout) -> int:
        """Bytes free on the fullest GPU of an accepted layout; negative where they do not suffice."""
        memory = self.evaluate(layout).per_gpu
        assert memory is not None
        return memory.free_bytes

    def evaluate(self, layout: Layout) -> LayoutMemory:
        """What fills each GPU of a layout, and whether the engine starts and carries the load.

        Raises:
            RequestError: a setting that contradicts the load.
        """
        if (kept := self._found.get(layout)) is None:
            kept = self._found[layout] = self._engine.evaluate(self._model, self._gpu, layout, self._load)
        return kept
