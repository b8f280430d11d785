// The whole state of the page stands in its address, so that an answer can be shared as a link.

export const DEFAULTS = { q: "", model: "mixtral-8x7b", gpu: "rtx-a6000", context: "", users: "1", engine: "vllm", layouts: "any",
  prompt: "", answer: "", each: "", inall: "", embed: "" };
/** The most models of a table. */
const MOST_MODELS = 40;
/** What speed depends on, by the names of the program. */
const PACE = { prompt: "prompt", answer: "answer", each: "tokens_per_second", inall: "requests_per_second" };

/** The state that an address tells; keys that it does not have take their defaults. */
export function read(search = location.search) {
  const told = new URLSearchParams(search);
  return Object.fromEntries(Object.entries(DEFAULTS).map(([key, value]) => [key, told.get(key) ?? value]));
}

/** The address of a state, without what is a default anyway. */
export function address(state) {
  const told = new URLSearchParams();
  for (const [key, value] of Object.entries(state)) if (key in DEFAULTS && value !== DEFAULTS[key]) told.set(key, value);
  const text = told.toString();
  return location.pathname + (text ? `?${text}` : "");
}

/** The body of a call for one GPU. */
export function body(state, gpu, more = {}) {
  const made = { model: state.model, gpu, engine: state.engine, layouts: state.layouts, users: Number(state.users), ...more };
  for (const [key, name] of Object.entries(PACE)) if (state[key]) made[name] = Number(state[key]);
  if (state.context && made.context === undefined) made.context = Number(state.context);
  if (made.context === null) delete made.context;
  return made;
}

/** The body of a call for the speed of a plan's own layout. */
export function pace(state, plan) {
  const made = { model: state.model, gpu: plan.gpu, engine: state.engine, users: Number(state.users), ...plan.layout };
  for (const key of ["prompt", "answer"]) if (state[key]) made[key] = Number(state[key]);
  return made;
}

/** The GPUs asked for. */
export function gpus(state) {
  return [...new Set(state.gpu.split(",").map((name) => name.trim()).filter(Boolean))].slice(0, 4);
}

/** The models asked for: several make a table. */
export function models(state) {
  return [...new Set(state.model.split(",").map((name) => name.trim()).filter(Boolean))].slice(0, MOST_MODELS);
}

/** The same question as a command line. */
export function command(state) {
  const word = (text) => (/^[\w.@:+,/-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);
  const of = models(state);
  if (of.length > 1) return `gpu-sizer table --models ${word(of.join(","))} --gpus ${word(gpus(state).join(","))}`;
  return gpus(state).map((gpu) => [
    "gpu-sizer size", word(state.model), "--gpu", word(gpu),
    ...(state.context ? ["--context", state.context] : []),
    ...(state.users !== DEFAULTS.users ? ["--users", state.users] : []),
    ...(state.engine !== DEFAULTS.engine ? ["--engine", word(state.engine)] : []),
    ...Object.entries(PACE).flatMap(([key, name]) => (state[key] ? [`--${name.replaceAll("_", "-")}`, state[key]] : [])),
    ...(state.layouts !== DEFAULTS.layouts ? ["--layouts", state.layouts] : []),
  ].join(" ")).join("\n");
}
