"""Tables as JSON: rows by column key, with every mark and assumption."""

from __future__ import annotations

import json
from typing import Any

from gpu_sizer.reports.tables.grid import Grid

ENDING = ".json"


def document(grid: Grid) -> dict[str, Any]:
    """The JSON object: values in base units; a count is null where no number searched does."""
    rows: list[dict[str, Any]] = []
    for group in grid.groups:
        for row in group.rows:
            pairs = list(zip(grid.columns, row.cells, strict=True))
            record: dict[str, Any] = {"key": row.key}
            if grid.group_key is not None:
                record["group"] = group.title
            record["values"] = {column.key: cell.value for column, cell in pairs}
            record["texts"] = {column.key: cell.text for column, cell in pairs}
            record["notes"] = {column.key: list(cell.marks) for column, cell in pairs if cell.marks}
            rows.append(record)
    return {
        "title": grid.title,
        "columns": [{"key": c.key, "title": c.title, "notes": list(c.marks)} for c in grid.columns],
        "group_by": grid.group_key,
        "rows": rows,
        "remarks": list(grid.remarks),
        "not_counted": [u.model_dump() for u in grid.uncounted],
        "assumptions": grid.facts,
    }


def write(grid: Grid) -> str:
    """One JSON document."""
    return json.dumps(document(grid), indent=2, ensure_ascii=False) + "\n"
