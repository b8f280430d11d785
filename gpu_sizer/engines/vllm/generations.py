"""Generations of NVIDIA's GPUs, as vLLM tells them apart: by the first number of the compute capability."""

from __future__ import annotations

HOPPER = 9
#: Of data centers: B200, GB200, B300 ...
BLACKWELL = 10
#: Of workstations: RTX PRO 6000, RTX 50 and GB10.
WORKSTATION_BLACKWELL = 12
