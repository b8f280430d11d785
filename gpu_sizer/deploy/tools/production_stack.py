"""Values of vLLM's production-stack (helm/values.schema.json, helm/templates/deployment-vllm-multi.yaml).

Its chart writes the command itself: options that have a key are told by it, the others as ``extraArgs``.
"""

from __future__ import annotations

from typing import Any

from gpu_sizer.deploy.limits import engine_alone, hub_alone, one_machine, tame
from gpu_sizer.deploy.options import pairs, value, without
from gpu_sizer.deploy.pods import HUB_SECRET, placement, resource
from gpu_sizer.deploy.serving import (
    HEALTH_FAILURES,
    HEALTH_PERIOD,
    HEALTH_TIMEOUT,
    SHARED_MEMORY_GIB,
    Serving,
)
from gpu_sizer.deploy.text import comment, yaml_documents

#: As in `gpu-sizer deploy --as`.
NAME = "production-stack"
#: Choices that it has a place for.
TAKES = ("replicas",)
#: Options that the chart has keys for.
KEYS = {
    "--max-model-len": "maxModelLen",
    "--dtype": "dtype",
    "--tensor-parallel-size": "tensorParallelSize",
    "--max-num-seqs": "maxNumSeqs",
    "--gpu-memory-utilization": "gpuMemoryUtilization",
}
#: Options that it always says.
SAID = ("--port", "--host", "--enable-prefix-caching", "--no-enable-prefix-caching")


def _config(serving: Serving) -> dict[str, Any]:
    config: dict[str, Any] = {KEYS[o]: value(v[0]) for o, v in pairs(serving.command) if o in KEYS}
    # It says the opposite where this is left out; vLLM's own default is on.
    config["enablePrefixCaching"] = "--no-enable-prefix-caching" not in serving.command
    config["extraArgs"] = without(serving.command, (*KEYS, *SAID))
    return config


def render(serving: Serving) -> str:
    """The values."""
    tool = "The production stack"
    engine_alone(serving, tool, "vLLM")
    one_machine(serving, tool)
    hub_alone(serving, tool)
    tame(serving, tool)
    repository, _, tag = serving.image().rpartition(":")
    placed = placement(serving)
    model: dict[str, Any] = {
        "name": serving.name,
        "repository": repository,
        "tag": tag,
        "modelURL": serving.weights,
        "replicaCount": serving.choices.replicas,
        "requestCPU": serving.cores,
        "requestMemory": f"{serving.memory_gib}Gi",
        "requestGPU": serving.gpus_per_node,
        "requestGPUType": resource(serving),
        "pvcStorage": f"{serving.storage_gib}Gi",
        "pvcAccessMode": ["ReadWriteOnce" if serving.choices.replicas == 1 else "ReadWriteMany"],
        "shmSize": f"{SHARED_MEMORY_GIB}Gi",
        "vllmConfig": _config(serving),
        "hf_token": {"secretName": HUB_SECRET, "secretKey": "token"},
    }
    if (offer := serving.rented) is not None:
        key = "node.kubernetes.io/instance-type"
        expression = {"key": key, "operator": "In", "values": [offer.machine.name]}
        model["nodeSelectorTerms"] = [{"matchExpressions": [expression]}]
    elif "affinity" in placed:
        required = placed["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
        model["nodeSelectorTerms"] = required["nodeSelectorTerms"]
    probe = {"httpGet": {"path": "/health", "port": serving.port}, "timeoutSeconds": HEALTH_TIMEOUT}
    engine: dict[str, Any] = {
        "enableEngine": True,
        "containerPort": serving.port,
        "servicePort": serving.port,
        # Their own default is NVIDIA's, which not every cluster has.
        "runtimeClassName": "",
        "strategy": {"type": "Recreate"},
        "tolerations": placed["tolerations"],
        "startupProbe": {
            **probe,
            "initialDelaySeconds": HEALTH_PERIOD,
            "periodSeconds": HEALTH_PERIOD,
            "failureThreshold": -(-serving.start_seconds // HEALTH_PERIOD),
        },
        "readinessProbe": {
            **probe,
            "initialDelaySeconds": HEALTH_PERIOD,
            "periodSeconds": HEALTH_PERIOD,
            "failureThreshold": 3,
        },
        "livenessProbe": {
            **probe,
            "initialDelaySeconds": HEALTH_PERIOD,
            "periodSeconds": HEALTH_PERIOD,
            "failureThreshold": HEALTH_FAILURES,
        },
        "modelSpec": [model],
    }
    notes = [
        *serving.header(),
        "helm repo add vllm https://vllm-project.github.io/production-stack, then: "
        "helm upgrade --install NAME vllm/vllm-stack -f FILE",
        f"A token of the hub, gated model or not: kubectl create secret generic {HUB_SECRET} --from-literal=token=...",
    ]
    if serving.key_variable() is not None:
        engine["vllmApiKey"] = {"secretName": serving.name, "secretKey": "api-key"}
        notes.append(
            f"Clients send a key: kubectl create secret generic {serving.name} "
            '--from-literal=api-key="$(openssl rand -hex 24)"'
        )
    elif (note := serving.key_note()) is not None:
        notes.append(note)
    return comment(notes) + yaml_documents([{"servingEngineSpec": engine}])
