"""The kinds of mixer and of feed-forward: each a module of its package, named as in a card, loaded when asked for.

A module ``gated_delta_net.py`` holds the class ``GatedDeltaNet``. A new file is a new kind: it is read from YAML,
stands in the schema, and is sized and explained, with nothing to register.
"""

from __future__ import annotations

from gpu_sizer.model import feed_forwards, mixers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType


class Kinds:
    """The kinds of one building block."""

    def __init__(self, package: ModuleType) -> None:
        self._package = package
        self._classes: dict[str, type] = {}

    def folders(self) -> list[str]:
        """Where its modules lie."""
        return list(self._package.__path__)

    def names(self) -> list[str]:
        """Every kind, in order."""
        from pkgutil import iter_modules

        return sorted(module.name for module in iter_modules(self.folders()))

    def get(self, kind: str) -> type:
        """The class of a kind.

        Raises:
            KeyError: not a kind.
        """
        if (cls := self._classes.get(kind)) is None:
            name = "".join([word.capitalize() for word in kind.split("_")])
            try:
                # What importlib would do, without loading it: no question waits for that.
                module = __import__(f"{self._package.__name__}.{kind}", fromlist=[name])
                cls = getattr(module, name)
            except (ImportError, AttributeError):
                raise KeyError(kind) from None
            self._classes[kind] = cls
        return cls

    def classes(self) -> list[type]:
        """The classes of all kinds."""
        return [self.get(kind) for kind in self.names()]


#: By the word that stands for any of them in annotations: what a card's ``kind`` chooses from.
KINDS = {"Mixer": Kinds(mixers), "FeedForward": Kinds(feed_forwards)}
