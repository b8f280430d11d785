"""The model card: identity, release, lengths, data types and architecture of one model."""

from __future__ import annotations

from functools import cache

from gpu_sizer.cards.names import normal, normal_short, stem
from gpu_sizer.errors import shown
from gpu_sizer.model.architecture import Architecture
from gpu_sizer.model.kinds import KINDS
from gpu_sizer.model.weights import Weights
from gpu_sizer.records import dataclass, field, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import date
    from typing import Any, Literal

    from gpu_sizer.model.constraints import Dimension, Id, ParameterCount, Text, Tokens

#: How formats are called in the names of repositories that hold a model once more in fewer bits.
FORMATS_IN_NAMES = frozenset(("fp8", "mxfp8", "nvfp4", "mxfp4", "fp4", "int8", "int4", "awq", "gptq", "w4a16", "w8a8"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a fact was read: at an address, or in a package."""

    url: Text | None = None
    """A public address."""
    package: Text | None = None
    """A package of a language's registry by name and version: llmfit 1.1.17."""
    facts: Text
    """What was read there."""
    checked: Literal["once"] | None = None
    """once: some of it stands in no other source of the card."""

    def __post_init__(self) -> None:
        if (self.url is None) == (self.package is None):
            raise ValueError("a source is a url or a package")
        if self.package is not None and len(self.package.split()) != 2:
            raise ValueError(f"package is a name and a version (llmfit 1.1.17), not {shown(self.package)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextLength:
    """Tokens that prompt and answer may take together."""

    native: Tokens
    """The length the model accepts as configured (max_position_embeddings)."""
    extended: Tokens | None = None
    """A longer length that its authors support through the method named."""
    method: Text | None = None
    """How the extended length is reached (YaRN factor 4 ...)."""

    def __post_init__(self) -> None:
        if (self.extended is None) != (self.method is None):
            raise ValueError("extended and method belong together")
        if self.extended is not None and self.extended <= self.native:
            raise ValueError(f"extended ({self.extended}) must exceed native ({self.native})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """Published parameter counts, to be checked against the inventory; never an input of a formula."""

    total: ParameterCount | None = None
    """Exact total, tied weights once, without multi-token-prediction layers."""
    active: ParameterCount | None = None
    """Exact count used per token."""
    published: Text | None = None
    """The count as its authors print it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A release of the same shape under another name: an instruct or chat version, a later date."""

    hub_id: Text
    name: Text | None = None
    released: date | None = None
    context: ContextLength | None = None
    vocab_size: Dimension | None = None
    """Rows of its embedding, where it has more or fewer than the card."""


@cache
def _has_latents(kinds: tuple[str, ...]) -> bool:
    """Whether mixers of some kinds cache a latent: cards have few sets of kinds."""
    mixers: Any = KINDS["Mixer"]
    return any(mixers.get(kind).latent for kind in kinds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a card drafts for: layers that guess tokens ahead of a model, and are no model by themselves."""

    method: Literal["eagle", "eagle3", "dflash", "dspark"]
    """How it is run, as engines call it."""
    of: tuple[Id, ...]
    """The cards of the models that it was trained for, which give it their states, and an embedding and a head where it
    has none."""

    def __post_init__(self) -> None:
        if not self.of:
            raise ValueError("a draft is one of a model at least")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCard:
    """One model: what it is called, when and by whom it was released, and how it is built."""

    id: Id
    """Its usual short name in lower case."""
    name: Text
    """Its name as people write it."""
    organization: Text | None = None
    released: date | None = None
    """The day its open weights were announced."""
    license: Text | None = None
    open_license: bool | None = None
    """Whether the licence is an open-source one (OSI), where known."""
    hub_id: Text | None = None
    """Repository on the Hugging Face hub."""
    aliases: tuple[Text, ...] = ()
    """Other names people type."""
    ambiguous_names: tuple[Text, ...] = ()
    """Names that could mean this model among others, to be asked back."""
    arena_names: tuple[Text, ...] = ()
    """Names in the Chatbot Arena's tables."""
    releases: tuple[Release, ...] = ()
    """Other releases of the same shape."""
    context: ContextLength
    weights: Weights
    parameters: Parameters = Parameters()
    architecture: Architecture
    engine_class: Text | None = None
    """The engine's model class where it decides how tensors are laid out (an `architectures` entry)."""
    language_model: Id | None = None
    """The card of the text model that this one is made of: its layers are the same, and have their sources there."""
    draft: Draft | None = None
    """Of a card that only drafts for others (speculative decoding); null for models."""
    verified: bool = True
    """False where the architecture was inferred from an unknown configuration."""
    notes: tuple[Text, ...] = ()
    """What a reader of the answer should know."""
    sources: tuple[Source, ...]
    """Where the facts come from; at least one."""
    told_kinds: tuple[str, ...] | None = field(default=None, init=False, compare=False, repr=False)
    """Of a card from the compiled catalogue, whose layers wait to be built: the kinds of its mixers."""
    #: What a card from the compiled catalogue builds when it is first asked for.
    LATER = ("releases", "architecture", "sources")

    def __post_init__(self) -> None:
        if not self.sources:
            raise ValueError("a card needs at least one source")
        object.__setattr__(self, "told_kinds", None)

    @property
    def mixer_kinds(self) -> tuple[str, ...]:
        """The kinds of its token mixers, each once; known of a card of the catalogue before its layers are built."""
        return self.architecture.mixer_kinds if self.told_kinds is None else self.told_kinds

    @property
    def has_latents(self) -> bool:
        """Whether some layers cache a latent; no layer is built to tell."""
        return _has_latents(self.mixer_kinds)

    @property
    def quantized(self) -> bool:
        """Whether it is a release in fewer bits beside the one that it was made from: its own name says the format."""
        return bool(self.weights.rules) and not FORMATS_IN_NAMES.isdisjoint(self.id.split("-"))

    def as_release(self, name: str) -> ModelCard:
        """The card under the name, date and length of the release that a name means; itself where it means none."""
        release = self._release(name)
        if release is None:
            return self
        card = self if release.vocab_size is None else self.with_vocabulary(release.vocab_size)
        return replace(
            card,
            name=release.name or release.hub_id.rpartition("/")[2],
            released=release.released,
            hub_id=release.hub_id,
            context=release.context or self.context,
        )

    def with_vocabulary(self, rows: int) -> ModelCard:
        """The card with another number of rows in its embedding; its counts are then not the published ones."""
        return replace(self, architecture=replace(self.architecture, vocab_size=rows), parameters=Parameters())

    def _release(self, name: str) -> Release | None:
        """The release that bears a name, or else the one that bears it but for an ending that people leave out."""
        wanted = (normal(name), normal_short(name))
        for release in self.releases:
            spelt = (normal(release.hub_id), normal_short(release.hub_id), normal(release.name or release.hub_id))
            if any(s in wanted for s in spelt):
                return release

        def is_wanted(names: tuple[str, ...]) -> bool:
            return any(normal(n) in wanted or normal_short(n) in wanted for n in names)

        if is_wanted((self.id, self.name, *((self.hub_id,) if self.hub_id else ()))):
            return None
        if is_wanted(self.aliases):
            # An alias with which a release's name begins, and the card's does not, is that release's.
            named = [r for r in self.releases if normal(r.name or "").startswith(wanted)]
            return named[0] if named and not normal(self.name).startswith(wanted) else None
        return next((r for r in self.releases if normal_short(stem(r.hub_id)) in wanted), None)
