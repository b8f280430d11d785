"""What a notebook shows of an answer: HTML in which every name is text."""

from __future__ import annotations

from html import escape
from itertools import islice

from gpu_sizer.planning.sentences import details, fit_headline, fit_lines, headline

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from gpu_sizer.planning.plan import Fit, Plan


def _answer(first: str, rest: Iterable[str]) -> str:
    body = "\n".join(rest).strip("\n")
    return f"<p><strong>{escape(first)}</strong></p>\n<pre>{escape(body)}</pre>"


def plan_html(plan: Plan) -> str:
    """A plan: its sentence, and below it the rest as it stands in a terminal."""
    return _answer(headline(plan), details(plan))


def fit_html(fit: Fit) -> str:
    """One layout, likewise."""
    return _answer(fit_headline(fit), islice(fit_lines(fit), 1, None))
