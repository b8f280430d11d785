"""Engine constants, kept as YAML beside the code that uses them."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any


@cache
def profile_data(name: str) -> Any:
    """The content of ``gpu_sizer/engines/NAME.yaml``."""
    import yaml

    return yaml.safe_load((Path(__file__).parent / f"{name}.yaml").read_text(encoding="utf-8"))
