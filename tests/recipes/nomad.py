"""A file for Nomad, in outline."""

from __future__ import annotations

from gpu_sizer.deploy.serving import Serving
from gpu_sizer.deploy.text import comment, shell_words

#: As in `gpu-sizer deploy --as`.
NAME = "nomad"


def render(serving: Serving) -> str:
    """The file."""
    return comment(serving.header()) + f'job "{serving.name}" {{\n  # {shell_words(serving.in_container)}\n}}\n'
