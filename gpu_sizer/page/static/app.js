// The page: what a visitor says becomes the state, the state becomes calls, their answers become elements.
import { Refused, inWorker, overHttp } from "./ask.js";
import { steps } from "./chart.js";
import { DEFAULTS, address, body, command, gpus, models as several, pace as paced, read } from "./state.js";
import { blocks, choice, counts, make, markdown, pace, tokens } from "./view.js";

const $ = (id) => document.getElementById(id);
const LEAST_CONTEXT = 1024;
const MOST_FILE = 8 << 20;
/** Controls that hold a number, by their key in the state. */
const NUMBERS = { prompt: "prompt", answer: "answer-length", each: "each", inall: "inall" };
const how = document.body.dataset.how;
const engine = document.body.dataset.engine ? JSON.parse(document.body.dataset.engine) : null;

let state = read();
let plans = [];
/** Everything that is said, in words. */
let said = [];
let dropped = null;
let turn = 0;
let sliding = false;
const models = new Map();
const specs = new Map();
const names = {
  model: (id) => models.get(id)?.name ?? id,
  gpu: (id) => (specs.get(id)?.name ?? id).replace(/^(NVIDIA|AMD|Intel) /, ""),
};

function tell(text, error = false) {
  $("status").textContent = text;
  $("status").classList.toggle("error", error);
}

const asking = how === "server" ? overHttp() : how === "worker" ? inWorker(engine, tell) : null;

/** What went wrong, in a sentence, with what was perhaps meant as buttons. */
function refused(error) {
  if (!(error instanceof Refused)) throw error;
  const known = error.suggestions.filter((name) => models.has(name) || specs.has(name)).slice(0, 6);
  const buttons = known.map((name) => {
    const button = make("button", { type: "button" }, name);
    button.onclick = () => change(models.has(name) ? { q: "", model: name } : { q: "", gpu: name });
    return button;
  });
  $("answer").replaceChildren(make("p", { class: "does_not_fit" }, error.message), make("div", { class: "row" }, buttons));
  for (const id of ["steps", "launch", "share"]) $(id).hidden = true;
  brief(error.message);
}

/** The answer in a line, which stays in view on a narrow screen while the controls are. */
function brief(text) {
  $("short").textContent = text;
  $("short").hidden = !text;
}

/** Tokens of a request where prompt, answer or a rate is told and the context is not; 0 for the full length. */
function lengths() {
  return Object.keys(NUMBERS).some((key) => state[key]) ? (Number(state.prompt) || 1024) + (Number(state.answer) || 256) : 0;
}

/** Shows the state in the controls. */
function show() {
  $("question").value = state.q;
  $("model").value = state.model;
  $("gpu").value = state.gpu;
  for (const key of ["engine", "layouts"]) $(key).value = state[key];
  for (const [key, id] of Object.entries(NUMBERS)) $(id).value = state[key];
  const most = models.get(state.model)?.context ?? 131072;
  const usual = lengths() || most;
  const context = Math.min(Number(state.context) || usual, most);
  $("context").max = Math.log2(Math.max(most, 2 * LEAST_CONTEXT));
  $("context").min = Math.log2(LEAST_CONTEXT);
  $("context").value = Math.log2(context);
  $("context-told").textContent = `${tokens(context)}${state.context ? "" : lengths() ? " (prompt and answer)" : " (full length)"}`;
  $("context").setAttribute("aria-valuetext", `${tokens(context)} tokens`);
  $("users").value = Math.log2(Number(state.users) || 1);
  $("users-told").textContent = state.users;
  $("users").setAttribute("aria-valuetext", `${state.users} requests`);
  const card = models.get(state.model);
  $("model-hint").textContent = card
    ? `${card.name}, ${card.organization ?? "organisation not known"}, ${card.released ?? "date not known"}, ` +
      `${(card.parameters.total / 1e9).toFixed(1)} billion parameters, ${tokens(card.context)} tokens`
    : "";
}

/** Takes a change into the state and the history; a slider that is held makes one step of it, not one a pixel. */
function change(changes, held = false) {
  if (Object.keys(changes).some((key) => key !== "q")) changes.q ??= "";
  if (changes.model !== undefined && changes.model !== state.model) changes.context ??= "";
  state = { ...state, ...changes };
  const to = address(state);
  if (sliding) history.replaceState(null, "", to);
  else if (to !== location.pathname + location.search) history.pushState(null, "", to);
  sliding = held;
  show();
  answer(held);
}

/** Answers the state, and tells whether it is still the one asked for; what a newer state has overtaken is not shown. */
async function answer(held = false, words = "usual") {
  if (!asking) return false;
  const mine = ++turn;
  const asked = performance.now();
  const current = () => mine === turn;
  $("answer").setAttribute("aria-busy", "true");
  try {
    if (state.q) await answerQuestion(current, words);
    else await answerControls(current, held, words);
    if (current()) tell("");
    performance.mark("answer");
    if (held) performance.measure("slide", { start: asked, end: performance.now() });
  } catch (error) {
    if (current()) refused(error);
  } finally {
    if (current()) $("answer").setAttribute("aria-busy", "false");
  }
  return current();
}

function showPlans(found, before = []) {
  plans = found;
  const cards = found.map((plan) => choice(plan, names, before.length === 1));
  const reasons = found.length ? [make("button", { type: "button", id: "why" }, "Every reason, and the terms explained")] : [];
  $("answer").replaceChildren(...before, make("div", { class: "choices" }, cards), ...reasons);
  if (reasons.length) reasons[0].onclick = () => showReasons();
  $("share").hidden = !said.length;
  brief(found.map((plan) => (plan.gpu_count === null || plan.fits === false
    ? `${names.gpu(plan.gpu)}: no` : `${plan.gpu_count} × ${names.gpu(plan.gpu)}`)).join(" · "));
}

/** How fast each plan's own layout is, beside its memory. */
async function showPace(current) {
  await Promise.all(plans.filter((plan) => plan.layout && plan.gpu_count !== null).map(async (plan) => {
    let found;
    try {
      found = await asking.ask("speed", {
        ...paced({ ...state, model: plan.model, engine: plan.engine, users: plan.assumptions.users }, plan), words: "usual",
      });
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      found = { error: error.message };
    }
    const place = [...document.querySelectorAll(".speed")].find((made) => made.dataset.gpu === plan.gpu);
    if (current() && place) place.replaceChildren(...[pace(found)].filter(Boolean));
  }));
}

/** Answers with every reason, instead of what most people want to see. */
async function showReasons() {
  $("why").disabled = true;
  await answer(false, "why");
}

async function answerQuestion(current, words) {
  const found = await asking.ask("ask", { question: state.q, words });
  if (!current()) return;
  const answers = found.answers ?? [found];
  const told = answers.map((one) => one.words ?? { headline: one.error?.message ?? "", verdict: "does_not_fit", blocks: [] });
  said = told;
  const made = answers.flatMap((one) => {
    const plan = one.plan ?? (one.per_gpu !== undefined && one.model ? one : null);
    return plan ? [{ ...plan, words: one.words }] : [];
  });
  const planned = new Set(made.map((plan) => plan.words));
  const before = told.flatMap((one) => [make("p", { class: `headline ${one.verdict}` }, one.headline), ...(planned.has(one) ? [] : blocks(one.blocks))]);
  showPlans(made, before);
  // Its sentence stands right below the question.
  brief("");
  follow(made[0], answers[0].model);
  for (const id of ["steps", "launch"]) $(id).hidden = true;
  await showPace(current);
}

/** Puts what a question was understood as into the controls, so that a visitor can go on from there. */
function follow(plan, model) {
  if (!plan) {
    if (models.has(model)) state = { ...state, model };
    return show();
  }
  const asked = plan.assumptions;
  const native = models.get(plan.model)?.context;
  state = {
    ...state, model: plan.model, gpu: plan.gpu, engine: plan.engine.split("@")[0], users: String(asked.users), layouts: asked.layouts ?? "any",
    context: asked.context === native ? "" : String(asked.context), prompt: String(asked.prompt ?? ""), answer: String(asked.answer ?? ""),
    each: String(asked.tokens_per_second ?? ""), inall: String(asked.requests_per_second ?? ""),
  };
  show();
}

async function answerControls(current, held, words) {
  const wanted = gpus(state);
  if (!dropped && several(state).length > 1) return answerTable(current, several(state), wanted);
  const { call, more } = dropped ?? { call: "size", more: {} };
  const found = await Promise.all(wanted.map((gpu) => asking.ask(call, body(state, gpu, { ...more, words }))));
  if (!current()) return;
  said = found.map((plan) => plan.words);
  showPlans(found);
  if (!dropped) await showPace(current);
  if (held || !current()) return;
  await Promise.all([showSteps(current, call, more), showFile(current)]);
}

/** Several models: a table of counts, as an article shows one in a frame. */
async function answerTable(current, wanted, on) {
  const rows = await Promise.all(wanted.map(async (model) => ({
    model,
    found: await Promise.all(on.map(async (gpu) => {
      try {
        return await asking.ask("size", body({ ...state, model }, gpu, { details: false, words: "brief" }));
      } catch (error) {
        if (error instanceof Refused) return { error: error.message };
        throw error;
      }
    })),
  })));
  if (!current()) return;
  const link = (model, gpu) => address({ ...state, model, gpu, embed: "" });
  const load = `${state.context ? `${tokens(Number(state.context))} tokens` : "each model's full length"}, ` +
    `${state.users === "1" ? "1 request at a time" : `${state.users} requests at once`}, ${$("engine").selectedOptions[0]?.text ?? state.engine}`;
  [plans, said] = [[], []];
  const known = new Map(rows.flatMap(({ found }) => found.map((plan, i) => [on[i], plan.gpu ?? on[i]])));
  $("answer").replaceChildren(make("p", { class: "assumed" }, `The fewest GPUs that each takes: ${load}.`),
    counts(rows, on.map((gpu) => known.get(gpu)), names, link));
  for (const id of ["steps", "launch"]) $(id).hidden = true;
  $("share").hidden = false;
  brief("");
}

/** How the count moves with context and users, for each GPU. */
async function showSteps(current, call, more) {
  const most = plans[0]?.assumptions?.context ?? 131072;
  const longest = models.get(state.model)?.context ?? most;
  const contexts = [];
  for (let value = 4096; value < longest; value *= 2) contexts.push(value);
  contexts.push(longest);
  const users = [1, 2, 4, 8, 16, 32, 64, 128];
  const line = async (gpu, key, values) => ({
    name: names.gpu(plans.find((plan) => plan.gpu === gpu)?.gpu ?? gpu),
    points: await Promise.all(values.map(async (value) => {
      try {
        return [value, (await asking.ask(call, body(state, gpu, { ...more, details: false, [key]: value }))).gpu_count];
      } catch (error) {
        if (error instanceof Refused) return [value, null];
        throw error;
      }
    })),
  });
  const wanted = plans.map((plan) => plan.gpu);
  const [byContext, byUsers] = await Promise.all([
    Promise.all(wanted.map((gpu) => line(gpu, "context", contexts))),
    Promise.all(wanted.map((gpu) => line(gpu, "users", users))),
  ]);
  if (!current()) return;
  const figures = [
    steps("GPUs by context length", "tokens", byContext, most),
    steps("GPUs by requests at a time", `of ${tokens(most)} tokens each`, byUsers, Number(state.users)),
  ].filter(Boolean);
  $("charts").replaceChildren(...figures);
  $("steps").hidden = !figures.length;
}

async function showFile(current) {
  const plan = plans[0];
  $("launch").hidden = dropped !== null || !plan || plan.gpu_count === null;
  if ($("launch").hidden) return;
  const format = $("format").value || $("engine").selectedOptions[0]?.dataset.form;
  if (!format) {
    $("file").textContent = "No server belongs to this engine: it is used from a program. Choose another engine for a launch file.";
    return;
  }
  let text;
  try {
    text = (await asking.ask("deploy", body(state, plan.gpu, { format }))).file;
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    text = error.message;
  }
  if (current()) $("file").textContent = text;
}

async function copy(text, button) {
  const before = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    // Without permission the text is shown, to be copied by hand.
    button.textContent = "Select and copy below";
    button.after(make("pre", { tabindex: "0" }, text));
  }
  setTimeout(() => (button.textContent = before), 1500);
}

const copies = {
  link: () => location.href,
  markdown: () => (said.length ? said.map(markdown).join("\n\n") : [...document.querySelectorAll("#answer tr")].map((row, i) => {
    const line = (text) => `| ${[...row.cells].map(text).join(" | ")} |`;
    return line((cell) => cell.textContent) + (i ? "" : `\n${line(() => "---")}`);
  }).join("\n")),
  json: () => JSON.stringify(plans.length === 1 ? plans[0] : plans, null, 2),
  command: () => (state.q ? `gpu-sizer '${state.q.replaceAll("'", "'\\''")}'` : command(state)),
};

/** A file that a visitor gives: a configuration or a card becomes the model, a log is read beside the estimate. */
async function take(file) {
  if (file.size > MOST_FILE) return tell(`${file.name} is larger than ${MOST_FILE >> 20} MiB`, true);
  // What was asked before is overtaken: its answer may still come, and must not take the place of this one.
  const mine = ++turn;
  const text = await file.text();
  try {
    if (/\.(json|ya?ml)$/i.test(file.name)) {
      const given = { call: "size_file", more: { text, name: file.name } };
      await asking.ask(given.call, body(state, gpus(state)[0], { ...given.more, context: null, details: false }));
      if (mine !== turn) return;
      dropped = given;
      state = { ...state, q: "", context: "" };
      $("model-hint").textContent = `sized from ${file.name}`;
      tell(`Sized from ${file.name}; choose a model to go back to the catalogue.`);
      if (await answer()) tell(`Sized from ${file.name}; choose a model to go back to the catalogue.`);
    } else if (how === "server") {
      throw new Refused({ message: `${file.name}: a log is read by gpu-sizer check-log, or by the page without a server` });
    } else {
      const found = await asking.ask("check_log", { log: text, gpu: gpus(state)[0], model: state.model });
      if (mine !== turn) return;
      $("answer").replaceChildren(make("h2", {}, file.name), make("pre", { tabindex: "0" }, found.lines.join("\n")));
      for (const id of ["steps", "launch", "share"]) $(id).hidden = true;
      tell("");
    }
  } catch (error) {
    if (mine === turn) refused(error);
  } finally {
    if (mine === turn) $("answer").setAttribute("aria-busy", "false");
  }
}

function listen() {
  $("question-form").onsubmit = (event) => {
    event.preventDefault();
    dropped = null;
    change({ q: $("question").value.trim() });
  };
  $("controls").onsubmit = (event) => event.preventDefault();
  $("model").onchange = () => ((dropped = null), change({ model: $("model").value.trim() || DEFAULTS.model }));
  $("gpu").onchange = () => change({ gpu: $("gpu").value.trim() || DEFAULTS.gpu });
  for (const key of ["engine", "layouts"]) $(key).onchange = () => change({ [key]: $(key).value });
  const context = () => {
    const most = models.get(state.model)?.context ?? 131072;
    const value = 2 ** Number($("context").value);
    return value >= most * 0.98 ? "" : String(Math.max(LEAST_CONTEXT, Math.round(value / 1024) * 1024));
  };
  $("context").oninput = () => change({ context: context() }, true);
  $("context").onchange = () => change({ context: context() });
  $("users").oninput = () => change({ users: String(2 ** Number($("users").value)) }, true);
  $("users").onchange = () => change({ users: String(2 ** Number($("users").value)) });
  for (const [key, id] of Object.entries(NUMBERS)) $(id).onchange = () => change({ [key]: $(id).value.trim() });
  $("format").onchange = () => showFile(() => true);
  $("copy-file").onclick = (event) => copy($("file").textContent, event.currentTarget);
  for (const button of document.querySelectorAll("[data-copy]")) button.onclick = () => copy(copies[button.dataset.copy](), button);
  $("chosen").onchange = ({ target }) => {
    const [file] = target.files;
    // The same file may be chosen again once it was changed.
    target.value = "";
    if (file) take(file);
  };
  addEventListener("dragover", (event) => (event.preventDefault(), document.body.classList.add("dropping")));
  addEventListener("dragleave", () => document.body.classList.remove("dropping"));
  addEventListener("drop", (event) => {
    event.preventDefault();
    document.body.classList.remove("dropping");
    if (asking && event.dataTransfer.files[0]) take(event.dataTransfer.files[0]);
  });
  addEventListener("popstate", () => ((state = read()), show(), answer()));
}

function fill(list, found, key) {
  list.replaceChildren(...found.map((entry) => make("option", { value: entry[key] }, entry.name)));
}

async function start() {
  listen();
  // On a narrow screen the answer comes first; the controls are one tap away.
  $("settings").open = !matchMedia("(max-width: 48rem)").matches;
  show();
  document.body.classList.toggle("embed", state.embed !== "");
  $("privacy").textContent = how === "server" ? "It goes to this server, which keeps nothing; a start-up log is read by gpu-sizer check-log." : "Nothing leaves your browser.";
  $("drop").hidden = !asking;
  if (!asking) return tell("This page has no engine yet: it was made without one (gpu-sizer page --pyodide FOLDER puts it beside the page).", true);
  if (how === "worker" && "serviceWorker" in navigator) navigator.serviceWorker.register("offline.js").catch(() => {});
  try {
    // The lists are files beside a static page, so that they are there before the engine is.
    const [found, known] = how === "worker"
      ? await Promise.all(["models", "gpus"].map(async (name) => (await fetch(`${name}.json`)).json()))
      : await Promise.all([asking.ask("models", {}), asking.ask("gpus", {})]);
    for (const entry of found.models) models.set(entry.model, entry);
    for (const entry of known.gpus) specs.set(entry.gpu, entry);
    const newest = [...found.models].sort((a, b) => String(b.released ?? "").localeCompare(String(a.released ?? "")));
    fill($("models"), newest, "model");
    fill($("gpus"), known.gpus, "gpu");
    show();
    await asking.ready;
    tell("");
  } catch (error) {
    return tell(error.message, true);
  }
  await answer();
  document.body.dataset.started = "1";
}

start();
