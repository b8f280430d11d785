"""What a notebook shows of a result: HTML in which every name is text, with bars and tables, for light and dark."""

from __future__ import annotations

from html import escape

from gpu_sizer.units import gib
from gpu_sizer.words.blocks import Memory, Pairs, Paragraph, Told

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gpu_sizer.words.blocks import Block, Titled

#: Colours that stay legible on white and on black, and tell apart for the colour-blind (after Okabe and Ito).
_COLOURS = {
    "weights": "#3b82c4",
    "KV cache": "#3fb6b2",
    "activations": "#c06ca8",
    "overhead": "#d99a1c",
    "free": "#5aa84f",
    "missing": "#d1495b",
}
#: The notebook's own letters and background are kept: lines and faint words are made of these.
STYLE = """
.gpu-sizer{font-family:system-ui,sans-serif;font-size:14px;line-height:1.45;max-width:60em}
.gpu-sizer p{margin:.3em 0}.gpu-sizer .head{font-weight:600;font-size:15px}
.gpu-sizer .dim{opacity:.7}.gpu-sizer .note{border-left:3px solid #d99a1c;padding-left:.6em}
.gpu-sizer h4{margin:.9em 0 .2em;font-size:14px}
.gpu-sizer table{border-collapse:collapse;margin:.5em 0;background:none;font-variant-numeric:tabular-nums}
.gpu-sizer th,.gpu-sizer td{text-align:left;vertical-align:top;padding:.15em .9em .15em 0;background:none;
border:0;border-bottom:1px solid rgba(128,128,128,.3);white-space:nowrap}
.gpu-sizer .right{text-align:right}.gpu-sizer .flow{white-space:normal}
.gpu-sizer .bar{display:flex;height:1em;width:100%;max-width:40em;background:rgba(128,128,128,.25);margin:.3em 0}
.gpu-sizer .bar span{display:block;height:100%}
.gpu-sizer i{display:inline-block;width:.8em;height:.8em;margin-right:.4em}
.gpu-sizer .wide{overflow-x:auto}
""".strip().replace("\n", "")


def html(told: Told) -> str:
    """A result as a fragment of a page."""
    body = "".join(part for block in told.blocks for part in _block(block))
    return page(f'<p class="head">{escape(told.headline)}</p>{body}')


def page(body: str) -> str:
    """A fragment with the look of results."""
    return f'<style>{STYLE}</style><div class="gpu-sizer">{body}</div>'


def _block(block: Block) -> Iterator[str]:
    if isinstance(block, Memory):
        yield from _memory(block)
        return
    if isinstance(block, Paragraph | Pairs) and block.title:
        yield f"<h4>{escape(block.title)}</h4>"
    if isinstance(block, Paragraph):
        tone = f' class="{block.tone}"' if block.tone != "plain" else ""
        yield from (f"<p{tone}>{escape(line.strip())}</p>" for line in block.lines)
    elif isinstance(block, Pairs):
        rows = "".join(
            f'<tr><th scope="row">{escape(label)}</th><td class="flow">{escape(said)}</td></tr>'
            for label, said in block.rows
        )
        yield f"<table><tbody>{rows}</tbody></table>"
    else:
        yield table(block.columns, block.rows)


def table(columns: Sequence[Titled], rows: Sequence[Sequence[str]]) -> str:
    """A table of texts."""
    kinds = ["right" if c.right else "flow" if c.flow else "" for c in columns]
    marks = [f' class="{kind}"' if kind else "" for kind in kinds]
    head = "".join(f'<th scope="col"{m}>{escape(c.title)}</th>' for c, m in zip(columns, marks, strict=True))
    body = "".join(
        f"<tr>{''.join(f'<td{m}>{escape(cell)}</td>' for cell, m in zip(row, marks, strict=True))}</tr>" for row in rows
    )
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _memory(memory: Memory) -> Iterator[str]:
    yield f"<p>{escape(memory.title)}</p>"
    whole = max(1, memory.capacity_bytes)
    drawn = [*memory.parts, *([memory.left] if memory.left[0] == "free" else [])]
    shares = "".join(
        f'<span style="width:{max(0.0, min(100.0, size / whole * 100)):.2f}%;background:{_COLOURS[name]}"></span>'
        for name, size in drawn
    )
    words = ", ".join(f"{name} {gib(size)}" for name, size in drawn)
    yield f'<div class="bar" role="img" aria-label="{escape(words, quote=True)}">{shares}</div>'
    rows = []
    for name, size in (*memory.parts, memory.left):
        share = f"{size / memory.budget_bytes:.0%}" if memory.budget_bytes > 0 else ""
        error = f"± {gib(memory.band_bytes)}" if (name, size) == memory.left else ""
        rows.append(
            f'<tr><td><i style="background:{_COLOURS[name]}"></i>{escape(name)}</td>'
            f'<td class="right">{gib(size)}</td><td class="right">{share}</td><td>{error}</td></tr>'
        )
    yield f"<table><tbody>{''.join(rows)}</tbody></table>"
