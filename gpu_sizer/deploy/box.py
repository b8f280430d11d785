"""A container on a machine of one's own: what Docker, Podman and Compose are told alike."""

from __future__ import annotations

import shlex

from gpu_sizer.deploy.serving import HEALTH_TIMEOUT, Serving
from gpu_sizer.errors import RequestError

#: As NVIDIA's own images ask for.
ULIMITS = {"memlock": -1, "stack": 67108864}
#: What ROCm's containers need (vllm-project/recipes, Qwen/Qwen3.5.md).
ROCM_DEVICES = ("/dev/kfd", "/dev/dri")


def check_platform(serving: Serving, tool: str) -> None:
    """Refuses GPUs whose containers are not known here.

    Raises:
        RequestError: neither NVIDIA's nor AMD's.
    """
    if serving.gpu.platform not in ("cuda", "rocm"):
        raise RequestError(f"{tool} is written for NVIDIA and AMD GPUs, not for {serving.gpu.name}")


def compiled(serving: Serving) -> dict[str, str]:
    """Variables for compiled code, which is kept beside the weights; none where these are a folder's."""
    if serving.folder is not None:
        return {}
    return {name: f"{serving.starter.cache}/{folder}" for name, folder in serving.starter.compiled.items()}


def some_of_the_machine(serving: Serving) -> str | None:
    """Numbers of the GPUs, where the machine has more of AMD's; null where all are taken."""
    if serving.gpu.platform == "rocm" and serving.gpus_per_node < serving.fit.request.gpus_per_node:
        return ",".join(str(i) for i in range(serving.gpus_per_node))
    return None


def health(serving: Serving) -> str:
    """A shell's line that asks the server on the machine itself; further machines serve nothing."""
    url = f"http://127.0.0.1:{serving.port}/health"
    ask = " ".join(shlex.quote(word.format(url=url, seconds=HEALTH_TIMEOUT)) for word in serving.starter.health)
    return f'[ "$NODE_RANK" != 0 ] || {ask}' if serving.nodes > 1 else ask
