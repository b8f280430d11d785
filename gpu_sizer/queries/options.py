"""What a question says beside names and intent, and words that several rules share."""

from __future__ import annotations

from gpu_sizer.queries.words import word_set
from gpu_sizer.records import dataclass, field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: Words that stand between a keyword and its number.
LINKS = word_set("of is = size at up to length len window a an the about around roughly with value set be per")
USERS = word_set(
    "user users ppl folks request requests people person persons clients client sessions session customers chats"
    " streams developers devs employees colleagues students readers callers agents queries streams conversations"
)
#: Words beside a model's name that make it a draft of another.
DRAFTING = word_set("draft drafter speculative")
GPU_NOUNS = word_set("gpu gpus card cards accelerator accelerators graphics")


@dataclass(slots=True)
class Options:
    """What a question says beside names and intent; null where it is silent.

    ``context`` is as typed; the places are those of the words that told a number of GPUs and of nodes.
    """

    context: tuple[str, ...] = ()
    users: int | None = None
    users_each: bool = False
    """Whether the users are those of each GPU."""
    engine: str | None = None
    engines_more: bool = False
    """Whether another engine is named beside that."""
    utilization: float | None = None
    layouts: str | None = None
    max_gpus: int | None = None
    gpu_count: int | None = None
    nodes: int | None = None
    count_place: int | None = None
    nodes_place: int | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    """All other settings of a load, by their names."""
    notes: tuple[str, ...] = ()
    expert_parallel: bool = False
    sizes: dict[str, int] = field(default_factory=dict)
    parts: tuple[tuple[str, str], ...] = ()
    """Every length as typed, with whether it is of a prompt (``in``), of an answer (``out``), or of both (empty)."""
    tokens_in_all: float | None = None
    """Output tokens a second of all users together."""
    most: bool = False
    """Whether the most requests a second are asked for."""
    lengths: tuple[str, ...] = ()
    """Lengths of which each is asked about, as typed; ``context`` is the first."""
    weights: tuple[str, ...] = ()
    """Types of weights of which each is asked about, where there are several."""
    copies: int | None = None
    """Copies of the model that may share a GPU."""
    ahead: int | None = None
    """Tokens that a draft is told to be ahead."""
    dollars_an_hour: float | None = None
    """The most that may be paid for renting."""
    prices: bool = False
    """Whether a price is asked for."""
    token_price: bool = False
    """Whether what a million tokens cost is asked for."""
    by_month: bool = False
    """Whether a price by the month is asked for."""
    power: bool = False
    """Whether it is asked what the GPUs draw."""
    waits: bool = False
    """Whether the time to the first token is asked for."""
    best: bool = False
    """Whether the best rated models are to stand first."""
    per_machine: int | None = None
    """GPUs in one of the machines that are asked about, or 0 for the usual number."""
