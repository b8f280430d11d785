// The program in a web worker: Python as WebAssembly, and the installed files of the program as an archive.
let answer;
let python;
/** Wheels that cards in YAML take: they are loaded once, before the first of these. */
let packages = [];

/**
 * Pyodide from an address of another host: each file is held to its hash, its modules run from the checked bytes, and what
 * Pyodide fetches later it gets from them, too.
 */
async function pinned(base, hashes) {
  const own = {};
  await Promise.all(Object.entries(hashes).map(async ([name, integrity]) => {
    let response;
    try {
      response = await fetch(base + name, { integrity, mode: "cors", credentials: "omit" });
    } catch {
      throw new Error(`${base}${name} cannot be loaded, or is not the file that this page is pinned to`);
    }
    if (!response.ok) throw new Error(`${base}${name}: ${response.status}`);
    own[name] = await response.arrayBuffer();
  }));
  const module = (source) => URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  const inner = JSON.stringify(module(own["pyodide.asm.mjs"]));
  const text = new TextDecoder().decode(own["pyodide.mjs"]);
  const found = text.match(/`\$\{[^`}]*\}pyodide\.asm\.mjs`/g) ?? [];
  if (found.length !== 1) throw new Error("this version of Pyodide can lie beside the page alone");
  const loaded = self.fetch;
  self.fetch = (what, options) => {
    const address = String(what.url ?? what);
    const name = address.startsWith(base) ? address.slice(base.length) : "";
    if (!(name in own)) return loaded(what, options);
    const type = name.endsWith(".wasm") ? "application/wasm" : "application/octet-stream";
    return Promise.resolve(new Response(own[name], { headers: { "Content-Type": type } }));
  };
  return import(module(text.replace(found[0], () => inner)));
}

async function start({ pyodide, archive, integrity, packages: wheels }) {
  packages = wheels;
  const step = (text) => postMessage({ step: text });
  step("Loading Python (once; later visits have it) …");
  const base = new URL(pyodide, location.href).href;
  const { loadPyodide } = integrity ? await pinned(base, integrity) : await import(new URL("pyodide.mjs", base));
  python = await loadPyodide({ indexURL: base });
  step("Loading the program and its cards …");
  const response = await fetch(archive);
  if (!response.ok) throw new Error(`${archive}: ${response.status}`);
  python.unpackArchive(await response.arrayBuffer(), "zip", { extractDir: "/" });
  step("Starting the engine …");
  answer = python.runPython(`
import os, shutil, sys
shutil.unpack_archive("/program.tar", "/program")
os.remove("/program.tar")
sys.path.insert(0, "/program")
from gpu_sizer.page.engine import answer
answer("size", '{"model": "mixtral-8x7b", "gpu": "rtx-a6000"}')
answer
`);
  postMessage({ ready: true });
}

async function unpack() {
  const wheels = packages;
  packages = [];
  for (const wheel of wheels) {
    const response = await fetch(wheel);
    if (!response.ok) throw new Error(`${wheel}: ${response.status}`);
    python.unpackArchive(await response.arrayBuffer(), "wheel");
  }
  if (wheels.length) python.runPython("import importlib; importlib.invalidate_caches()");
}

onmessage = async ({ data }) => {
  if (data.settings) {
    try {
      await start(data.settings);
    } catch (error) {
      const why = String(error.message ?? error).split("\n").at(-1) || String(error);
      postMessage({
        failed: `The engine could not start (${why}). Reload the page; if that does not help, look whether its folder "pyodide" is whole, ` +
          "or use another browser.",
      });
    }
    return;
  }
  try {
    if (data.call === "size_file" && !JSON.parse(data.body).name.toLowerCase().endsWith(".json")) await unpack();
  } catch (error) {
    const message = `What reading cards takes could not be loaded (${error.message ?? error})`;
    return postMessage({ number: data.number, answer: JSON.stringify({ error: { message } }) });
  }
  postMessage({ number: data.number, answer: answer(data.call, data.body) });
};
