// Two ways to ask one engine: the server that serves the page, or the program itself in a web worker.

/** An answer that is none: what is wrong, as the program says it. */
export class Refused extends Error {
  constructor(error) {
    super(error.message);
    this.suggestions = error.suggestions ?? [];
    this.about = error.about;
  }
}

function answered(data) {
  if (data && data.error) throw new Refused(data.error);
  return data;
}

/** Asks the server over HTTP. */
export function overHttp() {
  const listings = new Set(["models", "gpus"]);
  return {
    ready: Promise.resolve(),
    async ask(call, body) {
      const options = listings.has(call)
        ? {}
        : { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
      let response;
      try {
        response = await fetch(`v1/${call}`, options);
      } catch {
        throw new Refused({ message: "The server does not answer: is it still running, and the network there?" });
      }
      return answered(await response.json());
    },
  };
}

/** Asks the program in a web worker; `told` hears of each step of its start. */
export function inWorker(settings, told) {
  const worker = new Worker("worker.js", { type: "module" });
  const waiting = new Map();
  let number = 0;
  let start, fail;
  const ready = new Promise((resolve, reject) => ([start, fail] = [resolve, reject]));
  ready.catch(() => {});
  worker.onerror = () => fail(new Refused({ message: "This browser cannot run the engine (it needs WebAssembly and module workers)." }));
  worker.onmessage = ({ data }) => {
    if (data.step) told(data.step);
    else if (data.ready) start();
    else if (data.failed) fail(new Refused({ message: data.failed }));
    else {
      waiting.get(data.number)?.(data.answer);
      waiting.delete(data.number);
    }
  };
  worker.postMessage({ settings });
  return {
    ready,
    async ask(call, body) {
      await ready;
      const mine = ++number;
      const answer = new Promise((resolve) => waiting.set(mine, resolve));
      worker.postMessage({ number: mine, call, body: JSON.stringify(body) });
      return answered(JSON.parse(await answer));
    },
  };
}
