"""An archive of the catalogue that ``gpu-sizer update cards`` takes: cards, specs, re-releases, and their checksums.

``python tools/pack_cards.py -o cards.tar.gz`` writes the same bytes for the same cards, and prints their SHA-256.
"""

from __future__ import annotations

import argparse
import gzip
import io
import sys
import tarfile
from hashlib import sha256
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from gpu_sizer.cards.archives import SUMS
from gpu_sizer.cards.catalogue import data_folder
from gpu_sizer.cards.folders import OF_ONES_OWN, PASSED_BY


def packed() -> bytes:
    """The archive."""
    files: dict[str, bytes] = {}
    for name in ("model_cards", "gpu_specs"):
        folder = Path(data_folder(name))
        for file in sorted(folder.rglob("*.yaml")):
            below = file.relative_to(folder)
            if below.parts[0] not in PASSED_BY or below.parts[0] in OF_ONES_OWN:
                files[f"{name}/{below.as_posix()}"] = file.read_bytes()
    sums = "".join(f"{sha256(content).hexdigest()}  {path}\n" for path, content in files.items())
    stream = io.BytesIO()
    with gzip.GzipFile(fileobj=stream, mode="wb", mtime=0) as outer, tarfile.open(fileobj=outer, mode="w") as tar:
        for path, content in {SUMS: sums.encode(), **files}.items():
            member = tarfile.TarInfo(path)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return stream.getvalue()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path, required=True)
    asked = parser.parse_args()
    data = packed()
    asked.output.write_bytes(data)
    print(f"{sha256(data).hexdigest()}  {asked.output}")
