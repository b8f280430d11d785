"""What a user may choose about a deployment beside the plan: names, image, port, own options of the engine.

A field that is a setting is declared here alone: commands, bodies of HTTP and keys of Terraform derive from it.
"""

from __future__ import annotations

import re

from gpu_sizer.errors import RequestError
from gpu_sizer.load import setting, settings_of
from gpu_sizer.records import dataclass

#: A DNS label (RFC 1123), as Kubernetes names things.
_LABEL = re.compile(r"[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?")
#: An extended resource of Kubernetes: a domain and a name.
_RESOURCE = re.compile(r"[a-z0-9][a-z0-9.-]{0,200}/[A-Za-z0-9][A-Za-z0-9_.-]{0,61}[A-Za-z0-9]")
#: The most servers behind one address.
MOST_REPLICAS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """How a plan is deployed; every default is what most deployments have."""

    weights: str | None = setting(None, "Repository or folder to load. Default: the model's own repository.")
    """It may hold types that were asked for as a what-if."""
    image: str | None = setting(None, "Container image. Default: the engine's own.")
    port: int = setting(8000, "Port of the server.", most=65535)
    tuned: bool = setting(False, "With the plan's lower settings, on fewer GPUs.")
    name: str | None = setting(None, "Name of what is made. Default: engine, model and GPU.")
    namespace: str | None = setting(None, "Namespace of Kubernetes. Default: the current one.")
    replicas: int = setting(1, "Servers that are alike, behind one address.", most=MOST_REPLICAS)
    api_key: bool = setting(
        True,
        "Clients have to send a key wherever the port leaves the machine.",
        flag="--api-key/--no-api-key",
    )
    remote_code: bool = setting(
        True,
        "Let the engine run code out of the model's repository where it needs it.",
        flag="--remote-code/--no-remote-code",
    )
    dra: bool = setting(False, "Kubernetes: ask for GPUs by a ResourceClaimTemplate instead of the device plugin.")
    rdma: str | None = setting(None, "Kubernetes: resource of the devices for RDMA between machines, as rdma/ib.")
    release: str | None = None
    """Repository of the release that was meant (an instruct version); null is the card's."""
    extra: tuple[str, ...] = ()
    """The engine's own options beside the plan's."""

    def __post_init__(self) -> None:
        """Refuses what cannot be.

        Raises:
            RequestError: the choice and what is wrong with it.
        """
        for s in CHOICES:
            s.check(getattr(self, s.name))
        for what in ("weights", "release", "image"):
            value = getattr(self, what)
            if value is not None and (not value.strip() or not value.isprintable() or value.startswith("-")):
                raise RequestError(f"{what} must be on one line and not begin with a hyphen, not {value!r}")
        if self.weights is not None and self.weights.startswith((".", "~")):
            raise RequestError(f"weights must be a repository, or a folder named from the root, not {self.weights!r}")
        for what in ("name", "namespace"):
            value = getattr(self, what)
            if value is not None and not _LABEL.fullmatch(value):
                raise RequestError(
                    f"{what} must be lower-case letters, digits and hyphens, the first a letter, the last no hyphen, "
                    f"not {value[:60]!r}"
                )
        if self.rdma is not None and not _RESOURCE.fullmatch(self.rdma):
            raise RequestError(f"rdma must be the name of a resource, as rdma/ib, not {self.rdma[:60]!r}")
        if isinstance(self.extra, str) or not all(isinstance(word, str) for word in self.extra):
            raise RequestError("extra is a list of words, as ['--tool-call-parser', 'hermes']")
        if any("\0" in word for word in self.extra):
            raise RequestError("an option of the engine cannot hold a NUL")


#: The choices as settings of commands and bodies.
CHOICES = settings_of(Choices)
