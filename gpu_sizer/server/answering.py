"""One call, from what a caller sent to what is sent back: the same in a server's process and in one that computes."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

from pydantic import ValidationError

from gpu_sizer.errors import CardError, GpuSizerError, RequestError
from gpu_sizer.records import dataclass
from gpu_sizer.server.bodies import Body
from gpu_sizer.server.calls import CALLS
from gpu_sizer.server.errors import error_object, raised, refused

LOG = logging.getLogger("gpu_sizer.server")


@dataclass(frozen=True, slots=True)
class Outcome:
    """An answer or an error: its status over HTTP, its JSON object, and an answer's text where that was asked for."""

    status: int
    body: dict[str, Any]
    text: str = ""


def outcome(name: str, body: Body | dict[str, Any], *, text: bool = False) -> Outcome:
    """What a call gives; never an error.

    Args:
        name: of the call.
        body: checked, or as it was sent.
        text: whether somebody reads the answer as text.
    """
    try:
        if (call := CALLS.get(name)) is None:
            raise RequestError(f"no tool {name[:40]!r}; there are: {', '.join(CALLS)}")
        answered = call.run(call.body.model_validate(body) if isinstance(body, dict) else body)
        return Outcome(HTTPStatus.OK, answered.body, "\n".join(answered.lines) if text else "")
    except ValidationError as error:
        return Outcome(HTTPStatus.UNPROCESSABLE_ENTITY, refused(error.errors()))
    except CardError as error:
        # A card is the operator's, not the caller's, and the message names its file.
        LOG.error("a card cannot be used: %s", error)
        return fault("a card of this server cannot be used")
    except GpuSizerError as error:
        return Outcome(*raised(error))
    except Exception:
        LOG.exception("a fault of ours, in %s", name[:40])
        return fault("a fault of ours; the server's log has it")


def fault(message: str) -> Outcome:
    """An error that is not the caller's."""
    return Outcome(HTTPStatus.INTERNAL_SERVER_ERROR, error_object("fault", message))
