"""Where the catalogue's facts come from: rules for the shipped cards, which a card of one's own need not keep."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from gpu_sizer.cards.checks import has_windows_alone
from gpu_sizer.cards.model_card import ModelCard, Source
from gpu_sizer.errors import CardError

#: An address of a package's page in a language's registry: a page is no source, its version's files are.
_REGISTRY = re.compile(r"^https?://[^/]+/(project/[^/]+/\d|package/)")
#: What a source's ``facts`` tell, by the words that say so.
KINDS = {
    "release date": re.compile(r"\bdates?\b(?! of the releases)"),
    "licence": re.compile(r"licen[cs]e"),
    "context length": re.compile(r"(?<!their )\bcontexts?\b"),
    "architecture": re.compile(r"architecture|shape|config|\b(layers|widths?|heads|tower|tensors|experts)\b"),
}
#: What says that a source tells of a window.
_WINDOW = re.compile(r"(?<!no )(?<!no sliding )\bwindows?\b")


def _origin(source: Source) -> str:
    """Who tells it: a package, or what stands first in an address (a site, a repository)."""
    if source.package is not None:
        return source.package.split()[0]
    host, *path = str(source.url).partition("://")[2].split("/")
    return "/".join((host, *path[:2]))


def told_once(sources: Sequence[Source]) -> dict[int, list[str]]:
    """The sources that alone tell something, by place: what no other source of the card tells as well."""
    tellers: dict[str, set[str]] = defaultdict(set)
    for source in sources:
        for kind, words in KINDS.items():
            if words.search(source.facts):
                tellers[kind].add(_origin(source))
    once = {}
    for place, source in enumerate(sources):
        alone = [k for k, words in KINDS.items() if words.search(source.facts) and len(tellers[k]) == 1]
        if alone:
            once[place] = alone
    return once


def check_addresses(sources: Sequence[Source], file: Path | str) -> None:
    """Packages are cited by name and version.

    Raises:
        CardError: one is cited by the address of its page.
    """
    for place, source in enumerate(sources):
        if source.url is not None and _REGISTRY.match(source.url):
            reason = "a package is cited by name and version (package: llmfit 1.1.17), not by its page"
            raise CardError(str(file), f"sources.{place}.url", reason)


def check_sources(card: ModelCard, file: Path | str) -> None:
    """A model card's sources are as :func:`check_addresses` asks, marked where they alone tell something.

    A window in every layer, which decides the cache of a long context, has a source that tells of it.

    Raises:
        CardError: the first that is not.
    """
    check_addresses(card.sources, file)
    alone = told_once(card.sources)
    for place, source in enumerate(card.sources):
        if place in alone and source.checked is None:
            reason = f"no other source tells its {' and '.join(alone[place])}: mark it (checked: once)"
            raise CardError(str(file), f"sources.{place}.checked", reason)
        if place not in alone and source.checked is not None:
            raise CardError(str(file), f"sources.{place}.checked", "another source tells all of it as well")
    if has_windows_alone(card) and not any(_WINDOW.search(source.facts) for source in card.sources):
        raise CardError(str(file), "sources", "every layer has a window, and no source tells of it")
