"""A systemd unit that starts the engine on the machine itself, without a container.

As in systemd.service(5) and systemd.exec(5).
"""

from __future__ import annotations

from gpu_sizer.deploy.serving import GRACE_SECONDS, Serving
from gpu_sizer.deploy.text import comment
from gpu_sizer.deploy.units import unit_command, unit_value

#: As in `gpu-sizer deploy --as`.
NAME = "systemd"


def render(serving: Serving) -> str:
    """The unit."""
    variable, several = serving.key_variable(), serving.nodes > 1
    needed = [name for name in ("HEAD_ADDRESS", "NODE_RANK") if several] + ([variable] if variable else [])
    settings = f"/etc/{serving.name}.env"
    notes = [
        *serving.header(container=False),
        f"As /etc/systemd/system/{serving.name}.service, then: systemctl daemon-reload && "
        f"systemctl enable --now {serving.name}",
        f"{serving.shown} must be installed where PATH, in {settings}, finds it. A gated model needs HF_TOKEN there.",
    ]
    if needed:
        what = {"HEAD_ADDRESS": "address of the first machine", "NODE_RANK": "number of this machine, from 0"}
        told = ", ".join(f"{n} ({what.get(n, 'the key that clients have to send')})" for n in needed)
        notes.append(f"{settings} must say: {told}.")
    if (note := serving.key_note()) is not None:
        notes.append(note)
    if several:
        script = serving.script("NODE_RANK", "HEAD_ADDRESS", container=False, key=variable is not None)
        command = unit_command(["/bin/sh", "-c", script])
    else:
        command = unit_command(["/usr/bin/env", *serving.command])
        # ${NAME} is one word of the variable's value here.
        if words := serving.key_words(f"${{{variable}}}"):
            command += " \\\n  " + " ".join(words)
    return (
        comment(notes)
        + "[Unit]\n"
        + f"Description={unit_value(serving.title)} on {unit_value(serving.starter.title)}\n"
        + "Wants=network-online.target\nAfter=network-online.target\n\n"
        + "[Service]\nType=exec\nDynamicUser=yes\n"
        + f"StateDirectory={serving.name}\nEnvironment=HOME=%S/{serving.name} HF_HOME=%S/{serving.name}/huggingface\n"
        + f"EnvironmentFile={'' if needed else '-'}{settings}\n"
        + ("SupplementaryGroups=video render\n" if serving.gpu.platform == "rocm" else "")
        + f"ExecStart={command}\n"
        + "Restart=on-failure\nRestartSec=10\n"
        + f"TimeoutStopSec={GRACE_SECONDS}\nLimitMEMLOCK=infinity\n\n"
        + "[Install]\nWantedBy=multi-user.target\n"
    )
