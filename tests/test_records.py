"""Records mean what data classes mean."""

from __future__ import annotations

import copy
import pickle

import pytest

from gpu_sizer.records import FrozenInstanceError, dataclass, field, fields, is_record, recast, replace, unfinished


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    x: int
    y: int = 2
    tags: tuple[str, ...] = ()
    sum: int = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.x < 0:
            raise ValueError("x is negative")
        object.__setattr__(self, "sum", self.x + self.y)


@dataclass(slots=True)
class Bag:
    items: list[int] = field(default_factory=list)


def test_fields_defaults_and_what_follows_from_them() -> None:
    p = Point(x=1)
    assert (p.x, p.y, p.tags, p.sum) == (1, 2, (), 3)
    assert repr(p) == "Point(x=1, y=2, tags=())"
    assert [f.name for f in fields(p)] == ["x", "y", "tags", "sum"]
    assert is_record(p)
    assert not is_record(Point)


def test_equal_records_are_equal_and_hash_alike() -> None:
    assert Point(x=1) == Point(x=1)
    assert hash(Point(x=1)) == hash(Point(x=1))
    assert Point(x=1) != Point(x=2)
    assert Point(x=1) != (1, 2, (), 3)


def test_a_frozen_record_stays_as_it_is() -> None:
    with pytest.raises(FrozenInstanceError):
        Point(x=1).x = 3  # type: ignore[misc]
    with pytest.raises(AttributeError):
        del Point(x=1).x


def test_replace_checks_again() -> None:
    assert replace(Point(x=1), y=5).sum == 6
    with pytest.raises(ValueError, match="negative"):
        replace(Point(x=1), x=-1)


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(TypeError):
        Point()  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        Point(1)  # type: ignore[misc]
    with pytest.raises(TypeError):
        Point(x=1, z=1)  # type: ignore[call-arg]


def test_each_instance_has_its_own_mutable_default() -> None:
    a, b = Bag(), Bag()
    a.items.append(1)
    assert b.items == []
    with pytest.raises(TypeError):
        hash(a)


def test_records_survive_copy_and_pickle() -> None:
    p = Point(x=1, tags=("a",))
    assert copy.copy(p) == copy.deepcopy(p) == pickle.loads(pickle.dumps(p)) == p


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    name: str
    parts: tuple[int, ...]
    size: int = 1
    LATER = ("parts",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet(Card):
    pass


def test_a_part_is_made_when_it_is_first_asked_for() -> None:
    asked: list[str] = []

    def parts() -> tuple[int, ...]:
        asked.append("parts")
        return (1, 2)

    card = unfinished(Card, {"name": "a"}, {"parts": parts})
    assert (card.name, card.size, asked) == ("a", 1, [])
    assert card.parts == card.parts == (1, 2)
    assert asked == ["parts"]
    whole = Card(name="a", parts=(1, 2))
    assert card == whole
    assert pickle.loads(pickle.dumps(unfinished(Card, {"name": "a"}, {"parts": parts}))) == whole
    waiting = unfinished(Card, {"name": "a"}, {"parts": parts})
    other = recast(waiting, Sheet)
    assert asked == ["parts", "parts"]
    assert other == Sheet(name="a", parts=(1, 2))
    assert (waiting.parts, asked) == ((1, 2), ["parts"] * 3)
    for record in (card, whole):
        with pytest.raises(AttributeError, match="no attribute 'weight'"):
            _ = record.weight
        with pytest.raises(FrozenInstanceError):
            record.parts = ()


@dataclass(frozen=True, slots=True)
class Wide:
    a: int
    b: int = 2
    c: tuple[int, ...] = ()
    d: str = "d"
    HASHED_ONCE = True


@dataclass(frozen=True, slots=True)
class Wider(Wide):
    e: int = 5


class Loose(Wide):
    """One with a dictionary, which is laid out otherwise."""


@pytest.mark.parametrize("kind", [Wide, Wider, Loose])
def test_a_record_that_is_made_often_is_what_the_first_ones_were(kind: type[Wide]) -> None:
    made = [kind(1, c=(3,)) for _ in range(200)]
    for record in (made[0], made[-1]):
        assert type(record) is kind
        assert (record.a, record.b, record.c, record.d) == (1, 2, (3,), "d")
        with pytest.raises(FrozenInstanceError):
            record.a = 2  # type: ignore[misc]
        assert hash(record) == hash(record) == hash(made[1])
        assert hash(replace(record, a=2)) == hash(kind(2, c=(3,))) != hash(record)
    assert made[0] == made[-1] == pickle.loads(pickle.dumps(made[-1]))
    with pytest.raises(TypeError):
        kind()  # type: ignore[call-arg]
