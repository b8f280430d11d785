"""Podman Quadlet: a container as a unit of systemd (podman-systemd.unit(5), Podman 5).

NVIDIA's GPUs are devices of the container device interface (``nvidia-ctk cdi generate``).
"""

from __future__ import annotations

from gpu_sizer.deploy import box
from gpu_sizer.deploy.serving import (
    GRACE_SECONDS,
    HEALTH_FAILURES,
    HEALTH_PERIOD,
    HEALTH_TIMEOUT,
    SHARED_MEMORY_GIB,
    Serving,
)
from gpu_sizer.deploy.text import comment
from gpu_sizer.deploy.units import unit_command, unit_value, unit_word

#: As in `gpu-sizer deploy --as`.
NAME = "quadlet"
#: Seconds that removing the container may take beside stopping it.
STOP_SECONDS = 30


def render(serving: Serving) -> str:
    """The unit."""
    box.check_platform(serving, "Quadlet")
    variable, several = serving.key_variable(), serving.nodes > 1
    notes = [
        *serving.header(),
        f"As ~/.config/containers/systemd/{serving.name}.container, then: systemctl --user daemon-reload && "
        f"systemctl --user start {serving.name}",
        "A user's units end when the user logs out: loginctl enable-linger keeps them.",
        "A gated model needs a token: printf %s TOKEN | podman secret create hf-token -, and the line Secret= below.",
    ]
    image = serving.image()
    # Podman looks for short names in no registry of its own accord.
    image = image if "." in image.partition("/")[0] else f"docker.io/{image}"
    lines = [f"Image={image}", f"ContainerName={serving.name}"]
    if serving.gpu.platform == "cuda":
        lines += [f"AddDevice=nvidia.com/gpu={i}" for i in range(serving.gpus_per_node)]
        notes.append("NVIDIA's devices: sudo nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml")
    else:
        lines += [f"AddDevice={device}" for device in box.ROCM_DEVICES]
        lines += ["GroupAdd=keep-groups", "SeccompProfile=unconfined"]
        if (some := box.some_of_the_machine(serving)) is not None:
            lines.append(f"Environment=HIP_VISIBLE_DEVICES={some}")
    lines += ["SecurityLabelDisable=true", f"ShmSize={SHARED_MEMORY_GIB}g"]
    lines += [f"Ulimit={name}={limit}" for name, limit in box.ULIMITS.items()]
    if several:
        notes.append(f"The machine's own network is used: port {serving.port} is open on every interface.")
        lines += ["Network=host", "AddCapability=IPC_LOCK", f"EnvironmentFile=%h/{serving.name}.env"]
        told = ", ".join(["HEAD_ADDRESS", "NODE_RANK (from 0)", *([variable] if variable else [])])
        notes.append(f"The file ~/{serving.name}.env must say: {told}.")
        if (note := serving.key_note()) is not None:
            notes.append(note)
        script = serving.script("NODE_RANK", "HEAD_ADDRESS", key=variable is not None)
        command = ["/bin/sh", "-c", script]
    else:
        lines.append(f"PublishPort=127.0.0.1:{serving.port}:{serving.port}")
        notes.append(f"It answers on this machine alone (http://127.0.0.1:{serving.port}): a proxy gives it to others.")
        command = list(serving.in_container)
    if serving.folder is not None:
        mount = f"type=bind,source={serving.folder},target={serving.folder},ro=true"
        lines.append(f"Mount={unit_word(mount)}")
    else:
        lines.append(f"Volume={serving.name}:{serving.starter.cache}")
    lines.append("#Secret=hf-token,type=env,target=HF_TOKEN")
    lines += [f"Environment={name}={value}" for name, value in box.compiled(serving).items()]
    lines += [f"HealthCmd={unit_word(box.health(serving))}", f"HealthInterval={HEALTH_PERIOD}s"]
    lines += [f"HealthTimeout={HEALTH_TIMEOUT}s", f"HealthRetries={HEALTH_FAILURES}"]
    lines += [f"HealthStartPeriod={serving.start_seconds}s", f"StopTimeout={GRACE_SECONDS}"]
    lines += [f"Entrypoint={command[0]}", f"Exec={unit_command(command[1:])}"]
    return (
        comment(notes)
        + f"[Unit]\nDescription={unit_value(serving.title)} on {unit_value(serving.starter.title)}\n\n"
        + "[Container]\n"
        + "".join(f"{line}\n" for line in lines)
        + "\n[Service]\nRestart=on-failure\n"
        # The image is pulled first; systemd has to wait longer than Podman does (podman-systemd.unit(5), StopTimeout).
        + f"TimeoutStartSec={serving.start_seconds}\nTimeoutStopSec={GRACE_SECONDS + STOP_SECONDS}\n"
        + "\n[Install]\nWantedBy=default.target\n"
    )
