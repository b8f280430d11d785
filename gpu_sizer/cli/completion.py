"""What a shell completes: for each kind of value a function from the word under the cursor to the values it begins."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from gpu_sizer.cards.catalogue import catalogue
from gpu_sizer.discovery import names_in
from gpu_sizer.load import ENGINE, LOAD, WEIGHTS, Setting

Completer = Callable[[str], list[str]]


def of(values: Iterable[str] | Callable[[], Iterable[str]]) -> Completer:
    """Completes one of some values, which may be found only once they are asked for; what is typed stays as it is.

    Shells drop what begins in other letters than were typed, and no value is told from another by capitals alone.
    """

    def completed(incomplete: str) -> list[str]:
        known = values() if callable(values) else values
        return [incomplete + v[len(incomplete) :] for v in known if v.lower().startswith(incomplete.lower())]

    return completed


def listed(complete: Callable[[str], Iterable[str]]) -> Completer:
    """Completes the last of several values that are separated by commas."""

    def completed(incomplete: str) -> list[str]:
        before, comma, last = incomplete.rpartition(",")
        taken = set(before.split(","))
        return [f"{before}{comma}{name}" for name in complete(last) if name not in taken]

    return completed


def either_way(complete: Callable[[str], Iterable[str]]) -> Completer:
    """Completes a key to sort by, which a minus turns round."""

    def completed(incomplete: str) -> list[str]:
        minus = "-" if incomplete.startswith("-") else ""
        return [f"{minus}{key}" for key in complete(incomplete.removeprefix("-"))]

    return completed


def counted(complete: Callable[[str], Iterable[str]]) -> Completer:
    """Completes a name that may stand behind its number: ``3xa6`` to ``3xa6000``."""

    def completed(incomplete: str) -> list[str]:
        number, times, name = incomplete.partition("x")
        if times and number.isdigit():
            return [f"{number}x{choice}" for choice in complete(name)]
        return list(complete(incomplete))

    return completed


def _engines() -> Iterable[str]:
    from gpu_sizer.engines.registry import engine_names

    return engine_names()


def _machines() -> Iterable[str]:
    from gpu_sizer.cards.fleet import fleet

    return [o.machine.name for o in fleet().all()]


def _providers() -> Iterable[str]:
    from gpu_sizer.cards.fleet import fleet

    return sorted(fleet().providers)


def _organizations() -> Iterable[str]:
    return sorted({card.organization for card in catalogue().models.all() if card.organization is not None})


def _licenses() -> Iterable[str]:
    return sorted({card.license for card in catalogue().models.all() if card.license is not None})


def _vendors() -> Iterable[str]:
    return sorted({gpu.vendor for gpu in catalogue().gpus.all()})


def _columns() -> Iterable[str]:
    from gpu_sizer.reports.tables.columns import KINDS

    return KINDS


def _weights() -> Iterable[str]:
    from gpu_sizer.model.formats import WEIGHT_FORMATS

    return WEIGHT_FORMATS


def _caches() -> Iterable[str]:
    from gpu_sizer.engines.registry import engine, engine_names

    return dict.fromkeys(dtype for name in engine_names() for dtype in engine(name).cache_dtypes)


def _named(ids: list[str], aliases: Iterable[str]) -> Completer:
    """Completes ids, and where none begins so the other names: ``a60`` to ``a6000``."""
    return lambda incomplete: of(ids)(incomplete) or sorted(of(aliases)(incomplete))


def models(incomplete: str) -> list[str]:
    """Models that begin like the word under the cursor."""
    return _named(catalogue().models.ids(), catalogue().models.index)(incomplete)


def gpus(incomplete: str) -> list[str]:
    """GPUs that begin like the word under the cursor."""
    return _named(catalogue().gpus.ids(), catalogue().gpus.index)(incomplete)


#: What ``show`` takes.
entries = of(lambda: [*catalogue().models.ids(), *catalogue().gpus.ids()])
engines = of(_engines)
machines = of(_machines)
providers = of(_providers)
columns = of(_columns)
organizations = of(_organizations)
licenses = of(_licenses)
vendors = of(_vendors)
themes = of(("light", "dark"))


def formats(*further: str) -> Completer:
    """Completes the formats of tables, and further ones."""
    return of(lambda: [*names_in("reports/tables/formats"), *further])


#: Of settings that have no choices of their own, by name: of both types the one is that of the cache.
_OF_SETTINGS = {
    ENGINE.name: engines,
    **{s.name: of(_caches) for s in LOAD if s.axis.endswith("_dtypes")},
    WEIGHTS: of(_weights),
}


def of_setting(s: Setting) -> Completer | None:
    """What completes the values of a setting; null for numbers."""
    return of(s.choices) if s.choices else _OF_SETTINGS.get(s.name)
