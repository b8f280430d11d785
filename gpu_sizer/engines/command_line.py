"""How an engine's server is called: what its options mean for a load and a layout."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gpu_sizer.cards.catalogue import catalogue
from gpu_sizer.records import dataclass, field

#: Replicas of attention lie within the tensor parallel size, and share the experts.
REPLICAS_WITHIN = "replicas_within"


def drafts_by(model: str, method: str | None) -> bool:
    """Whether there is a card of what drafts, which does by such a method; null is any, draft_model a whole model."""
    shelf = catalogue()
    if (identity := shelf.drafts.lookup(model)) is not None:
        draft = shelf.drafts.get(identity).draft
        return draft is not None and method in (None, draft.method)
    return method in (None, "draft_model") and shelf.models.lookup(model) is not None


@dataclass(frozen=True, slots=True)
class CommandLine:
    """The command of one engine, as people type it and as its images are given it."""

    name: str
    """The engine's name."""
    programs: tuple[tuple[str, ...], ...]
    """Words behind which the options stand: ``vllm serve``."""
    options: Mapping[str, str]
    """Options with a value, and what they set: ``model``, a setting of a load or of a layout."""
    switches: Mapping[str, tuple[str, Any]] = field(default_factory=dict)
    """Options without one, and what they set to which value."""
    readers: Mapping[str, Callable[[str], dict[str, Any] | None]] = field(default_factory=dict)
    """Options whose value is a text of its own, and what settings it tells; null where it cannot be counted."""
    together: tuple[str, ...] = ()
    """What of the above sets no setting by itself, but several of them one."""
    finish: Callable[[dict[str, Any], str | None], tuple[dict[str, Any], tuple[str, ...]]] | None = None
    """Makes settings of those, given the model; and the options of what cannot be counted."""
    takes_memory: tuple[str, ...] = ()
    """Options that are not modelled and make the engine need more memory: an answer without them is no safe one."""
    images: tuple[str, ...] = ()
    """Beginnings of images' names whose arguments are options."""
    bare_model: bool = False
    """Whether the first word that is no option is the model."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """Variables of the environment that the server reads in the place of options, and these."""
    underscored: bool = False
    """Whether it writes its options with underscores between the words; read are both."""
    shared_context: bool = False
    """Whether the length is that of all requests together."""

    def option(self, setting: str) -> str | None:
        """The option that sets a setting, the first of several, as it is written; null where none does."""
        flags = (flag for flag, name in self.options.items() if name == setting and flag.startswith("--"))
        flag = next(flags, None)
        return f"--{flag[2:].replace('-', '_')}" if flag is not None and self.underscored else flag
