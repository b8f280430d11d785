"""Imported once, for its effect, by the process from which those that compute part: they share what it has loaded."""

from __future__ import annotations

import gc
from contextlib import suppress

from gpu_sizer.errors import GpuSizerError
from gpu_sizer.server.calls import warm_up

# A card that broke after the start is told to whoever asks for it.
with suppress(GpuSizerError):
    warm_up()
gc.freeze()
