"""Frozen, slotted data classes that cost next to nothing to define.

The standard library's ``dataclasses`` takes longer to import and to build our forty classes than a whole
question takes to answer. This module has the part of it that the project uses: the same decorator, ``field``,
``fields`` and ``replace``, with the same meaning. Type checkers see the standard library's own.

A frozen class with slots that says ``HASHED_ONCE`` keeps its hash: what stands in many keys has many fields.

Records that hold a card are validated by pydantic, which asks a class for its schema
(``__get_pydantic_core_schema__``); that happens in :mod:`gpu_sizer.cards.validation`, and only where a YAML
file or an imported configuration is checked.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from dataclasses import FrozenInstanceError, dataclass, field, replace
    from typing import Any, TypeVar

    R = TypeVar("R")

    def fields(record: object) -> tuple[Any, ...]:
        """The fields of a record or of its class, in order."""

    def unfinished(cls: type[Any], values: dict[str, Any], later: dict[str, Callable[[], Any]]) -> Any:
        """A record whose class names fields in ``LATER``, of which some are made when they are first asked for."""

    def recast(record: Any, cls: type[R], **changes: Any) -> R:
        """The same as a record of such a class, some fields changed; what waits to be made goes on waiting."""

    _describe: list[object] = []
    __all__ = ["FrozenInstanceError", "dataclass", "describe_records_with", "field", "fields", "is_record", "replace"]
    __all__ += ["recast", "unfinished"]
else:
    from functools import partial
    from operator import attrgetter
    from types import MappingProxyType
    from types import MemberDescriptorType as MemberDescriptor

    MISSING = object()
    #: Instances of a class that are made before its initializer is compiled.
    FIRST_INSTANCES = 60
    _describe = []
    _GIVEN = {}
    _GIVEN_LATER = {}
    _set = object.__setattr__
    _become = object.__dict__["__class__"].__set__
    #: Fields from which on it pays that a record wears another class while it is made.
    FIELDS_FOR_A_TWIN = 4

    class FrozenInstanceError(AttributeError):
        """A record's field was assigned."""

    class Field:
        """One field of a record: a plain one, unless told otherwise."""

        name, default, default_factory = "", MISSING, MISSING
        init = repr = compare = True
        metadata = MappingProxyType({})

        @property
        def required(self):
            """Whether it has no default."""
            return self.default is MISSING and self.default_factory is MISSING

    def field(*, default=MISSING, default_factory=MISSING, init=True, repr=True, compare=True, metadata=None):
        """A field with more than a default."""
        made = Field()
        made.default, made.default_factory = default, default_factory
        made.init, made.repr, made.compare = init, repr, compare
        made.metadata = metadata or Field.metadata
        return made

    def fields(record):
        """The fields of a record or of its class, in order."""
        return record.__record_fields__

    def replace(record, **changes):
        """A copy with some fields changed."""
        cls = type(record)
        if (given := _GIVEN.get(cls)) is None:
            names = [f.name for f in cls.__record_fields__ if f.init]
            # A second name has the getter give a tuple, whatever the number of fields.
            given = _GIVEN[cls] = names, attrgetter(*names, names[-1]) if names else lambda record: ()
        names, values = given
        return cls(**{**dict(zip(names, values(record))), **changes})  # noqa: B905 - one value more

    def unfinished(cls, values, later):
        """A record whose class names fields in ``LATER``, of which some are made when they are first asked for.

        Its values were checked before: no ``__post_init__`` is called.
        """
        made = object.__new__(cls)
        if (known := _GIVEN_LATER.get((cls, *later))) is None:
            now = [f for f in cls.__record_fields__ if f.name not in later]
            defaults = {f.name: f.default for f in now if f.default is not MISSING}
            names = [f.name for f in now]
            known = _GIVEN_LATER[cls, *later] = list(zip(names, _setters(cls, names), strict=True)), defaults
        setters, defaults = known
        given = {**defaults, **values}
        for name, setter in setters:
            setter(made, given[name])
        _set(made, "_later", later)
        return made

    def recast(record, cls, **changes):
        """The same as a record of such a class, some fields changed; what waits to be made goes on waiting."""
        waiting = [name for name in getattr(record, "_later", ()) if name not in changes]
        values = {f.name: getattr(record, f.name) for f in cls.__record_fields__ if f.name not in waiting}
        return unfinished(cls, {**values, **changes}, {name: partial(getattr, record, name) for name in waiting})

    def _made_later(self, name):
        """``__getattr__`` of such a record, which is asked only for what it does not have: makes a field and keeps it.

        What waits is looked at and not taken: another thread may be here for the same field.
        """
        later = {} if name == "_later" else getattr(self, "_later", {})
        if (make := later.get(name)) is None:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        value = make()
        _set(self, name, value)
        return value

    def _setters(cls, names):
        """What sets each field of an instance, also of a frozen one: its slot, which asks no ``__setattr__``."""
        members = [getattr(cls, name, None) for name in names]
        if all(type(member) is MemberDescriptor for member in members):
            return [member.__set__ for member in members]
        return [lambda record, value, name=name: _set(record, name, value) for name in names]

    def _each(setters, record, *values):
        for setter, value in zip(setters, values, strict=True):
            setter(record, value)

    def _open_twin(cls):
        """A class of the same slots whose fields can be assigned; null where instances are not laid out by slots.

        An instance that is being made wears it: assigning to its fields is then what the interpreter does fastest.
        """
        if not all("__slots__" in vars(c) for c in cls.__mro__[:-1]):
            return None
        body = {"__slots__": cls.__slots__, "__setattr__": object.__setattr__, "__delattr__": object.__delattr__}
        twin = type(cls)(cls.__name__, cls.__bases__, body)
        try:
            _become(object.__new__(cls), twin)
        except TypeError:
            return None
        return twin

    def _initializer(cls, own, kw_only, post_init):
        """``__init__`` as source, compiled: the one method whose speed matters."""
        given = [f for f in own if f.init]
        twin = _open_twin(cls)
        setters = _setters(cls, [f.name for f in given])
        scope = {"_missing": MISSING, "_class": cls, "_twin": twin, "_become": _become}
        scope["_each"] = partial(_each, setters)
        head, body = [], []
        for f in given:
            if f.default is not MISSING:
                scope[f"_d_{f.name}"] = f.default
                head.append(f"{f.name}=_d_{f.name}")
            elif f.default_factory is not MISSING:
                scope[f"_f_{f.name}"] = f.default_factory
                head.append(f"{f.name}=_missing")
                body.append(f"    if {f.name} is _missing: {f.name} = _f_{f.name}()")
            else:
                head.append(f.name)
        if twin is not None and len(given) >= FIELDS_FOR_A_TWIN:
            # An instance of a class below this one may be laid out otherwise.
            body += ["    if self.__class__ is _class:", "        _become(self, _twin)"]
            body += [f"        self.{f.name} = {f.name}" for f in given]
            body += ["        self.__class__ = _class", "    else:"]
            # Few are made so, and each line takes its time to compile.
            body.append(f"        _each(self, {', '.join([f.name for f in given])})")
        else:
            scope |= {f"_s_{f.name}": setter for f, setter in zip(given, setters, strict=True)}
            body += [f"    _s_{f.name}(self, {f.name})" for f in given]
        star = "*, " if kw_only and head else ""
        if post_init:
            body.append("    self.__post_init__()")
        exec(f"def __init__(self, {star}{', '.join(head)}):\n" + ("\n".join(body) or "    pass"), scope)
        return scope["__init__"]

    def _first_initializer(own, kw_only, post_init):
        """An ``__init__`` that sets field by field, and gives way to a compiled one for a class that is made often.

        Compiling takes as long as some dozens of instances made this way, and most classes have few in a question.
        """
        left, names, known, setters, defaults, factories = FIRST_INSTANCES, (), (), (), {}, {}

        def prepare(cls):
            nonlocal names, known, setters, defaults, factories
            given = [f for f in own if f.init]
            names = [f.name for f in given]
            known = dict.fromkeys(names).keys()
            setters = list(zip(names, _setters(cls, names), strict=True))
            defaults = {f.name: f.default for f in given if f.default is not MISSING}
            factories = {f.name: f.default_factory for f in given if f.default_factory is not MISSING}

        def compiled(self, positional, named):
            type(self).__init__ = made = _initializer(type(self), own, kw_only, post_init)
            made(self, *positional, **named)

        def first(self, *positional, **named):
            nonlocal left
            if left == FIRST_INSTANCES:
                prepare(type(self))
            left -= 1
            # Often made, or made with wrong arguments: the compiled one refuses those in Python's own words.
            if left < 0 or (kw_only and positional):
                return compiled(self, positional, named)
            values = named
            if positional:
                values = dict(zip(names, positional))  # noqa: B905 - too many are found below
                values.update(named)
                if len(values) < len(positional) + len(named):
                    return compiled(self, positional, named)
            if len(values) < len(names):
                values = {**defaults, **values}
                for name, factory in factories.items():
                    if name not in values:
                        values[name] = factory()
            if values.keys() != known:
                return compiled(self, positional, named)
            for name, setter in setters:
                setter(self, values[name])
            if post_init:
                self.__post_init__()
            return None

        return first

    def _repr(self):
        shown = ", ".join(f"{f.name}={getattr(self, f.name)!r}" for f in self.__record_fields__ if f.repr)
        return f"{type(self).__name__}({shown})"

    def _eq(self, other):
        if type(other) is not type(self):
            return NotImplemented
        values = self.__record_key__
        return values(self) == values(other)

    def _hash(self):
        return hash(self.__record_key__(self))

    def _hash_once(self):
        try:
            return self._kept_hash
        except AttributeError:
            kept = hash(self.__record_key__(self))
            _set(self, "_kept_hash", kept)
            return kept

    def _frozen_set(self, name, value):
        raise FrozenInstanceError(f"cannot assign to field {name!r}")

    def _frozen_delete(self, name):
        raise FrozenInstanceError(f"cannot delete field {name!r}")

    def _reduce(self):
        return _rebuild, (type(self), tuple(getattr(self, f.name) for f in self.__record_fields__))

    def _rebuild(cls, values):
        """A record from its values, for copy and pickle."""
        made = object.__new__(cls)
        for f, value in zip(cls.__record_fields__, values, strict=True):
            _set(made, f.name, value)
        return made

    def _pydantic_schema(cls, source, handler):
        return _describe[0](cls, handler)

    _PYDANTIC_SCHEMA = classmethod(_pydantic_schema)

    def _build(cls, frozen, slots, kw_only):
        namespace = dict(cls.__dict__)
        base = getattr(cls, "__record_fields__", ())
        new = {}
        for name, annotation in namespace.get("__annotations__", {}).items():
            if str(annotation).startswith("ClassVar"):
                continue
            field = namespace.pop(name, MISSING)
            if type(field) is not Field:
                default, field = field, Field()
                if default is not MISSING:
                    field.default = default
            field.name = name
            new[name] = field
        # As in data classes: a base's fields come first, and one that is declared again keeps its place.
        inherited = {f.name: new.get(f.name, f) for f in base}
        own = list({**inherited, **new}.values())
        namespace["__record_fields__"] = tuple(own)
        # What takes the values that are compared.
        compared = [f.name for f in own if f.compare]
        namespace["__record_key__"] = attrgetter(*compared) if compared else type
        namespace["__init__"] = _first_initializer(own, kw_only, "__post_init__" in namespace)
        namespace.setdefault("__repr__", _repr)
        namespace["__reduce__"] = _reduce
        namespace["__get_pydantic_core_schema__"] = _PYDANTIC_SCHEMA
        if "__eq__" not in namespace:
            namespace["__eq__"] = _eq
            once = slots and any("HASHED_ONCE" in vars(c) for c in cls.__mro__)
            namespace["__hash__"] = (_hash_once if once else _hash) if frozen else None
        if frozen:
            namespace["__setattr__"], namespace["__delattr__"] = _frozen_set, _frozen_delete
        if slots:
            namespace["__slots__"] = tuple([f.name for f in own if f.name not in inherited])
            if "LATER" in namespace:
                namespace["__slots__"] += ("_later",)
                namespace["__getattr__"] = _made_later
            if "HASHED_ONCE" in namespace:
                namespace["__slots__"] += ("_kept_hash",)
        namespace.pop("__dict__", None)
        namespace.pop("__weakref__", None)
        return type(cls)(cls.__name__, cls.__bases__, namespace)

    def dataclass(cls=None, /, *, frozen=False, slots=False, kw_only=False):
        """The decorator: fields from annotations, ``frozen``, ``slots`` and ``kw_only`` as in ``dataclasses``."""
        if cls is None:
            return lambda c: _build(c, frozen, slots, kw_only)
        return _build(cls, frozen, slots, kw_only)


def describe_records_with(schema: object) -> None:
    """Registers the function that gives pydantic a record's schema, called with the class and pydantic's handler."""
    _describe[:] = [schema]


def is_record(value: object) -> bool:
    """Whether a value is a record (not the class of one)."""
    return hasattr(type(value), "__record_fields__")
