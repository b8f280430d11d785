"""A card written as YAML: fields in the schema's order, defaults left out."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from gpu_sizer.cards.gpu_spec import GpuSpec
from gpu_sizer.cards.machine import Machine, Provider
from gpu_sizer.cards.model_card import ModelCard, Source
from gpu_sizer.records import fields, is_record

if TYPE_CHECKING:
    from gpu_sizer.cards.light_card import LightCard

_KEEP = ("kind", "id", "name")


def plain(value: Any) -> Any:
    """A card as plain data: dataclasses become mappings without the fields that hold their default."""
    if is_record(value):
        result = {}
        for f in fields(value):
            if not f.init:
                continue
            item = getattr(value, f.name)
            if f.name not in _KEEP and item == f.default:
                continue
            result[f.name] = plain(item)
        return result
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    return value


def jsonable(card: ModelCard | LightCard | GpuSpec | Machine | Provider | Source) -> dict[str, Any]:
    """A card, or a source of one, as data that JSON can hold: dates become text."""

    def made(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: made(v) for k, v in value.items()}
        if isinstance(value, list):
            return [made(v) for v in value]
        return value.isoformat() if isinstance(value, date) else value

    result: dict[str, Any] = made(plain(card))
    return result


def to_yaml(
    card: ModelCard | GpuSpec | Machine | Provider, *, schema: str | None = None, comments: tuple[str, ...] = ()
) -> str:
    """The YAML text of a card.

    Args:
        card: the card.
        schema: path of the JSON Schema for editors, written as a ``yaml-language-server`` header.
        comments: lines that stand below the header.
    """
    import yaml

    class Dumper(yaml.SafeDumper):
        def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
            super().increase_indent(flow, False)

        def ignore_aliases(self, data: Any) -> bool:
            return True

    def numbers_in_one_line(dumper: Any, data: list[Any]) -> Any:
        flow = all(isinstance(x, int | str) for x in data) and sum(len(str(x)) + 2 for x in data) < 90
        return dumper.represent_sequence("tag:yaml.org,2002:seq", data, flow_style=flow)

    Dumper.add_representer(list, numbers_in_one_line)
    Dumper.add_representer(date, lambda d, v: d.represent_scalar("tag:yaml.org,2002:timestamp", v.isoformat()))
    head = [f"# yaml-language-server: $schema={schema}"] if schema else []
    head += [f"# {line}" for line in comments]
    body = yaml.dump(
        plain(card), Dumper=Dumper, sort_keys=False, allow_unicode=True, width=118, default_flow_style=False
    )
    return "\n".join([*head, body])
