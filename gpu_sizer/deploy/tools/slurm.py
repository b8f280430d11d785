"""Slurm: a batch script with one task to a machine (slurm.schedmd.com/sbatch.html: --nodes, --gpus-per-node)."""

from __future__ import annotations

from gpu_sizer.deploy.serving import Serving
from gpu_sizer.deploy.text import comment

#: As in `gpu-sizer deploy --as`.
NAME = "slurm"


def render(serving: Serving) -> str:
    """The script for ``sbatch``."""
    options = [
        f"--job-name={serving.name}",
        f"--nodes={serving.nodes}",
        "--ntasks-per-node=1",
        f"--gpus-per-node={serving.gpus_per_node}",
        "--output=%x-%j.log",
    ]
    head = (
        'HEAD_ADDRESS=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)\nexport HEAD_ADDRESS\n'
        if serving.nodes > 1
        else ""
    )
    script = serving.script("SLURM_PROCID", "HEAD_ADDRESS", container=False)
    notes = [
        *serving.header(),
        f"{serving.shown} must be on every machine's PATH: load its module or environment here.",
        "Time, memory, partition and account are your cluster's: sbatch --time=... --mem=... FILE",
    ]
    return (
        "#!/bin/bash\n"
        + "".join(f"#SBATCH {option}\n" for option in options)
        + comment(notes)
        + "set -eu\n"
        + head
        + f"launch() {{\n{script}}}\nexport -f launch\nsrun bash -c launch\n"
    )
