"""The page in a real browser: both ways of asking, every control, links, keyboard, narrow and dark, offline, axe.

They need Chromium and playwright, and for the engine in the browser the npm packages pyodide and axe-core
(``GPU_SIZER_NPM`` names the folder that holds ``node_modules``); without them they are skipped with the reason.
"""

from __future__ import annotations

import functools
import http.server
import json
import os
import re
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from gpu_sizer import size, speed
from gpu_sizer.cli.entry import run
from tests.server.test_running import served

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
NPM = Path(os.environ.get("GPU_SIZER_NPM", "nowhere")) / "node_modules"
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
needs_pyodide = pytest.mark.skipif(not (NPM / "pyodide").is_dir(), reason="GPU_SIZER_NPM names no npm package pyodide")
needs_axe = pytest.mark.skipif(not (NPM / "axe-core").is_dir(), reason="GPU_SIZER_NPM names no npm package axe-core")
needs_wheels = pytest.mark.skipif(
    not any((NPM / "pyodide").glob("pydantic_core-*.whl")), reason="no wheel of pydantic lies beside Pyodide"
)
CARD = Path(__file__).parents[2] / "model_cards" / "mistralai" / "mixtral-8x7b.yaml"
CONFIG = Path(__file__).parents[1] / "oracle" / "configs" / "mistralai__Mixtral-8x7B-v0.1.json"
STARTED = "document.body.dataset.started === '1'"
PATIENCE_MS = 90_000
HOSTILE = '"><img src=x onerror="window.hacked=1"><script>window.hacked=1</script>'

Open = Callable[..., Any]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server with one card whose name is hostile."""
    from gpu_sizer.cards.writing import to_yaml
    from gpu_sizer.importers.sources import import_source
    from gpu_sizer.records import replace

    folder = tmp_path_factory.mktemp("cards")
    card = replace(import_source(str(CONFIG)), id="hostile", name=HOSTILE, notes=(HOSTILE,))
    (folder / "hostile.yaml").write_text(to_yaml(card))
    with ExitStack() as stack:
        # For the server alone: the catalogue of this process must not see the card.
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("GPU_SIZER_PATH", str(folder))
            address, _ = stack.enter_context(served())
        yield address + "/"


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Python's own web server, which other sites may load from."""

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""

    def end_headers(self) -> None:
        """Lets pages of other hosts read, as hosts of packages do."""
        self.send_header("Access-Control-Allow-Origin", "*")
        super().end_headers()


@contextmanager
def static(folder: Path) -> Iterator[str]:
    """A folder on Python's own web server."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder))) as found:
        threading.Thread(target=found.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{found.server_address[1]}/"
        found.shutdown()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The static site, on Python's own web server."""
    folder = tmp_path_factory.mktemp("site")
    assert run(["page", "-o", str(folder), "--pyodide", str(NPM / "pyodide")]) == 0
    with static(folder) as address:
        yield address


@pytest.fixture
def visit(browser: Any) -> Iterator[Open]:
    """Opens an address in a window of its own, and fails where the page had an error or asked a third party."""
    contexts = []
    wrong: list[str] = []

    def opened(address: str, **options: Any) -> Any:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on(
            "request",
            lambda request: request.url.startswith(("http://127.0.0.1", "data:")) or wrong.append(request.url),
        )
        page.goto(address)
        until(page, STARTED)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not wrong


def until(page: Any, condition: str, told: str = "", seconds: float = PATIENCE_MS / 1000) -> None:
    """Waits until an expression holds. Playwright's own waiting evaluates strings, which the page's policy forbids."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if page.evaluate(condition):
            return
        time.sleep(0.05)
    raise AssertionError(f"{told or condition}: {page.inner_text('body')[:1500]}")


def settled(page: Any, wanted: list[str]) -> None:
    """Waits until the counts shown are these."""
    shown = "JSON.stringify([...document.querySelectorAll('.count strong')].map(e => e.textContent.trim()))"
    until(page, f"{shown} === {json.dumps(json.dumps(wanted, separators=(',', ':'), ensure_ascii=False))}", f"{wanted}")


def expected(model: str, gpu: str, **load: Any) -> str:
    return f"{size(model, gpu=gpu, **load).gpu_count} ×"


def test_every_control_changes_answer_and_address_and_back_undoes_it(server: str, visit: Open) -> None:
    page = visit(server)
    settled(page, [expected("mixtral-8x7b", "a6000")])
    page.fill("#model", "llama-3-70b")
    page.press("#model", "Enter")
    settled(page, [expected("llama-3-70b", "a6000")])
    page.fill("#gpu", "a6000, h100")
    page.press("#gpu", "Tab")
    settled(page, [expected("llama-3-70b", g) for g in ("a6000", "h100")])
    page.select_option("#layouts", "tensor")
    settled(page, [expected("llama-3-70b", g, layouts="tensor") for g in ("a6000", "h100")])
    page.select_option("#engine", "sglang")
    load = {"layouts": "tensor", "engine": "sglang"}
    settled(page, [expected("llama-3-70b", g, **load) for g in ("a6000", "h100")])
    page.focus("#users")
    for _ in range(5):
        page.press("#users", "ArrowRight")
    settled(page, [expected("llama-3-70b", g, users=32, **load) for g in ("a6000", "h100")])
    page.focus("#context")
    page.press("#context", "Home")
    settled(page, [expected("llama-3-70b", g, users=32, context=1024, **load) for g in ("a6000", "h100")])
    assert "context=1024" in page.url
    assert "users=32" in page.url
    link = page.url
    page.go_back()
    settled(page, [expected("llama-3-70b", g, users=32, **load) for g in ("a6000", "h100")])
    other = visit(link)
    settled(other, [expected("llama-3-70b", g, users=32, context=1024, **load) for g in ("a6000", "h100")])


def test_steps_launch_files_and_copies(server: str, visit: Open) -> None:
    page = visit(server, permissions=["clipboard-read", "clipboard-write"])
    page.wait_for_selector("#charts svg")
    assert page.locator("#charts svg").count() == 2
    assert "RTX A6000: 4k 3" in str(page.locator("#charts svg").first.get_attribute("aria-label"))
    until(page, "document.querySelector('#file').textContent.includes('vllm serve')")
    page.select_option("#format", "kubernetes")
    until(page, "document.querySelector('#file').textContent.includes('kind: Deployment')")
    read = "navigator.clipboard.readText()"
    # The names of formats and of engines are not alike, and one engine has no server.
    page.select_option("#format", "")
    page.select_option("#engine", "tensorrt-llm")
    until(page, "document.querySelector('#file').textContent.includes('trtllm-serve')")
    page.select_option("#engine", "transformers")
    until(page, "document.querySelector('#file').textContent.includes('No server belongs to this engine')")
    page.select_option("#engine", "vllm")
    page.select_option("#format", "kubernetes")
    until(page, "document.querySelector('#file').textContent.includes('kind: Deployment')")
    page.click("#copy-file")
    assert "kind: Deployment" in page.evaluate(read)
    for kind, told in (
        ("link", server),
        ("markdown", "| weights |"),
        ("json", '"gpu_count": 3'),
        ("command", "gpu-sizer size"),
    ):
        page.click(f"[data-copy={kind}]")
        until(page, f"{read}.then(t => t.includes({json.dumps(told)}))")


def test_a_question_by_keyboard_alone(server: str, visit: Open) -> None:
    page = visit(server)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "question"
    page.keyboard.type("does llama 3 70b fit on 4 a6000s?")
    page.keyboard.press("Enter")
    until(page, "document.querySelector('#answer').textContent.includes('understood: whether Llama 3 70B fits')")
    assert "q=does+llama" in page.url
    reached = set()
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.id || document.activeElement.dataset.copy"))
    assert {"model", "gpu", "context", "users", "engine", "layouts", "link", "markdown", "json", "command"} <= reached


def test_mistakes_are_told_with_what_was_meant(server: str, visit: Open) -> None:
    page = visit(server + "?model=mixtral-9x7b")
    page.wait_for_selector("#answer button")
    assert "did you mean mixtral-8x7b" in page.inner_text("#answer")
    page.click("#answer button >> text=mixtral-8x7b")
    settled(page, [expected("mixtral-8x7b", "a6000")])


def test_names_of_cards_are_text(server: str, visit: Open) -> None:
    page = visit(server + "?model=hostile")
    settled(page, [expected("mixtral-8x7b", "a6000")])
    assert HOSTILE in page.inner_text("#model-hint")
    assert page.locator("img").count() == 0
    assert page.evaluate("window.hacked") is None


@pytest.mark.parametrize("width", [320, 390, 768, 3840])
def test_nothing_is_wider_than_the_window(server: str, visit: Open, width: int) -> None:
    page = visit(server + "?gpu=a6000,h100,mi300x", viewport={"width": width, "height": 800})
    page.wait_for_selector("#charts svg")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@needs_axe
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(server: str, visit: Open, scheme: str) -> None:
    page = visit(server + "?gpu=a6000,h100", color_scheme=scheme)
    page.wait_for_selector("#charts svg")
    page.evaluate("document.querySelectorAll('details').forEach(d => (d.open = true))")
    page.evaluate((NPM / "axe-core" / "axe.min.js").read_text())
    found = page.evaluate("axe.run().then(r => r.violations.map(v => [v.id, v.nodes.map(n => n.html.slice(0, 120))]))")
    assert found == []


def test_dark_and_light_differ(server: str, visit: Open) -> None:
    shade = "getComputedStyle(document.body).backgroundColor"
    assert visit(server, color_scheme="dark").evaluate(shade) != visit(server, color_scheme="light").evaluate(shade)


@needs_pyodide
def test_the_engine_in_the_browser_online_and_offline(site: str, visit: Open, tmp_path: Path) -> None:
    page = visit(site + "?gpu=a6000,h100")
    both = [expected("mixtral-8x7b", g) for g in ("a6000", "h100")]
    settled(page, both)
    page.click("[data-copy=json]")
    page.fill("#question", "how many a6000s for llama 3 70b at 8k")
    page.press("#question", "Enter")
    settled(page, [expected("llama-3-70b", "a6000", context=8192)])

    # A configuration and a log, which stay in the browser: the server here could not even take them.
    page.set_input_files("#chosen", str(CONFIG))
    until(page, "document.querySelector('#status').textContent.startsWith('Sized from')")
    settled(page, both[:1])
    log = tmp_path / "server.log"
    log.write_text(
        "INFO 01-01 00:00:00 [core.py:58] Initializing a V1 LLM engine (v0.11.0) with config: model='Qwen/Qwen3-0.6B'\n"
        "INFO 01-01 00:00:01 [gpu_model_runner.py:2653] Model loading took 1.1201 GiB and 1.0 seconds\n"
        "INFO 01-01 00:00:02 [gpu_worker.py:298] Available KV cache memory: 69.66 GiB\n"
        "INFO 01-01 00:00:03 [kv_cache_utils.py:1087] GPU KV cache size: 652,144 tokens\n"
    )
    page.set_input_files("#chosen", str(log))
    until(page, "document.querySelector('#answer pre, #answer .does_not_fit')")
    assert "Qwen" in page.inner_text("#answer")

    # After the first visit no network is needed.
    page.reload()
    until(page, STARTED)
    page.context.set_offline(True)
    page.goto(site + "?gpu=h100")
    until(page, STARTED)
    settled(page, both[1:])


@needs_pyodide
@needs_wheels
def test_a_card_that_is_dropped_is_sized_in_the_browser(site: str, visit: Open, tmp_path: Path) -> None:
    page = visit(site)
    settled(page, [expected("mixtral-8x7b", "a6000")])
    card = tmp_path / "half.yaml"
    text = CARD.read_text(encoding="utf-8").replace("id: mixtral-8x7b", "id: half")
    card.write_text(re.sub(r"name: Mixtral 8x7B\n", "name: Half of Mixtral\n", text), encoding="utf-8")
    page.set_input_files("#chosen", str(card))
    until(page, "document.querySelector('#status').textContent.startsWith('Sized from half.yaml')")
    until(page, "document.querySelector('.choice').textContent.includes('Half of Mixtral needs 3')")
    card.write_text("id: half\nlayers: many\n")
    page.set_input_files("#chosen", str(card))
    until(page, "document.querySelector('#answer .does_not_fit')?.textContent.startsWith('half.yaml')")


@pytest.mark.parametrize("name", ["mine.yaml", "config.json"])
def test_a_server_sizes_a_card_or_configuration_that_is_dropped(
    server: str, visit: Open, tmp_path: Path, name: str
) -> None:
    page = visit(server + "?gpu=a6000,h100")
    assert "It goes to this server, which keeps nothing" in page.inner_text("#drop")
    file = tmp_path / name
    file.write_text(CONFIG.read_text() if name == "config.json" else CARD.read_text())
    page.set_input_files("#chosen", str(file))
    until(page, "document.querySelector('#status').textContent.startsWith('Sized from')")
    settled(page, [expected("mixtral-8x7b", g) for g in ("a6000", "h100")])
    log = tmp_path / "server.log"
    log.write_text("nothing")
    page.set_input_files("#chosen", str(log))
    until(page, "document.querySelector('#answer').textContent.includes('gpu-sizer check-log')")
    broken = tmp_path / "broken.yaml"
    broken.write_text("name: x\nnmae: y\n")
    page.set_input_files("#chosen", str(broken))
    until(page, "document.querySelector('#answer').textContent.includes('broken.yaml:2: nmae: unknown key')")


def test_several_models_are_a_table_that_a_frame_can_show(server: str, visit: Open) -> None:
    page = visit(server + "?model=mixtral-8x7b,llama-3-70b,no-such-model&gpu=a6000,h100&embed=1")
    page.wait_for_selector("tbody tr")
    rows = [r.split("\t") for r in page.inner_text("tbody").splitlines()]
    numbers = [[str(size(m, gpu=g).gpu_count) for g in ("a6000", "h100")] for m in ("mixtral-8x7b", "llama-3-70b")]
    assert [row[1:] for row in rows[:2]] == numbers
    assert rows[2][1:] == ["?", "?"]
    for hidden in ("header", "#asked", "#drop", "#share"):
        assert not page.is_visible(hidden)
    link = str(page.get_attribute("tbody a", "href"))
    assert "embed" not in link
    settled(visit(server.rstrip("/") + link), [expected("mixtral-8x7b", "a6000")])


@needs_pyodide
def test_an_engine_that_cannot_start_says_why(site: str, browser: Any) -> None:
    context = browser.new_context(service_workers="block")
    page = context.new_page()
    page.route("**/program.zip", lambda route: route.fulfill(status=404))
    page.goto(site)
    until(page, "document.querySelector('#status').classList.contains('error')")
    assert "could not start (program.zip: 404)" in page.inner_text("#status")
    # The lists and the form are there all the same.
    assert page.locator("#models option").count() > 100
    context.close()


@needs_pyodide
@pytest.mark.parametrize("tampered", [False, True])
def test_python_from_a_pinned_address_is_held_to_its_hashes(tmp_path: Path, browser: Any, tampered: bool) -> None:
    there, here = tmp_path / "there", tmp_path / "here"
    shutil.copytree(NPM / "pyodide", there)
    with static(there) as address:
        assert run(["page", "-o", str(here), "--pyodide", address, "--pinned", str(NPM / "pyodide")]) == 0
        assert not (here / "pyodide").exists()
        if tampered:
            with (there / "python_stdlib.zip").open("ab") as file:
                file.write(b"more")
        with static(here) as own:
            context = browser.new_context()
            page = context.new_page()
            page.goto(own)
            host = address.rstrip("/")
            assert host in page.inner_text("footer")
            if tampered:
                until(page, "document.querySelector('#status').classList.contains('error')")
                assert "is not the file that this page is pinned to" in page.inner_text("#status")
            else:
                until(page, STARTED)
                settled(page, [expected("mixtral-8x7b", "a6000")])
            context.close()


def test_speed_machines_and_stages_stand_beside_the_count(server: str, visit: Open) -> None:
    page = visit(server)
    plan = size("mixtral-8x7b", gpu="a6000").model_dump()
    text = page.inner_text(".choice")
    assert f"${plan['machines']['price_hour_usd']:.2f} an hour" in text
    assert "stages 1 to 2" in text
    assert page.locator(".stages .bar").count() == 2
    until(page, "document.querySelector('.pace')")
    found = speed("mixtral-8x7b", gpu="a6000", **plan["layout"]).model_dump()
    about = found["speed"]["tokens_per_second_per_user"]["about"]
    told = str(page.get_attribute(".pace .range", "aria-label"))
    assert told.startswith(f"tokens a second: about {float(f'{about:.3g}'):g}, from")
    page.click(".pace summary")
    assert "a million output tokens" in page.inner_text(".pace")
    page.fill("#each", "40")
    page.press("#each", "Tab")
    settled(page, [expected("mixtral-8x7b", "a6000", tokens_per_second=40)])
    assert "each=40" in page.url
    until(page, "document.querySelector('.choice').textContent.includes('surely gets 40 tokens a second')")
    page.fill("#gpu", "gaudi-3")
    page.press("#gpu", "Tab")
    until(page, "document.querySelector('#answer').textContent.includes('nothing was measured of the speed')")


def test_what_would_make_it_smaller_and_every_reason(server: str, visit: Open) -> None:
    page = visit(server + "?model=llama-3.3-70b&gpu=h100&users=16")
    plan = size("llama-3.3-70b", gpu="h100", users=16)
    settled(page, [f"{plan.gpu_count} ×"])
    text = page.inner_text(".choice")
    assert plan.explain().splitlines()[0] in text
    assert "What would make it smaller" in text
    assert "--kv-cache-dtype fp8" in text
    page.click("#why")
    until(page, "document.querySelector('.choice').textContent.includes('In these words')")
    assert "Where the count changes" in page.inner_text(".choice")


def test_a_list_is_a_table_and_a_question_fills_the_controls(server: str, visit: Open) -> None:
    page = visit(server + "?q=which+gpu+for+llama+3+8b")
    assert page.inner_text(".headline").startswith("For Llama 3 8B at 8,192 tokens")
    assert page.locator("tbody tr").count() == 12
    page.fill("#question", "how many h100 for llama 3.3 70b for 100 users at 20 tokens a second")
    page.press("#question", "Enter")
    settled(page, [expected("llama-3.3-70b", "h100", users=100, tokens_per_second=20)])
    assert "Each of 100 users surely gets 20 tokens a second" in page.inner_text(".headline")
    assert [page.input_value(f"#{k}") for k in ("model", "gpu", "each", "prompt")] == [
        *("llama-3.3-70b", "h100-80gb", "20", "1024")
    ]


def test_on_a_phone_the_answer_is_in_view_before_anything_is_touched(server: str, visit: Open) -> None:
    page = visit(server, viewport={"width": 390, "height": 844})
    count = page.locator(".count strong").bounding_box()
    assert count["y"] + count["height"] < 844
    # With the controls open it stays in view as a line.
    page.click("#settings > summary")
    line = page.locator("#short").bounding_box()
    assert line["y"] + line["height"] <= 844
    assert page.inner_text("#short") == "3 × RTX A6000"
    page.fill("#gpu", "h100")
    page.press("#gpu", "Tab")
    until(page, "document.querySelector('#short').textContent.includes('H100')")


def figures(page: Any) -> str:
    """Requests, bytes over the network and times of a page as the browser has them, with what its engine asks for."""
    of_all = (
        "performance.getEntriesByType('resource').concat(performance.getEntriesByType('navigation'))"
        ".map(e => [e.name, Math.max(e.transferSize, e.encodedBodySize), e.responseEnd])"
    )
    entries = page.evaluate(of_all) + [entry for worker in page.workers for entry in worker.evaluate(of_all)]
    first = page.evaluate("performance.getEntriesByName('answer').map(e => e.startTime)[0] ?? 0")
    size_kb = sum(size for _, size, _ in entries) / 1e3
    return f"{len(entries)} requests, {size_kb:,.0f} kB, first answer after {first / 1e3:.2f} s"


def slider(page: Any) -> str:
    """How long an answer takes while sliding."""
    page.focus("#context")
    for _ in range(10):
        page.press("#context", "ArrowLeft")
    until(page, "performance.getEntriesByName('slide').length >= 5")
    times = sorted(page.evaluate("performance.getEntriesByName('slide').map(e => e.duration)"))
    return f"a slider's answer {times[len(times) // 2]:.0f} ms in the median"


def test_requests_bytes_and_times_stand_in_the_report(server: str, visit: Open, told: Callable[[str], None]) -> None:
    page = visit(server)
    told(f"on a server: {figures(page)}, {slider(page)}")


@needs_pyodide
def test_those_of_the_engine_in_the_browser_too(site: str, visit: Open, told: Callable[[str], None]) -> None:
    page = visit(site)
    told(f"in the browser: {figures(page)}, {slider(page)}")
