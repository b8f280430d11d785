"""The page as files: what a server sends, and the static site in which the engine runs in the visitor's browser."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
import zipfile
from base64 import b64encode
from html import escape
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

import gpu_sizer
from gpu_sizer.cards import packing
from gpu_sizer.cards.catalogue import data_folder
from gpu_sizer.cards.folders import COUNTS
from gpu_sizer.deploy.formats import COMMANDS, TOOLS
from gpu_sizer.engines.profiles import recipe
from gpu_sizer.engines.registry import engine_names, engine_title
from gpu_sizer.errors import RequestError
from gpu_sizer.page.engine import listing
from gpu_sizer.queries.closed import recipe as closed

STATIC = Path(__file__).parent / "static"
ARCHIVE = "program.zip"
#: What it holds.
PROGRAM = "program.tar"
PYODIDE = "pyodide"
#: The files of Pyodide's npm package that a browser loads.
PYODIDE_FILES = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip", "pyodide-lock.json")
#: Names that the second file of them had in earlier releases.
_EARLIER = {"pyodide.asm.mjs": "pyodide.asm.js"}
#: What reading cards in YAML takes beside the program: wheels that may lie in Pyodide's folder, as in its full
#: distribution or as pip puts them there.
CARD_PACKAGES = ("typing_extensions", "annotated_types", "typing_inspection", "pydantic_core", "pydantic")
PACKAGES = "packages"
#: Packages of pure Python that the program needs for launch files and configurations; they travel with it.
PURE = ("yaml", "annotated_types")
#: Files that only the static site has, and the one that is made from a template.
_STATIC_ALONE = ("index.html", "offline.js", "worker.js")
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".wasm": "application/wasm",
    ".zip": "application/zip",
}


def policy(worker: bool, host: str = "") -> str:
    """The Content-Security-Policy of the page: its own files, and nobody else's but those of a pinned host."""
    script = "'self' 'wasm-unsafe-eval'" if worker else "'self'"
    if host:
        script += " blob:"  # Modules of whose bytes the hash was checked.
    connect = f"'self' {host}".rstrip()
    return (
        f"default-src 'none'; script-src {script}; style-src 'self'; img-src data:; connect-src {connect}; "
        f"worker-src 'self'; base-uri 'none'; form-action 'none'"
    )


def _form(engine: str) -> str:
    return next((form for form, name in COMMANDS.items() if name == engine), "")


def _options(choices: list[tuple[str, str, str]]) -> str:
    """Options of a list: values, what is shown for them, and the format that is an engine's command."""
    marked = [f' data-form="{escape(form, quote=True)}"' if form else "" for _, _, form in choices]
    return "\n".join(
        f'<option value="{escape(value)}"{mark}>{escape(shown)}</option>'
        for (value, shown, _), mark in zip(choices, marked, strict=True)
    )


def page_html(how: str, engine: dict[str, Any] | None = None, footer: str = "", host: str = "") -> bytes:
    """The page's HTML.

    Args:
        how: ``server``, ``worker`` or ``none``: whom it asks.
        engine: for a worker, where Pyodide and the program lie.
        footer: a sentence of plain text.
        host: where Pyodide is loaded from, if it does not lie beside the page.
    """
    text = (STATIC / "index.html").read_text(encoding="utf-8")
    values = {
        # With an engine stands the format that is its bare command; one without has none.
        "engines": _options([(name, engine_title(name), _form(name)) for name in engine_names()]),
        "formats": _options([("", "command", ""), *((name, name, "") for name in TOOLS)]),
        "policy": policy(how == "worker", host),
        "how": how,
        "engine": escape(json.dumps(engine), quote=True) if engine else "",
        "version": gpu_sizer.__version__,
        "footer": escape(footer),
        # A server takes no logs: they name hosts and paths, and are longer than what it reads of a stranger.
        "own": "Your own model" if how == "server" else "Your own model or log",
        "droppable": "a <code>config.json</code> or a model card"
        if how == "server"
        else "a <code>config.json</code>, a model card or a start-up log",
    }
    for key, value in values.items():
        text = text.replace("{" + key + "}", value)
    return text.encode()


def served() -> dict[str, tuple[bytes, str]]:
    """The files that a server sends, by path, with their types."""
    files = {p.name: p.read_bytes() for p in STATIC.iterdir() if p.name not in _STATIC_ALONE}
    files[""] = page_html("server", footer="Answers come from this server.")
    return {name: (data, TYPES[Path(name).suffix or ".html"]) for name, data in files.items()}


def program_archive() -> bytes:
    """The program as it is installed, its data and its compiled catalogue: equal bytes for equal files.

    A tar in a zip: thousands of small files alike take half as much where they are packed as one.
    """

    inner, stream = io.BytesIO(), io.BytesIO()
    root = Path(gpu_sizer.__file__).parent
    with tarfile.open(fileobj=inner, mode="w") as archive:

        def put(name: str, data: bytes) -> None:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))

        for file in sorted(root.rglob("*.py")):
            put(f"gpu_sizer/{file.relative_to(root).as_posix()}", file.read_bytes())
        for kind in (".yaml", ".json", ".csv"):
            for file in sorted(root.rglob(f"*{kind}")):
                inside = file.relative_to(root).parts[0]
                if inside not in packing.FOLDERS:
                    put(f"gpu_sizer/{file.relative_to(root).as_posix()}", file.read_bytes())
        with TemporaryDirectory() as cards:
            packing.write(os.path.dirname(data_folder(packing.FOLDERS[0])), cards)
            # The hub's counts are compared by validate alone, which no page asks.
            for file in (f for f in sorted(Path(cards).rglob("*.yaml")) if f.parent.name != COUNTS):
                put(f"gpu_sizer/{file.relative_to(cards).as_posix()}", file.read_bytes())
            for made in (*packing.recipes(cards), recipe(), closed()):
                name, data = made.shipped()
                put(f"gpu_sizer/compiled_cards/{name}", data)
        for package in PURE:
            place = Path(str(import_module(package).__file__)).parent
            for file in sorted(place.glob("*.py")):
                put(f"{package}/{file.name}", file.read_bytes())
    with zipfile.ZipFile(stream, "w") as outer:
        outer.writestr(zipfile.ZipInfo(PROGRAM, (2020, 1, 1, 0, 0, 0)), inner.getvalue(), zipfile.ZIP_DEFLATED, 9)
    return stream.getvalue()


def _pyodide(folder: Path) -> dict[str, bytes]:
    """The files of Pyodide, from the folder of its npm package.

    Raises:
        RequestError: one of them is missing.
    """
    files: dict[str, bytes] = {}
    for name in PYODIDE_FILES:
        file = folder / name
        if not file.is_file() and name in _EARLIER:
            file = folder / _EARLIER[name]
        if not file.is_file():
            raise RequestError(f"{folder}: no {name} in it; --pyodide takes the folder of Pyodide's npm package")
        files[f"{PYODIDE}/{file.name}"] = file.read_bytes()
    return files


def _wheels(folder: Path) -> dict[str, bytes]:
    """The wheels of ``CARD_PACKAGES`` by their paths in the site, in the order in which they are unpacked; or none.

    Raises:
        RequestError: several versions of one of them.
    """
    packed: dict[str, bytes] = {}
    for package in CARD_PACKAGES:
        files = sorted(folder.glob(f"{package}-*.whl"))
        if len(files) > 1:
            raise RequestError(f"{folder}: {' and '.join(f.name for f in files[:2])}: keep one of them")
        if not files:
            return {}
        packed[f"{PACKAGES}/{files[0].name}"] = files[0].read_bytes()
    return packed


def wheels_hint(folder: Path) -> str | None:
    """How the wheels that reading cards takes come into Pyodide's folder; null where they lie there.

    Their platform is that of the Pyodide (https://peps.python.org/pep-0783/).
    """
    if _wheels(folder):
        return None
    told = json.loads((folder / "pyodide-lock.json").read_bytes())["info"]
    python = ".".join(str(told["python"]).split(".")[:2])
    return (
        f"pip download --only-binary :all: --platform pyemscripten_{told['abi_version']}_wasm32 "
        f"--python-version {python} -d {folder} pydantic"
    )


def _host(address: str) -> str:
    """The scheme and host of an address from which Pyodide is loaded.

    Raises:
        RequestError: no address whose bytes nobody on the way can change, nor one of this machine.
    """

    told = urlsplit(address)
    local = told.hostname in ("127.0.0.1", "localhost")
    if not told.hostname or not (told.scheme == "https" or (told.scheme == "http" and local)) or told.query:
        raise RequestError(f"--pyodide: {address[:80]!r} is no address of a folder of the form https://HOST/PATH/")
    return f"{told.scheme}://{told.netloc}"


def integrity(data: bytes) -> str:
    """The hash of a file as browsers check it (https://www.w3.org/TR/sri/)."""
    return f"sha384-{b64encode(hashlib.sha384(data).digest()).decode()}"


def site(pyodide: Path | None = None, address: str | None = None) -> dict[str, bytes]:
    """Every file of the static site by path.

    Args:
        pyodide: the folder of Pyodide's npm package; null makes a page that says what is missing.
        address: from where a visitor loads these files, if not from beside the page; their hashes stand in the page,
            and other bytes than those of the folder are refused.

    Raises:
        RequestError: the folder is not that, or the address is none.
    """
    files = {p.name: p.read_bytes() for p in STATIC.iterdir() if p.name != "index.html"}
    for kind in ("models", "gpus"):
        files[f"{kind}.json"] = json.dumps(listing(kind), separators=(",", ":")).encode()
    if pyodide is None:
        files["index.html"] = page_html("none", footer="Made without an engine.")
        return files
    engine: dict[str, Any] = {"pyodide": f"{PYODIDE}/", "archive": ARCHIVE}
    footer, host, python = "The engine runs in your browser; this page asks nobody else.", "", _pyodide(pyodide)
    if address is None:
        files |= python
    else:
        host = _host(address)
        if python.keys() != {f"{PYODIDE}/{name}" for name in PYODIDE_FILES}:
            raise RequestError("this Pyodide's modules cannot be pinned: it can lie beside the page alone")
        engine["pyodide"] = address.rstrip("/") + "/"
        engine["integrity"] = {name: integrity(python[f"{PYODIDE}/{name}"]) for name in PYODIDE_FILES}
        footer = (
            f"The engine runs in your browser; Python for it is loaded from {host}, its bytes held to their hashes."
        )
    files[ARCHIVE] = program_archive()
    wheels = _wheels(pyodide)
    files |= wheels
    engine["packages"] = list(wheels)
    stamp = hashlib.sha256(b"".join(hashlib.sha256(d).digest() for _, d in sorted(files.items()))).hexdigest()[:12]
    files["offline.js"] = files["offline.js"].replace(b"{stamp}", stamp.encode())
    files["index.html"] = page_html("worker", engine, footer, host)
    return files
