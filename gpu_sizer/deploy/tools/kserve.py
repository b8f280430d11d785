"""KServe: an InferenceService with the engine's own container (charts/kserve-crd of kserve/kserve, v1beta1).

It is deployed as a plain Deployment ("RawDeployment", later also called Standard): serverless ones stop pods, which
load for minutes.
"""

from __future__ import annotations

from typing import Any

from gpu_sizer.deploy.limits import one_machine
from gpu_sizer.deploy.pods import HUB_SECRET, literal, pod
from gpu_sizer.deploy.serving import Serving
from gpu_sizer.deploy.text import comment, yaml_documents

#: As in `gpu-sizer deploy --as`.
NAME = "kserve"
#: Choices that it has a place for.
TAKES = ("namespace", "replicas")


def render(serving: Serving) -> str:
    """The claim and the service."""
    one_machine(serving, "KServe's InferenceService")
    replicas = serving.choices.replicas
    where = {} if serving.choices.namespace is None else {"namespace": serving.choices.namespace}
    spec = pod(serving, literal(serving.in_container), serves=True)
    spec["containers"][0]["name"] = "kserve-container"
    predictor: dict[str, Any] = {
        "minReplicas": replicas,
        "maxReplicas": replicas,
        # Seconds that a request may take.
        "timeout": 3600,
        "deploymentStrategy": {"type": "Recreate"},
        **spec,
    }
    service = {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {
            "name": serving.name,
            **where,
            "annotations": {"serving.kserve.io/deploymentMode": "RawDeployment"},
        },
        "spec": {"predictor": predictor},
    }
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": serving.name, **where},
        "spec": {
            "accessModes": ["ReadWriteOnce" if replicas == 1 else "ReadWriteMany"],
            "resources": {"requests": {"storage": f"{serving.storage_gib}Gi"}},
        },
    }
    notes = serving.header()
    if serving.folder is None:
        notes.append(
            f"A gated model needs a token: kubectl create secret generic {HUB_SECRET} --from-literal=token=..."
        )
    if serving.key_variable() is not None:
        notes.append(
            f"Clients send a key: kubectl create secret generic {serving.name} "
            '--from-literal=api-key="$(openssl rand -hex 24)"'
        )
    elif (note := serving.key_note()) is not None:
        notes.append(note)
    if replicas > 1 and serving.folder is None:
        notes.append(
            "The replicas share a claim (ReadWriteMany): start with one, which fetches the weights, then scale."
        )
    parts = [service] if serving.folder is not None else [claim, service]
    return comment(notes) + yaml_documents(parts)
