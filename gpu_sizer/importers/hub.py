"""A model of the Hugging Face hub: its configuration and the headers of its weights, never the weights.

The client is ``huggingface_hub`` (the extra ``hub``), so token, cache, ``HF_ENDPOINT`` and offline mode work as its
users expect.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from gpu_sizer.cards.model_card import ModelCard, Source
from gpu_sizer.errors import CardError, RequestError
from gpu_sizer.importers.checkpoint import Checkpoint, StoredTensor
from gpu_sizer.importers.crosscheck import compare
from gpu_sizer.importers.hugging_face import MODELOPT_FILE, card_from_config, read_json, with_modelopt
from gpu_sizer.importers.safetensors import DTYPE_BITS
from gpu_sizer.model.inventory import build_inventory
from gpu_sizer.records import replace

_ID = re.compile(r"[\w.-]{1,96}/[\w.-]{1,96}")
SITE = "https://huggingface.co"
#: How long a hub may take to take a connection.
CONNECT_SECONDS = 5.0


def _client() -> Any:
    try:
        import huggingface_hub
    except ImportError:
        raise RequestError(
            "reading from the hub needs one more package: pip install 'gpu-sizer[hub]'", about="model"
        ) from None
    return huggingface_hub


def _reachable(endpoint: str) -> bool:
    """Whether somebody answers at the hub's address: the client itself would try again for half a minute.

    Behind a proxy that is the proxy's business.
    """
    import socket
    from urllib.parse import urlsplit
    from urllib.request import getproxies

    address = urlsplit(endpoint)
    if address.scheme in getproxies() or "all" in getproxies() or address.hostname is None:
        return True
    port = address.port or (80 if address.scheme == "http" else 443)
    try:
        socket.create_connection((address.hostname, port), timeout=CONNECT_SECONDS).close()
    except OSError:
        return False
    return True


def _checkpoint(hub: Any, identity: str) -> Checkpoint | None:
    """The tensor list from the headers of the weights; null where they are not safetensors."""
    try:
        metadata = hub.get_safetensors_metadata(identity)
    except hub.errors.NotASafetensorsRepoError:
        return None
    tensors = {}
    for file in metadata.files_metadata.values():
        for name, info in file.tensors.items():
            bits = DTYPE_BITS.get(info.dtype, 0)
            tensors[name] = StoredTensor(name, info.dtype, tuple(info.shape), info.parameter_count * bits // 8)
    return Checkpoint(tensors, tuple(metadata.files_metadata))


def _beside(hub: Any, identity: str, offline: bool) -> Any:
    """The content of ``hf_quant_config.json``, null where the repository has none."""
    try:
        return read_json(Path(hub.hf_hub_download(identity, MODELOPT_FILE, local_files_only=offline)))
    except (hub.errors.EntryNotFoundError, hub.errors.LocalEntryNotFoundError):
        return None


def import_hub(identity: str) -> ModelCard:
    """The card of a hub repository.

    Raises:
        RequestError: the package ``huggingface_hub`` is not installed, or the hub cannot be reached.
        CardError: no such repository, one that asks for a token, or a configuration that cannot be used.
    """
    if not _ID.fullmatch(identity):
        raise CardError(identity[:80], "", "not a hub id of the form organisation/name")
    hub = _client()
    # Its warnings of retries would stand between the question and the one line that answers it.
    hub.logging.set_verbosity_error()
    offline = hub.constants.HF_HUB_OFFLINE or not _reachable(hub.constants.ENDPOINT)
    try:
        file = hub.hf_hub_download(identity, "config.json", local_files_only=offline)
        raw = read_json(Path(file))
        if isinstance(raw, dict) and not raw.get("quantization_config"):
            raw = with_modelopt(raw, _beside(hub, identity, offline))
        checkpoint = None if offline else _checkpoint(hub, identity)
    except hub.errors.GatedRepoError:
        raise CardError(
            identity, "", f"asks for a licence to be accepted and a token (see {SITE}/{identity})"
        ) from None
    except hub.errors.RepositoryNotFoundError:
        raise CardError(identity, "", "no such repository on the hub, or one that needs a token") from None
    except (hub.errors.LocalEntryNotFoundError, hub.errors.OfflineModeIsEnabled):
        reason = "is not in the local cache, and the hub cannot be reached"
        raise RequestError(f"{identity} {reason}", about="model") from None
    except hub.errors.EntryNotFoundError:
        raise CardError(identity, "", "the repository has no config.json") from None
    except CardError:
        raise
    except Exception as error:
        # The client passes on whatever its transport raises: a missing network has many names.
        reason = str(error).splitlines()[0][:160] if str(error) else type(error).__name__
        raise RequestError(f"the hub cannot be reached for {identity}: {reason}", about="model") from None
    address = f"{SITE}/{identity}"
    card = card_from_config(raw, name=identity.rpartition("/")[2], source=address, file=f"{identity}/config.json")
    source = Source(url=address, facts="architecture, data types, context length (config.json)")
    card = replace(card, hub_id=identity, sources=(source,))
    if checkpoint is None:
        why = "the hub cannot be reached" if offline else "the weights are not safetensors"
        return replace(card, notes=(*card.notes, f"{why}: counts are not cross-checked"))
    differences = compare(build_inventory(card), checkpoint, str(raw.get("model_type")))
    if not differences:
        return card
    return replace(
        card, verified=False, notes=(*card.notes, *(f"checkpoint differs: {d}"[:380] for d in differences[:5]))
    )
