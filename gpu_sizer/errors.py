"""Errors fit to show to the person who made the mistake."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def printable(text: str) -> str:
    """A text on one line, without control characters: what a terminal may be shown."""
    return text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)


def shown(value: object, most: int = 40) -> str:
    """A value as a message shows it: texts in quotes, on one line, and no more than its beginning where it is long."""
    try:
        text = repr(value) if isinstance(value, str) else str(value)
    except ValueError:
        return "a number of thousands of digits"
    return printable(text) if len(text) <= most else printable(text[: most - 3]) + "..."


class GpuSizerError(Exception):
    """Base of every error that gpu_sizer raises on purpose; its text is one clear sentence."""

    #: Word for the ``kind`` key of the JSON error object.
    kind = "invalid"
    #: Word for the ``about`` key of the JSON error object.
    about = "question"

    def __init__(self, message: str, *, suggestions: Sequence[str] = ()) -> None:
        self.suggestions: tuple[str, ...] = tuple(suggestions)
        super().__init__(message)

    def model_dump(self) -> dict[str, dict[str, object]]:
        """The JSON object."""
        return {
            "error": {
                "kind": self.kind,
                "about": self.about,
                "message": str(self),
                "suggestions": list(self.suggestions),
            },
        }


class UnknownNameError(GpuSizerError):
    """A model or GPU name that the catalogue does not hold, or that could mean several."""

    kind = "unknown"
    #: How a name was written that could mean several, or nearly means one.
    spelling = ""


class UnknownModelError(UnknownNameError):
    """No model of that name, or several; ``suggestions`` holds near ids."""

    about = "model"


class UnknownGpuError(UnknownNameError):
    """No GPU of that name, or several; ``suggestions`` holds near ids."""

    about = "gpu"


class UnknownMachineError(UnknownNameError):
    """No machine or provider of that name, or several machines; ``suggestions`` holds near names."""

    about = "gpu"


class CardError(GpuSizerError):
    """A card or spec that cannot be used: ``file``, ``key`` and ``reason`` say why."""

    about = "model"

    def __init__(self, file: str, key: str, reason: str) -> None:
        self.file, self.key, self.reason = file, key, reason
        super().__init__(f"{file}: {key}: {reason}" if key else f"{file}: {reason}")


class RequestError(GpuSizerError):
    """A request with a value that makes no sense; ``about`` names what it concerns."""

    def __init__(self, message: str, *, about: str = "question", suggestions: Sequence[str] = ()) -> None:
        super().__init__(message, suggestions=suggestions)
        self.about = about


class UncountableError(RequestError):
    """What a model takes in this engine or on this GPU is not known here; a listing marks the pair and goes on."""


class DoesNotFitError(GpuSizerError):
    """Raised only where the caller asked for an error instead of an answer that does not fit."""


def unknown_word(message: str, word: str, known: Iterable[str]) -> RequestError:
    """The error of a word that is none of those known: the message, and the nearest of them or else all."""
    from difflib import get_close_matches

    every = tuple(known)
    near = get_close_matches(word, every, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(every)}"
    return RequestError(f"{message}; {hint}", suggestions=near)
