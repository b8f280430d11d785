"""Compares the catalogue with a dump of hub metadata: which repositories are a known model again, and what is new.

``python tools/match_rereleases.py ROWS --source 'package llmfit 1.1.17, hub metadata of 2026-10-05' --write`` writes
``model_cards/rereleases/``, a file for each organisation of cards, and prints what has no card by downloads. ROWS is a
wheel of llmfit or the JSON that ``tools/hub_dump.py`` makes of it.

A repository is a card again where its architecture and its exact parameter count are those of a repository that the
card names, and no fact of its shape contradicts; or where its shape is the card's and its count lies within two percent
(added tokens, a head that is stored twice, prediction layers left out). A copy in another format has the card's shape
and says the format in its name or metadata. Where several cards have one count, those of one architecture are as good
as each other and the one whose name and context are nearest is taken; others only where the name tells them apart.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import defaultdict
from datetime import date
from math import prod
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from gpu_sizer.cards.catalogue import Catalogue, data_folder
from gpu_sizer.cards.checking import explained_counts
from gpu_sizer.cards.folders import RERELEASES
from gpu_sizer.cards.hub_counts import Explained
from gpu_sizer.cards.model_card import ModelCard, Parameters, Source
from gpu_sizer.cards.names import normal
from gpu_sizer.cards.rerelease_files import tables
from gpu_sizer.cards.rerelease_table import Line, as_line
from gpu_sizer.cards.rereleases import OWN_INT4, base_and_format
from gpu_sizer.cards.writing import to_yaml
from gpu_sizer.errors import CardError
from gpu_sizer.model.inventory import build_inventory
from gpu_sizer.records import replace
from tools.hub_dump import read_rows, shape
from tools.solve_formats import exact_cards, formats_of
from tools.solve_shapes import solutions

#: Pipelines of repositories that hold language models.
PIPELINES = ("text-generation", "image-text-to-text", "unknown", "any-to-any")
#: Formats that no engine of ours reads, or that mix several: never in the table.
UNREAD = re.compile(
    r"mlx|jang|mtplx|colibri|gguf|exl[23]|onnx|bnb|nf4|quark|mixed|nonuniform|partial|prisma|openvino|ternary|bonsai|"
    r"\d\.\d+ ?bit|w8a16|spark$|prun|[-_](2|3|5|6)[-_]?bit|lora|adapter|sharded-int|int8mix|"
    r"bf16[-_]int|int[48].*int[48]",
    re.IGNORECASE,
)
#: Low-bit weights of no format that is read here, where the name says none that is.
LOW_BIT = re.compile(
    r"bitnet|1[.]58|paro$|pearl|hlwq|wmix|-oq\d|optiq|tq\d|[-_](?!16)\d+bit$|[-_]q[2-8]$", re.IGNORECASE
)
#: What a name says of the format, the first that matches.
FORMATS = (
    (re.compile(r"mxfp4", re.I), "mxfp4"),
    (re.compile(r"nvfp4|[-_]fp4", re.I), "nvfp4"),
    (re.compile(r"fp8[-_]dynamic", re.I), "float8-channel"),
    (re.compile(r"fp8[-_]block", re.I), "float8-block"),
    (re.compile(r"[-_.]fp8|fp8[-_]", re.I), "float8-tensor"),
    # Before the names of methods: GPTQ-Int8 and AWQ-8bit are eight bits.
    (re.compile(r"w8a8|[-_]int8|[-_]8[-_]?bit", re.I), "int8-channel"),
    (re.compile(r"awq|gptq|autoround|w4a16|[-_]int4|[-_]4bit", re.I), "int4-group128"),
)
#: What the dump calls formats, where the name does not say.
QUANTIZATIONS = {"AWQ-4bit": "int4-group128", "GPTQ-Int4": "int4-group128", "AutoRound-4bit": "int4-group128"}
#: What the dump calls weights of 16 bits.
PLAIN = (None, "Q4_K_M", "F16")
#: Licences as cards spell them; what the hub calls ``other`` or leaves open stays unsaid.
LICENSES = {"apache-2.0": "Apache-2.0", "mit": "MIT", "gemma": "Gemma Terms of Use", "other": None, "unknown": None}
#: The day that the hub gives all repositories that are older.
FIRST_DAY = "2022-03-02"
#: Classes whose layers are another's under other names: Qwen of 2023 has those of Qwen 1.5, and counts the same.
SAME_LAYERS = {"qwen": "qwen2"}
#: How far a count may lie from the card's own where all of the shape agrees.
NEAR = 0.02
#: New shapes with fewer downloads, or parameters, get no card of their own.
FEWEST_FOR_A_CARD = 9_500
SMALLEST_CARD = 50_000_000
#: Repositories with fewer downloads are left out: the table is what people ask for.
FEWEST_DOWNLOADS = 300


class Matcher:
    """Cards by what the dump says of the repositories that they name."""

    def __init__(self, rows: list[dict[str, Any]], models: Any) -> None:
        self._models = models
        self._exact = exact_cards(models, rows)
        self._counts: dict[tuple[str, int], dict[str, str]] = defaultdict(dict)
        self._shapes: dict[Any, dict[str, str]] = defaultdict(dict)
        self._rows = {row["name"].lower(): row for row in rows}
        self._bodies: dict[str, list[str]] = defaultdict(list)
        self._totals: dict[str, int] = {}
        for card in models.all():
            if not card.weights.rules:
                self._bodies[_body(card)].append(card.id)
            for hub_id in (card.hub_id, *(r.hub_id for r in card.releases)):
                row = self._rows.get((hub_id or "").lower())
                if row is None:
                    continue
                for architecture, count in ((row["architecture"], row["parameters_raw"]), *_stored(card, row)):
                    self._counts[architecture, count].setdefault(card.id, hub_id)
                if (known := shape(row)) is not None:
                    self._shapes[known].setdefault(card.id, hub_id)

    def known_class(self, row: dict[str, Any]) -> bool:
        """Whether some card is of the same class."""
        return any(architecture == row["architecture"] for architecture, _ in self._counts)

    def line(self, row: dict[str, Any]) -> tuple[str, Line] | None:
        """The card that a repository is again, and its line; null where it is none, or it cannot be told which."""
        if row.get("quantization") in PLAIN:
            row = {**row, "architecture": SAME_LAYERS.get(row["architecture"], row["architecture"])}
        name = row["name"]
        if UNREAD.search(name) or row.get("format") == "mlx":
            return None
        fmt = next((f for pattern, f in FORMATS if pattern.search(name.partition("/")[2])), None)
        if fmt is None and LOW_BIT.search(name):
            return None
        if "unquantized" in name.lower():
            fmt = None
        elif fmt is None and row.get("quantization") not in PLAIN:
            fmt = QUANTIZATIONS.get(row["quantization"])
            if fmt is None:
                return None
        if fmt == "int4-group128":
            fmt = next((f for owner, f in OWN_INT4.items() if name.lower().startswith(owner)), fmt)
        found = self._candidates(row, fmt)
        chosen = self._choose(found, row)
        if chosen is None:
            return self._told_by_name(row)
        card = self._models.get(chosen)
        length = row.get("context_length")
        longest = card.context.extended or card.context.native
        longer = length if length and length > longest and length % 1024 == 0 else None
        line = Line(hub_id=name, format=fmt, context=longer, count=None if fmt else row["parameters_raw"])
        if (told := formats_of(card, name, fmt, row["parameters_raw"], self._exact)) is not None:
            line = replace(line, format=None, formats=told)
        return (chosen, line) if as_line(card, line, "") is not None else None

    def _told_by_name(self, row: dict[str, Any]) -> tuple[str, Line] | None:
        """What a name alone leads to, where its count says what of it is converted: the line goes before the name."""
        name = row["name"]
        told = base_and_format(name)
        if told is None or (identity := self._models.lookup(told[0])) is None:
            return None
        card = self._models.get(identity)
        formats = formats_of(card, name, told[1], row["parameters_raw"], self._exact)
        return None if formats is None else (identity, Line(hub_id=name, formats=formats))

    def learn(self, card: ModelCard) -> None:
        """Further repositories of a new card's shape are no cards of their own."""
        self._bodies[_body(card)].append(card.id)

    def solved(self, row: dict[str, Any]) -> tuple[str | None, Line | None, ModelCard | None]:
        """For a repository of a dense class: the card that it is but for its vocabulary, or a card of its own."""
        name = row["name"]
        plain = row.get("quantization") in PLAIN and row.get("format") != "mlx"
        if (
            not plain
            or UNREAD.search(name)
            or LOW_BIT.search(name)
            or any(p.search(name.partition("/")[2]) for p, _ in FORMATS)
        ):
            return None, None, None
        found = solutions(row)
        # Of several, the one that is a card's shape: a head of its own and a wider feed-forward may count the same.
        if len(found) > 1:
            found = [card for card in found if _body(card) in self._bodies]
        if len(found) != 1:
            return None, None, None
        (card,) = found
        if not (same := self._bodies.get(_body(card))):
            return None, None, card
        if not all(known in self._models.files for known in same):
            return None, None, None
        alike = [self._models.get(c) for c in same]
        near = _nearest([c for c in alike if c.engine_class == card.engine_class] or alike, name)
        known = min(near, key=lambda c: _distance(c, row)).id
        longest = self._models.get(known).context
        longer = row["context_length"] if row["context_length"] > (longest.extended or longest.native) else None
        size = card.architecture.vocab_size
        line = Line(hub_id=name, context=longer, vocab_size=size, count=row["parameters_raw"])
        return known, line, None

    def _candidates(self, row: dict[str, Any], fmt: str | None) -> list[str]:
        same = list(self._counts.get((row["architecture"], row["parameters_raw"]), ()))
        alike = list(self._shapes.get(shape(row), ())) if shape(row) is not None else []
        if fmt is not None:
            # Weights in a format of their own: the card must have none.
            return [c for c in (same or alike) if not self._models.get(c).weights.rules]
        if same:
            agreeing = [c for c in same if self._agrees(c, row)]
            # A card of just this count goes before one of whose releases it is the count.
            return [c for c in agreeing if self._total(c) == row["parameters_raw"]] or agreeing
        return [c for c in alike if abs(self._total(c) / row["parameters_raw"] - 1) <= NEAR]

    def _agrees(self, card: str, row: dict[str, Any]) -> bool:
        """Whether no fact of the shape contradicts the card's own repository."""
        hub_id = self._counts[row["architecture"], row["parameters_raw"]][card]
        own = self._rows[hub_id.lower()]
        facts = ("num_hidden_layers", "num_attention_heads", "num_key_value_heads", "hidden_size", "vocab_size")
        return all(row.get(f) is None or own.get(f) is None or row[f] == own[f] for f in facts)

    def _total(self, card: str) -> int:
        if card not in self._totals:
            self._totals[card] = build_inventory(self._models.get(card)).total_parameters
        return self._totals[card]

    def _choose(self, found: list[str], row: dict[str, Any]) -> str | None:
        cards = [self._models.get(c) for c in found]
        plain = [c for c in cards if not c.weights.rules] or cards
        if not plain:
            return None
        # A name that says one of several decides; else they must be the same but for their names.
        pool = _nearest(plain, row["name"])
        if any(c.architecture != pool[0].architecture or c.weights != pool[0].weights for c in pool):
            return None
        return str(min(pool, key=lambda c: _distance(c, row)).id)


def _stored(card: ModelCard, row: dict[str, Any]) -> list[tuple[str, int]]:
    """What else a copy of a card's weights may count: without prediction layers or without a tower as well.

    The class of a language model without its tower is called as the whole one's with ``_text`` behind it.
    """
    towers = [t for tower in card.architecture.towers for t in tower.tensors]
    if card.weights.rules or not towers:
        return []
    inventory = build_inventory(card)
    uncounted = sum(prod(t.shape) * t.copies for t in towers if not t.parameter)
    counted = sum(prod(t.shape) * t.copies for t in towers if t.parameter)
    whole = inventory.total_parameters + uncounted
    # A tower that stands in the card's total would make a text model's larger than it is.
    text = [] if counted else [(row["architecture"] + "_text", whole - uncounted)]
    return [(row["architecture"], whole), *text]


def _body(card: ModelCard) -> str:
    """A card's architecture but for its vocabulary."""
    return repr(replace(card.architecture, vocab_size=1))


def as_card(row: dict[str, Any], card: ModelCard, source: str) -> ModelCard:
    """A solved shape as a card of its own."""
    owner, _, ending = row["name"].partition("/")
    told = (
        "the width of the feed-forward is solved from the hub's exact parameter count; the data type is not told by "
        "the metadata: 16 bits a weight are assumed"
    )
    return replace(
        card,
        id=ending.lower(),
        name=ending,
        organization=owner,
        hub_id=row["name"],
        released=date.fromisoformat(row["release_date"])
        if (row.get("release_date") or FIRST_DAY) > FIRST_DAY
        else None,
        license=LICENSES.get(row.get("license") or "", row.get("license")),
        parameters=Parameters(total=build_inventory(card).total_parameters),
        notes=(*card.notes, told),
        sources=(
            Source(
                package=" ".join(re.findall(r"package (\S+) ([^\s,]+)", source)[0]),
                facts="layers, widths, vocabulary, context, exact count, release date (the first day), licence, as the "
                "hub's metadata have them",
                checked="once",
            ),
        ),
    )


def _distance(card: ModelCard, row: dict[str, Any]) -> tuple[int, str]:
    """How far a card's context lies from a repository's; the id for those that lie as far."""
    return abs((card.context.extended or card.context.native) - (row.get("context_length") or 0)), card.id


def _nearest(cards: list[ModelCard], name: str) -> list[ModelCard]:
    """Those of some cards whose names lie nearest to a repository's.

    Nearest are those of which the longest whole name stands in it, then those whose family does and that have no size
    or number that it lacks (``-A6B-16-Extreme``), then those whose family does.
    """
    ending = normal(name.partition("/")[2]).replace("_", "")
    whole = {c.id: max((len(n) for n in _endings(c) if n in ending), default=0) for c in cards}
    if (most := max(whole.values())) > 0:
        return [c for c in cards if whole[c.id] == most]
    family = [c for c in cards if _named(c, name)]
    plain = [c for c in family if all(w in ending for w in re.split("[-_]", c.id) if re.search(r"\d", w))]
    return plain or family or cards


def _endings(card: ModelCard) -> list[str]:
    """The names of a card and of its releases, without organisations, as names are compared."""
    hub_ids = (card.hub_id, *(r.hub_id for r in card.releases))
    return [normal(n.rpartition("/")[2]).replace("_", "") for n in (card.id, *hub_ids) if n]


def _named(card: ModelCard, name: str) -> bool:
    """Whether a repository's name holds the card's: ``Qwen2.5`` in ``JoyFox-Qwen2.5-7B``."""
    family = re.match(r"[a-z]+[-_ ]?\d+(?:\.\d+)?", card.id)
    told = normal(name.partition("/")[2])
    return family is not None and re.search(re.escape(normal(family[0])) + r"(?![.\d])", told) is not None


def with_reason(line: Line, name: str, models: Any, explained: Explained) -> Line:
    """The line, with its count's distance from the card's where nothing explains it."""
    identity = models.lookup(name)
    found = as_line(models.get(identity).as_release(name), line, "")
    if line.count is None or found is None:
        return line
    try:
        explained.check(found, identity, line.hub_id, line.count, None, "", "")
    except CardError:
        total = build_inventory(found).total_parameters
        told = f"{line.count - total:+,} values ({line.count / total - 1:+.2%})"
        reason = f"open: {told} beside the card's, all else that is told of the shape agrees"
        return replace(line, reason=reason)
    return line


def _is_made(file: Path) -> bool:
    """Whether a table was written here, not by hand."""
    return file.read_text(encoding="utf-8").startswith("# Made by")


def _by_hand(folder: Path) -> set[str]:
    """The repositories of tables that are written by hand, which stand there alone."""
    written = [table for file, table in tables([str(folder)]) if not _is_made(file)]
    return {normal(line.hub_id) for table in written for lines in table.cards.values() for line in lines}


def write(lines: dict[str, list[Line]], source: str, models: Any, folder: Path) -> None:
    """A file for each organisation of cards."""
    folder.mkdir(exist_ok=True)
    by_owner: dict[str, dict[str, list[Line]]] = defaultdict(dict)
    for card in sorted(lines):
        by_owner[Path(models.files[card]).parent.name][card] = sorted(lines[card], key=lambda x: x.hub_id.lower())
    for old in folder.glob("*.yaml"):
        if _is_made(old):
            old.unlink()
    for owner, cards in by_owner.items():
        text = [
            f"# Made by tools/match_rereleases.py; see model_cards/{RERELEASES}/README.md.",
            f"source: {source}",
            "cards:",
        ]
        for card, chosen in cards.items():
            text.append(f"  {card}:")
            for line in chosen:
                facts = {
                    "format": line.format,
                    "formats": line.formats and "{" + ", ".join(f"{k}: {v}" for k, v in line.formats.items()) + "}",
                    "context": line.context,
                    "vocab_size": line.vocab_size,
                    "count": line.count,
                    "reason": line.reason and f'"{line.reason}"',
                }
                told = "".join(f", {k}: {v}" for k, v in facts.items() if v is not None)
                text.append(f'    - {{hub_id: "{line.hub_id}"{told}}}')
        (folder / f"{owner}.yaml").write_text("\n".join(text) + "\n", encoding="utf-8")


def write_card(card: ModelCard, models: Any) -> bool:
    """A new card's file, unless it is tiny or its id is taken; whether it was written."""
    if (card.parameters.total or 0) < SMALLEST_CARD or models.lookup(card.id) is not None:
        return False
    folder = Path(data_folder("model_cards")) / str(card.organization)
    folder.mkdir(exist_ok=True)
    text = to_yaml(card, schema="../../gpu_sizer/schemas/model.json")
    (folder / f"{card.id}.yaml").write_text(text, encoding="utf-8")
    print("wrote", folder.name, card.id)
    return True


def main() -> None:
    """Matches, writes if asked, and prints what is new."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=Path)
    parser.add_argument("--source", required=True)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--cards", action="store_true", help="also write cards of solved shapes that are new")
    parser.add_argument("--top", type=int, default=60)
    asked = parser.parse_args()
    cards = Catalogue()
    rows = read_rows(asked.rows)
    matcher = Matcher(rows, cards.models)
    lines: dict[str, list[Line]] = defaultdict(list)
    folder = Path(data_folder("model_cards")) / RERELEASES
    new, seen, known, again, downloads = [], _by_hand(folder), 0, 0, [0, 0, 0]
    for row in sorted(rows, key=lambda r: -(r.get("hf_downloads") or 0)):
        count = row.get("hf_downloads") or 0
        if row.get("pipeline_tag") not in PIPELINES or count < FEWEST_DOWNLOADS:
            continue
        found: tuple[str | None, Line | None, ModelCard | None] = (None, None, None)
        if normal(row["name"]) in cards.models.index:
            known, downloads[0] = known + 1, downloads[0] + count
        elif normal(row["name"]) not in seen and (match := matcher.line(row)) is not None:
            seen.add(normal(row["name"]))
            lines[match[0]].append(match[1])
            again, downloads[1] = again + 1, downloads[1] + count
        elif normal(row["name"]) not in seen and (found := matcher.solved(row))[1] is not None:
            seen.add(normal(row["name"]))
            lines[str(found[0])].append(found[1])
            again, downloads[1] = again + 1, downloads[1] + count
        else:
            if asked.cards and found[2] is not None and count >= FEWEST_FOR_A_CARD:
                made = as_card(row, found[2], asked.source)
                if write_card(made, cards.models):
                    matcher.learn(made)
            new.append((count, row["name"], row["architecture"], row["parameters_raw"], matcher.known_class(row)))
            downloads[2] += count
    if asked.write:
        explained = explained_counts(cards)
        lines = {c: [with_reason(x, c, cards.models, explained) for x in chosen] for c, chosen in lines.items()}
        write(lines, asked.source, cards.models, folder)
    total = sum(downloads)
    print(f"{known} repositories have a card or release ({downloads[0] / total:.1%} of the downloads)")
    print(f"{again} are a card again ({downloads[1] / total:.1%})")
    print(f"{len(new)} are new ({downloads[2] / total:.1%}); by downloads:")
    for count, name, architecture, parameters, has_class in new[: asked.top]:
        print(f"{count:>10,}  {name}  {architecture}{'' if has_class else ' (no card of this class)'}  {parameters:,}")


if __name__ == "__main__":
    main()
