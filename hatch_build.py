"""Puts the packed cards, the catalogue that is compiled of them, and the manual page into the wheel."""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import mkdtemp
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CompiledCards(BuildHookInterface):  # type: ignore[type-arg]
    """Compiles cards, specs and engine profiles with the code that will read them."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Adds them to a wheel; an editable one reads the YAML of the checkout."""
        if self.target_name != "wheel" or version == "editable":
            return
        sys.path.insert(0, self.root)
        from gpu_sizer.cards import packing
        from gpu_sizer.engines.profiles import recipe
        from gpu_sizer.queries.closed import recipe as closed
        from gpu_sizer.timing.constants import recipe as of_speed

        cards, folder = mkdtemp(), mkdtemp()
        packing.write(self.root, cards)
        for file in (f for f in Path(cards).rglob("*") if f.is_file()):
            build_data["force_include"][str(file)] = f"gpu_sizer/{file.relative_to(cards).as_posix()}"
        for made in (*packing.recipes(cards), recipe(), closed(), of_speed()):
            made.ship(folder)
        for file in Path(folder).iterdir():
            build_data["force_include"][str(file)] = f"gpu_sizer/compiled_cards/{file.name}"
        from gpu_sizer.cli.reference import man

        page = Path(mkdtemp(), "gpu-sizer.1")
        page.write_text("\n".join(man(self.metadata.version)) + "\n", encoding="utf-8")
        build_data["shared_data"][str(page)] = "share/man/man1/gpu-sizer.1"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Packs the wheel again as tightly as its format can: 20 kB less, with the same files, days and rights."""
        if self.target_name != "wheel" or version == "editable":
            return
        with ZipFile(artifact_path) as wheel:
            files = [(info, wheel.read(info)) for info in wheel.infolist()]
        with ZipFile(artifact_path, "w", ZIP_DEFLATED, compresslevel=9) as wheel:
            for info, data in files:
                wheel.writestr(info, data, info.compress_type, 9)
