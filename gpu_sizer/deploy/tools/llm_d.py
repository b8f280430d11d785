"""llm-d: values of its chart ``llm-d-modelservice``, with the engine's command in the pods that decode.

Keys as in charts/llm-d-modelservice/values.yaml of llm-d-incubation/llm-d-modelservice; ``modelCommand: custom`` takes
the command as it is. Its strings of modelArtifacts are templates of Helm.
"""

from __future__ import annotations

from typing import Any

from gpu_sizer.deploy.limits import hub_alone, one_machine, tame
from gpu_sizer.deploy.pods import HUB_SECRET, environment, literal, placement, probes, products, security
from gpu_sizer.deploy.serving import SHARED_MEMORY_GIB, Serving
from gpu_sizer.deploy.text import comment, yaml_documents
from gpu_sizer.errors import RequestError

#: As in `gpu-sizer deploy --as`.
NAME = "llm-d"
#: Choices that it has a place for.
TAKES = ("replicas", "dra")
#: What the chart calls accelerators.
TYPES = {"cuda": "nvidia", "rocm": "amd"}


def render(serving: Serving) -> str:
    """The values."""
    tool = "llm-d's chart"
    one_machine(serving, tool)
    hub_alone(serving, tool)
    name = tame(serving, tool)
    if (kind := TYPES.get(serving.gpu.platform)) is None:
        raise RequestError(f"{tool} is written for NVIDIA and AMD GPUs, not for {serving.gpu.name}")
    layout = serving.fit.layout
    words = [*literal(serving.in_container), *serving.key_words(f"$({serving.key_variable()})")]
    container: dict[str, Any] = {
        "name": serving.engine,
        "image": serving.image(),
        "modelCommand": "custom",
        "command": words[:1],
        "args": words[1:],
        "env": environment(serving),
        **probes(serving),
        # The chart adds the GPUs, by the parallelism below.
        "resources": {"requests": {"cpu": str(serving.cores), "memory": f"{serving.memory_gib}Gi"}},
        "securityContext": security(serving),
        "mountModelVolume": False,
        "volumeMounts": [
            {"name": "shared-memory", "mountPath": "/dev/shm"},
            {"name": "weights", "mountPath": serving.starter.cache},
        ],
    }
    shared = {"medium": "Memory", "sizeLimit": f"{SHARED_MEMORY_GIB}Gi"}
    decode: dict[str, Any] = {
        "create": True,
        "replicas": serving.choices.replicas,
        # GPUs of a pod are tensor times dataLocal.
        "parallelism": {
            "tensor": layout.tensor_parallel_size * layout.pipeline_parallel_size,
            "data": layout.data_parallel_size,
            "dataLocal": layout.data_parallel_size,
            "workers": 1,
        },
        "containers": [container],
        "volumes": [
            {"name": "shared-memory", "emptyDir": shared},
            {"name": "weights", "persistentVolumeClaim": {"claimName": serving.name}},
        ],
    }
    placed = placement(serving)
    decode["tolerations"] = placed["tolerations"]
    if "nodeSelector" in placed:
        decode["nodeSelector"] = placed["nodeSelector"]
    elif "affinity" in placed:
        names = [name.replace(" ", "-") for name in products(serving)]
        decode["acceleratorTypes"] = {"labelKey": "nvidia.com/gpu.product", "labelValues": names}
    values = {
        "fullnameOverride": serving.name,
        "modelArtifacts": {
            "name": name,
            "uri": f"hf://{name}",
            "size": f"{serving.storage_gib}Gi",
            "authSecretName": HUB_SECRET,
            "labels": {"llm-d.ai/inference-serving": "true", "llm-d.ai/model": serving.name},
        },
        "accelerator": {"type": kind, "dra": serving.choices.dra},
        "routing": {"servicePort": serving.port, "proxy": {"enabled": False}},
        "multinode": False,
        "decode": decode,
        "prefill": {"create": False},
    }
    notes = [
        *serving.header(),
        "helm install NAME llm-d-modelservice/llm-d-modelservice -f FILE",
        f"Needs a claim {serving.name} of {serving.storage_gib}Gi; a secret {HUB_SECRET} with HF_TOKEN and token.",
        "Replicas share the claim, and need storage for ReadWriteMany.",
    ]
    if serving.key_variable() is not None:
        notes.append(f"Clients send the key in the secret {serving.name}, api-key.")
    return comment(notes) + yaml_documents([values])
