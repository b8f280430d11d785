// The program in a web worker: Python as WebAssembly, and the installed files of the program as an archive.
let answer;

async function start({ pyodide, archive }) {
  const step = (text) => postMessage({ step: text });
  step("Loading Python (once; later visits have it) …");
  const { loadPyodide } = await import(new URL("pyodide.mjs", new URL(pyodide, location.href)));
  const python = await loadPyodide({ indexURL: new URL(pyodide, location.href).href });
  step("Loading the program and its cards …");
  const response = await fetch(archive);
  if (!response.ok) throw new Error(`${archive}: ${response.status}`);
  python.unpackArchive(await response.arrayBuffer(), "zip", { extractDir: "/program" });
  step("Starting the engine …");
  answer = python.runPython(`
import sys
sys.path.insert(0, "/program")
from gpu_sizer.page.engine import answer
answer("size", '{"model": "mixtral-8x7b", "gpu": "rtx-a6000"}')
answer
`);
  postMessage({ ready: true });
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
  postMessage({ number: data.number, answer: answer(data.call, data.body) });
};
