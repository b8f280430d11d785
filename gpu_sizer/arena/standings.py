"""Who stands in the Arena's table: its names joined to the cards of open and proprietary models.

A name is joined through a card's ``arena_names`` first, then through its releases, its id, its hub id and its aliases;
words of reasoning effort at its end (``-high``, ``-thinking-16k``) name the same weights. Whether a model is open is
what the table's own licence column says, and only where it says nothing, what the card says: a name that a card would
claim against the table's licence is not its. What joins to no card stands with what the table tells of it, without a
date; what not even the table's licence tells is of unknown kind, and listed as such, never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from gpu_sizer.arena.history import History, Method, Snapshot
from gpu_sizer.arena.history_files import Listed
from gpu_sizer.cards.light_card import LightCard
from gpu_sizer.cards.model_card import ModelCard, Release
from gpu_sizer.cards.names import normal, normal_short
from gpu_sizer.errors import RequestError
from gpu_sizer.records import dataclass

#: Endings of chat versions that a card of the same shape may lack.
_CHAT_ENDINGS = ("-instruct", "-chat", "-it")
#: Words by which the names of a model's base, chat and converted forms differ.
_FORMS = frozenset(("instruct", "chat", "it", "base", "hf", "meta", "v0.1", "bf16", "fp8"))
#: How the Arena ends the names of one model asked to think for longer or shorter.
_EFFORT = re.compile(
    r"(?:[- ]\(?(?:thinking|non-thinking|instant|minimal|low|medium|high|xhigh|max)(?:-(?:minimal|\d+k))?\)?)+$",
    re.IGNORECASE,
)
SCORES = ("settled", "listed")
_NOTHING = Listed(0.0)


@dataclass(frozen=True, slots=True)
class Entrant:
    """A model that may stand in the table, with every spelling that can mean it."""

    id: str
    name: str
    organization: str | None
    released: date | None
    open: bool
    """Whether its weights are public."""
    arena_names: tuple[str, ...] = ()
    spellings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """One model of the table: its rating in points and the day of its release."""

    id: str | None
    """Of its card; null where it has none."""
    name: str
    organization: str | None
    released: date | None
    """Null where no card tells it."""
    open: bool
    rating: float
    arena_name: str

    def model_dump(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "model": self.id,
            "name": self.name,
            "organization": self.organization,
            "released": self.released.isoformat() if self.released else None,
            "open": self.open,
            "rating": round(self.rating, 2),
            "arena_name": self.arena_name,
        }


@dataclass(frozen=True, slots=True)
class Table:
    """The table of one day, joined to cards."""

    as_of: date
    listed: date
    """Day of the snapshot that says which models there were."""
    rated: date
    """Day of the snapshot whose ratings are used."""
    method: Method
    category: str
    source: str
    standings: tuple[Standing, ...]
    """Models whose kind and date are known, best first; names of one release stand once, at their best."""
    unjoined: tuple[str, ...]
    """Names without a card."""
    undated: tuple[str, ...]
    """Names whose card has no release date."""
    unrated: tuple[str, ...]
    """Names that the rated snapshot does not hold."""

    @property
    def names(self) -> int:
        """How many names the snapshot lists."""
        return len(self.unjoined) + len(self.undated) + len(self.unrated) + self.joined

    joined: int = 0
    """How many names are joined, dated and rated."""
    timeless: tuple[Standing, ...] = ()
    """Models whose kind the table or a card tells, and nothing their date, best first."""
    outside: tuple[tuple[str, float], ...] = ()
    """Names of unknown kind, open or proprietary, with their ratings, best first."""
    control: str | None = None
    """What the ratings are controlled for, as far as the history tells."""
    rights: str | None = None
    """Whose the ratings are and under which licence, where both have to be named."""

    def best(self, opened: bool) -> Standing | None:
        """The highest rated model of a kind, dated or not."""
        able = [s for s in (*self.standings, *self.timeless) if s.open is opened]
        return max(able, key=lambda s: (s.rating, s.released is not None), default=None)


def entrants(models: Iterable[ModelCard], light_cards: Iterable[LightCard]) -> tuple[Entrant, ...]:
    """Cards as entrants: each release of a model card with a name or date of its own is one.

    Where a model card and a light card bear the same name, the model card has it.
    """
    listed: list[Entrant] = []
    for card in models:
        for release in card.releases:
            own = _same_release(release, card)
            listed.append(
                Entrant(
                    card.id,
                    # A fine-tune of a card's shape is another model: it stands under its own name.
                    release.name or (card.name if own else release.hub_id.rpartition("/")[2]),
                    card.organization if _owner(release.hub_id) == _owner(card.hub_id) else _owner(release.hub_id),
                    release.released or (card.released if own else None),
                    True,
                    (),
                    _known(release.hub_id, release.name or ""),
                )
            )
        spelt = _known(card.id, card.name, card.hub_id or "", *card.aliases)
        listed.append(
            Entrant(card.id, card.name, card.organization, card.released, True, tuple(card.arena_names), spelt)
        )
    for light in light_cards:
        listed.append(
            Entrant(
                light.id,
                light.name,
                light.organization,
                light.released,
                light.open,
                tuple(light.arena_names),
                (light.id,),
            )
        )
    return tuple(listed)


def _owner(hub_id: str | None) -> str | None:
    return hub_id.partition("/")[0] if hub_id else None


def _words(name: str) -> frozenset[str]:
    return frozenset(re.findall(r"[a-z0-9.]+", name.rpartition("/")[2].lower())) - _FORMS


def _same_release(release: Release, card: ModelCard) -> bool:
    """Whether a release is the card's own model, base or chat, and so of its date: a fine-tune came later."""
    own = {_words(n) for n in (card.id, card.name, card.hub_id or "")}
    return _words(release.name or release.hub_id) in own or _words(release.hub_id) in own


def _known(*names: str) -> tuple[str, ...]:
    return tuple(n for n in names if n)


class Register:
    """Finds the entrant that a name of the Arena means."""

    def __init__(self, known: Iterable[Entrant]) -> None:
        self._arena: dict[str, Entrant] = {}
        self._spelt: dict[str, Entrant] = {}
        for entrant in known:
            for name in entrant.arena_names:
                self._arena.setdefault(name.lower(), entrant)
            for spelling in entrant.spellings:
                for key in (normal(spelling), normal_short(spelling)):
                    self._spelt.setdefault(key, entrant)

    def find(self, name: str) -> Entrant | None:
        """The entrant of an Arena name; a release of the card that claims the name gives it its own date."""
        entrant = self._find(name)
        if entrant is None and (plain := _EFFORT.sub("", name)) != name and plain:
            return self._find(plain)
        return entrant

    def _find(self, name: str) -> Entrant | None:
        claimed = self._arena.get(name.lower())
        for key in _keys(name):
            spelt = self._spelt.get(key)
            if spelt is not None and (claimed is None or spelt.id == claimed.id):
                return spelt if claimed is None or spelt.released else claimed
        return claimed


def _keys(name: str) -> Iterator[str]:
    yield normal(name)
    for ending in _CHAT_ENDINGS:
        if name.lower().endswith(ending):
            yield normal(name[: -len(ending)])


def _rating(entrant: Entrant, name: str, rated: Snapshot, spare: Mapping[str, float]) -> float | None:
    """The rating of a name, or of another name of the same proprietary model, or its first later one."""
    for other in (name, *entrant.arena_names) if not entrant.open else (name,):
        if (score := rated.scores.get(other)) is not None:
            return score
    return spare.get(name)


def table(history: History, known: Iterable[Entrant], as_of: date | None = None, scores: str = "settled") -> Table:
    """The table of one day.

    Args:
        history: snapshots of one category.
        known: the entrants, from :func:`entrants`.
        as_of: the day; null is that of the newest snapshot.
        scores: ``settled`` rates the models of the day by the first Bradley–Terry snapshot not before it, since the
            online Elo of early snapshots wanders by tens of points with the last few votes; ``listed`` takes the
            figures as they stood on the day.

    Raises:
        RequestError: the history begins later, ``scores`` is neither, or no listed model is known to be open or not.
    """
    if scores not in SCORES:
        raise RequestError(f"scores are {' or '.join(SCORES)}, not {scores[:40]!r}")
    listed = history.at(as_of)
    rated = listed if scores == "listed" or listed.method == "Bradley–Terry" else history.settled(listed.day)
    later = _first_scores(history, rated) if rated is not listed else {}
    register = Register(known)
    best: dict[tuple[str, date | None, bool], Standing] = {}
    unjoined: list[str] = []
    undated: list[str] = []
    unrated: list[str] = []
    joined = 0
    outside: dict[str, float] = {}
    for name in sorted(listed.scores):
        told = listed.listed.get(name) or _told(history, name)
        entrant = register.find(name)
        if entrant is not None and told.open is not None and told.open is not entrant.open:
            entrant = None
        rating = rated.scores.get(name, later.get(name)) if entrant is None else _rating(entrant, name, rated, later)
        opened = told.open if entrant is None else entrant.open
        released = None if entrant is None else entrant.released
        if entrant is None:
            unjoined.append(name)
        elif released is None:
            undated.append(name)
        elif rating is None:
            unrated.append(name)
        else:
            joined += 1
        if rating is None:
            continue
        if opened is None:
            outside[name] = rating
            continue
        key = (name if entrant is None else entrant.id, released, opened)
        if key not in best or best[key].rating < rating:
            best[key] = Standing(
                None if entrant is None else entrant.id,
                name if entrant is None else entrant.name,
                told.organization if entrant is None else entrant.organization,
                released,
                opened,
                rating,
                name,
            )
    if not best:
        raise RequestError(
            f"of none of the {len(listed.scores)} models in the Arena's table of {listed.day} a card or the table "
            "itself tells whether it is open"
        )
    ordered = sorted(best.values(), key=lambda s: (-s.rating, s.id or s.name))
    return Table(
        as_of or listed.day,
        listed.day,
        rated.day,
        rated.method,
        history.category,
        history.source,
        tuple(s for s in ordered if s.released is not None),
        tuple(unjoined),
        tuple(undated),
        tuple(unrated),
        joined,
        tuple(s for s in ordered if s.released is None),
        tuple(sorted(outside.items(), key=lambda item: (-item[1], item[0]))),
        history.control,
        rated.rights,
    )


def _told(history: History, name: str) -> Listed:
    """What the history's other tables say of a name, or of the same model asked to think for longer or shorter."""
    plain = _EFFORT.sub("", name)
    for other in (name, plain, f"{plain}-high", f"{plain}-thinking"):
        if (listed := history.told.get(other.lower())) is not None:
            return listed
    return _NOTHING


def _first_scores(history: History, rated: Snapshot) -> dict[str, float]:
    """For names that the rated snapshot lacks: their rating in the first comparable snapshot after it."""
    scores: dict[str, float] = {}
    for snapshot in history.snapshots:
        if snapshot.day > rated.day and snapshot.method == rated.method:
            for name, score in snapshot.scores.items():
                scores.setdefault(name, score)
    return scores
