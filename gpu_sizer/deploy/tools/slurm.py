"""Slurm: a batch script with one task to a machine (slurm.schedmd.com/sbatch.html: --nodes, --gpus-per-node).

``srun`` does not inherit the cores of a task since Slurm 22.05 (the same page, --cpus-per-task), so it is told them, by
variables of its own (slurm.schedmd.com/srun.html: SRUN_CPUS_PER_TASK, SLURM_KILL_BAD_EXIT).
An image that is named is run by Pyxis (github.com/NVIDIA/pyxis: --container-image, --container-mounts).
"""

from __future__ import annotations

import shlex

from gpu_sizer.deploy.serving import SHARED_MEMORY_GIB, Serving
from gpu_sizer.deploy.text import comment

#: As in `gpu-sizer deploy --as`.
NAME = "slurm"


def _container(serving: Serving) -> str:
    """The options of Pyxis that run the command in an image; nothing where none was named."""
    if serving.choices.image is None:
        return ""
    home = f'"${{HF_HOME:-$HOME/.cache/huggingface}}":{serving.starter.cache}'
    folder = f",{shlex.quote(f'{serving.folder}:{serving.folder}')}" if serving.folder is not None else ""
    return f" --container-image={shlex.quote(serving.choices.image)} --container-mounts={home}{folder}"


def render(serving: Serving) -> str:
    """The script for ``sbatch``."""
    options = [
        f"--job-name={serving.name}",
        f"--nodes={serving.nodes}",
        "--ntasks-per-node=1",
        f"--cpus-per-task={serving.cores}",
        f"--mem={serving.memory_gib + SHARED_MEMORY_GIB}G",
        f"--gpus-per-node={serving.gpus_per_node}",
        "--output=%x-%j.log",
    ]
    boxed = serving.choices.image is not None
    variable = serving.key_variable()
    before = f"export SRUN_CPUS_PER_TASK={serving.cores}\n"
    if serving.nodes > 1:
        # Machines wait for one another: where one ends, the job does.
        before += "export SLURM_KILL_BAD_EXIT=1\n"
        before += 'HEAD_ADDRESS=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)\nexport HEAD_ADDRESS\n'
    if variable is not None:
        before += f': "${{{variable}:?key that clients have to send}}"\nexport {variable}\n'
    script = serving.script("SLURM_PROCID", "HEAD_ADDRESS", container=boxed, key=variable is not None)
    notes = serving.header(container=boxed)
    if boxed:
        notes.append("The image is run by Pyxis (srun --container-image); HF_HOME holds the weights on every machine.")
    else:
        notes.append(f"{serving.shown} must be on every machine's PATH: load its module or environment here.")
        notes.append("HF_HOME says where weights are kept: a folder that every machine sees spares downloads.")
    notes.append("Time, partition and account are your cluster's: sbatch --time=... FILE")
    if (offer := serving.rented) is not None:
        notes.append(
            f"Its machines are {offer.machine.name} of {offer.provider_name}: name the partition that has them."
        )
    else:
        notes.append(
            f"Where several kinds of GPU are there, name this one as the cluster does: "
            f"sbatch --gpus-per-node=TYPE:{serving.gpus_per_node}, or --constraint=... ({serving.gpu.short_name})."
        )
    if variable is not None:
        notes.append(f"Port {serving.port} is open to the cluster: export {variable}, the key, before sbatch.")
    elif (note := serving.key_note()) is not None:
        notes.append(note)
    return (
        "#!/bin/bash\n"
        + "".join(f"#SBATCH {option}\n" for option in options)
        + comment(notes)
        + "set -eu\n"
        + before
        + f"launch() {{\n{script}}}\nexport -f launch\nsrun{_container(serving)} bash -c launch\n"
    )
