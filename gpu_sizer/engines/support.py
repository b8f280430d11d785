"""What an engine runs on and loads: platforms, generations of GPUs, and classes of models, by version.

An engine's ``profile.yaml`` says on which platforms it runs, and what a GPU must be; its ``classes.yaml`` since which
version it has a class of its own for a model, and until which.
"""

from __future__ import annotations

from functools import cached_property
from operator import attrgetter

from gpu_sizer.engines.profiles import PROFILE, has_data, profile_data
from gpu_sizer.engines.versions import at_least, line, number, reaches
from gpu_sizer.errors import RequestError, UncountableError
from gpu_sizer.load import LOAD

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from gpu_sizer.cards.gpu_spec import GpuSpec
    from gpu_sizer.cards.model_card import ModelCard
    from gpu_sizer.engines.engine import PreparedModel
    from gpu_sizer.load import Load

#: How platforms are called.
PLATFORMS = {"cuda": "CUDA", "rocm": "ROCm", "xpu": "Intel's XPU", "hpu": "Gaudi", "metal": "Metal", "musa": "MUSA"}
#: A class that no version has.
NEVER = "never"
#: Other spellings of types of the cache. Those of eight bits are alike in size.
_CACHE_SPELLINGS = {
    **dict.fromkeys(("fp8", "fp8_e4m3", "fp8_e4m3fn", "fp8_e5m2"), "float8"),
    "bf16": "bfloat16",
    **dict.fromkeys(("fp16", "f16"), "float16"),
}


#: Settings that take or save memory as only an engine that counts them can tell.
COUNTED = tuple([s for s in LOAD if s.counted])
_COUNTED, _NONE_COUNTED = attrgetter(*[s.name for s in COUNTED]), tuple([s.default for s in COUNTED])


class Supported:
    """The head of an engine's profile: its names, and what its version runs on and loads.

    Args:
        version: the version that is planned for; null is the profile's own.
    """

    counted: frozenset[str] = frozenset()
    """The settings among those that this engine counts."""
    reads_files: bool = False
    """Whether a GGUF file is counted as this engine loads it."""

    def __init__(self, version: str | None = None) -> None:
        self.asked = version or str(self.head["release"])
        self._unmet: dict[tuple[str, str | None], tuple[dict[str, Any], ...]] = {}
        self._spans: dict[str | None, tuple[str | None, str | None] | None] = {}

    def check_counted(self, load: Load) -> None:
        """Refuses an option that takes or saves memory and is not counted for this engine.

        Raises:
            RequestError: the option.
        """
        if _COUNTED(load) == _NONE_COUNTED:
            return
        for s in COUNTED:
            if getattr(load, s.name) != s.default and s.name not in self.counted:
                title, lacks = self.head["title"], self.head.get("lacks", {})
                if s.name in lacks:
                    raise RequestError(f"{title} has no {s.key}: {lacks[s.name]}")
                raise RequestError(f"what {s.key} takes or saves is not known here for {title}")

    @property
    def folder(self) -> str:
        """The engine's folder."""
        return type(self).__module__.split(".")[-2]

    @cached_property
    def head(self) -> dict[str, Any]:
        """The profile."""
        head: dict[str, Any] = profile_data(f"{self.folder}/{PROFILE}")
        return head

    @property
    def name(self) -> str:
        """As in ``--engine``."""
        return str(self.head["name"])

    @property
    def title(self) -> str:
        """As its authors write it."""
        return str(self.head["title"])

    @cached_property
    def cache_dtypes(self) -> dict[str, str | None]:
        """Types of the cache by what people write; null is the model's own."""
        known: list[str] = self.head["cache_dtypes"]
        return {name: _CACHE_SPELLINGS.get(name, name) for name in known} | {"auto": self.head.get("cache_default")}

    @cached_property
    def classes(self) -> dict[str, Any]:
        """The content of ``classes.yaml``; empty where there is none."""
        name = f"{self.folder}/classes"
        classes: dict[str, Any] = profile_data(name) if has_data(name) else {}
        return classes

    def _span(self, card: ModelCard) -> tuple[str | None, str | None] | None:
        """The first and the last version with the model's class, null where there is none; null for no such class."""
        if (name := card.engine_class) not in self._spans:
            self._spans[name] = self._span_of(name)
        return self._spans[name]

    def _span_of(self, name: str | None) -> tuple[str | None, str | None] | None:
        """The same of a class by its name."""
        known = self.classes.get("classes", {})
        if name not in known or name in self.head.get("another", ()):
            return None
        first, _, last = (known[name] or "").partition(" to ")
        first = "" if first == self.classes["first"] else first
        return first or None, None if name in self.head.get("by_transformers", ()) else last or None

    def older_version(self, card: ModelCard) -> str | None:
        """The line of the last version that loads a model, where this one no longer does; else null."""
        span = self._span(card)
        if span is None or span[1] is None or reaches(span[1], self.asked):
            return None
        return line(span[1])

    def newer_version(self, card: ModelCard) -> str | None:
        """The first version that loads a model, where this one does not yet; else null."""
        first = (self._span(card) or (None, None))[0] or self._counted_from(card)
        return None if first in (None, NEVER) or reaches(self.asked, str(first)) else first

    def _counted_from(self, card: ModelCard) -> str | None:
        """The first version as which a class is counted that earlier ones do not load, or hold otherwise; else null."""
        first: str | None = self.head.get("counted_from", {}).get(card.engine_class)
        return first

    def standing(self, generation: str | None, *, beside: bool) -> str | None:
        """The version that stands for a generation of the core where a log tells no more; null where none does.

        ``beside`` asks for what stands for it in a version whose default is another.
        """
        standing: str | None = self.head.get("generations", {}).get(generation, {}).get("beside" if beside else "alone")
        return standing

    def release_for(self, card: ModelCard) -> str:
        """The version to start: the one asked for, or the first of its line that loads the model."""
        first = (self._span(card) or (None, None))[0]
        if first not in (None, NEVER) and not at_least(self.asked, str(first)) and reaches(self.asked, str(first)):
            return str(first)
        return self.asked

    def check_card(self, card: ModelCard) -> None:
        """Refuses a model whose class this version does not have.

        Raises:
            UncountableError: the first version that has it, or the last; or a GGUF file, which it reads otherwise.
        """
        if card.weights.file is not None and not self.reads_files:
            does = self.head.get("gguf", "reads no GGUF files that is known here")
            other = "name the model that it was made from, or take llama.cpp (--engine llama.cpp)"
            raise UncountableError(f"{card.name} is a GGUF file: {self.title} {does}; {other}", about="model")
        if (span := self._span(card)) is None:
            return
        first, last = span
        what = f"{self.title} {self.asked} does not load {card.engine_class}"
        if first == NEVER:
            raise UncountableError(f"{what}: no version up to {self.classes['newest']} does", about="model")
        # A version between releases may have what the next one brings.
        if first is not None and not reaches(self.asked, first) and "dev" not in self.asked:
            raise UncountableError(
                f"{what}: {first} is the first version that does (--engine {self.name}@{first})", about="model"
            )
        if last is not None and not reaches(last, self.asked):
            raise UncountableError(
                f"{what}: {last} is the last version that does (--engine {self.name}@{line(last)})", about="model"
            )

    def check_class(self, card: ModelCard) -> None:
        """Refuses a class of models whose memory is not counted for this engine, by what is known of it.

        Raises:
            UncountableError: such a class.
        """
        if (first := self._counted_from(card)) is not None and not reaches(self.asked, first):
            raise UncountableError(
                f"what {self.title} {self.asked} takes for {card.engine_class} is not counted here: {first} is the "
                f"first version that is (--engine {self.name}@{first})",
                about="model",
            )
        if (why := self.head.get("uncounted", {}).get(card.engine_class)) is not None:
            raise UncountableError(f"{self.title} {why}", about="model")

    def last_note(self, card: ModelCard) -> str | None:
        """That later lines than the one that is planned for no longer load a model, or null."""
        last = (self._span(card) or (None, None))[1]
        if last is None or line(last) != line(self.asked):
            return None
        return f"{self.title} {last} is the last version that loads {card.engine_class}"

    def class_note(self, card: ModelCard) -> str | None:
        """That nobody knows here whether the engine loads a model's class, or null."""
        if not self.classes or card.engine_class is None or self._span(card) is not None:
            return None
        return (
            f"{card.engine_class} is not among the classes that {self.title} has up to {self.classes['newest']}: "
            f"{self.classes['otherwise']}"
        )

    def unlike_earlier(self, card: ModelCard) -> str | None:
        """What earlier versions hold of a model otherwise; null where a record without a version is of any."""
        return None

    def gpu_notes(self, gpu: GpuSpec) -> Iterator[str]:
        """What the engine's users have to know of a GPU, a sentence each."""
        rules = self.head["platforms"].get(gpu.platform) or {}
        if "note" in rules:
            yield rules["note"]
        builds, capability = rules.get("builds"), gpu.compute_capability
        if builds and capability and at_least(self.asked, builds["from"]) and not at_least(capability, builds["least"]):
            yield (
                f"{self.title}'s own builds since {builds['from']} are for compute capability {builds['least']} or "
                f"later: the {gpu.short_name} ({capability}) takes a build of yours, or an earlier version"
            )

    def never_on(self, platform: str, capability: str | None) -> str | None:
        """Why no version runs on GPUs of a platform and compute capability, whatever the model; null where one does."""
        platforms = self.head["platforms"]
        if platform not in platforms:
            known = ", ".join(PLATFORMS.get(p, p) for p in platforms)
            return f"{self.title} does not run on {PLATFORMS.get(platform, platform)}: it runs on {known}"
        least = (platforms[platform] or {}).get("least")
        if least is None or capability is None or not number(capability) or at_least(capability, least):
            return None
        return f"{self.title} needs compute capability {least} or later; this GPU has {capability}"

    def check_gpu(self, model: PreparedModel, gpu: GpuSpec, cache_dtype: str) -> None:
        """Refuses a GPU on which this version does not run, or does not run this model.

        Args:
            model: the model as the engine holds it.
            gpu: the GPU.
            cache_dtype: the type of its cache.

        Raises:
            UncountableError: what it runs on instead.
        """
        key = (gpu.platform, gpu.compute_capability)
        if (unmet := self._unmet.get(key)) is None:
            unmet = self._unmet[key] = self._needs_unmet(gpu)
        for rule in unmet:
            if _is_meant(rule, model, cache_dtype):
                raise UncountableError(
                    f"{self.title} runs {rule['words']} on compute capability {rule['least']} or later; "
                    f"{gpu.short_name} has {gpu.compute_capability}",
                    about="gpu",
                )

    def _needs_unmet(self, gpu: GpuSpec) -> tuple[dict[str, Any], ...]:
        """The needs of some models that a GPU does not meet, alike for all of its platform and compute capability.

        Raises:
            UncountableError: the version does not run on it at all.
        """
        if (never := self.never_on(gpu.platform, gpu.compute_capability)) is not None:
            raise UncountableError(never, about="gpu")
        rules = self.head["platforms"][gpu.platform] or {}
        capability = gpu.compute_capability
        if gpu.platform != "cuda" or capability is None or not number(capability):
            return ()
        if (first := rules.get("since", {}).get(number(capability)[0])) is not None and not reaches(self.asked, first):
            raise UncountableError(
                f"{self.title} {self.asked} does not run on {gpu.name} (compute capability {capability}): {first} is "
                f"the first version that does (--engine {self.name}@{first})",
                about="gpu",
            )
        return tuple(
            [
                rule
                for rule in rules.get("needs", ())
                if not at_least(capability, rule["least"]) and at_least(self.asked, rule.get("from", "0"))
            ]
        )


def _latent_kind(card: ModelCard) -> str | None:
    """Whether attention is latent, or sparse latent that chooses what it reads by an index; else null."""
    if not card.has_latents:
        return None
    kinds = {
        "sparse" if block.mixer.indexer else "latent"
        for block in card.architecture.blocks.values()
        if block.mixer is not None and block.mixer.latent
    }
    return "sparse" if "sparse" in kinds else "latent" if kinds else None


def _is_meant(rule: dict[str, Any], model: PreparedModel, cache_dtype: str) -> bool:
    """Whether a model with such a cache is one that a rule of a platform is about."""
    if "classes" in rule and model.card.engine_class not in rule["classes"]:
        return False
    if "latent" in rule and _latent_kind(model.card) not in rule["latent"]:
        return False
    if "caches" in rule and cache_dtype not in rule["caches"]:
        return False
    return "formats" not in rule or any(t.fmt in rule["formats"] for t, _ in model.inventory.everything())
