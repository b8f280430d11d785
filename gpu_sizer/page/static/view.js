// Answers as elements. Text from cards and questions is set as text, never as HTML.

export const GIB = 2 ** 30;
const PARTS = [
  ["weights", "weights_bytes", "weights"],
  ["KV cache", "kv_cache_bytes", "kv"],
  ["activations", "activation_bytes", "activation"],
  ["overhead", "overhead_bytes", "overhead"],
];

/** An element with attributes and children; children that are text become text nodes. */
export function make(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) if (value !== null && value !== undefined) made.setAttribute(key, value);
  made.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return made;
}

export const gib = (bytes) => `${(bytes / GIB).toFixed(Math.abs(bytes) < 10 * GIB ? 2 : 1)} GiB`;
export const tokens = (count) => count.toLocaleString("en-US");

/** A layout in plain words, as the answers in text say it. */
export function layout(of) {
  const told = [];
  if (of.tensor_parallel_size > 1) told.push(`tensor parallel ${of.tensor_parallel_size}`);
  if (of.pipeline_parallel_size > 1) told.push(`pipeline of ${of.pipeline_parallel_size}`);
  if (of.data_parallel_size > 1) told.push(`${of.data_parallel_size} replicas`);
  if (of.expert_parallel) told.push("experts spread over all GPUs");
  return told.join(", ") || "one GPU";
}

const words = { fits: "fits", tight: "tight: within the estimate's own error", does_not_fit: "does not fit" };

/** What fills one GPU as a bar. */
function filled(gpu, which = "") {
  const used = PARTS.reduce((sum, [, key]) => sum + gpu[key], 0);
  const whole = Math.max(gpu.budget_bytes, used);
  const told = PARTS.map(([name, key]) => `${name} ${gib(gpu[key])}`).join(", ");
  const bar = make("div", { class: "bar", role: "img", "aria-label": `${which}Of ${gib(gpu.budget_bytes)} usable: ${told}, free ${gib(gpu.free_bytes)}` });
  for (const [, key, kind] of PARTS) {
    const part = make("span", { class: kind });
    part.style.width = `${(100 * gpu[key]) / whole}%`;
    bar.append(part);
  }
  return bar;
}

/** Pipeline stages that differ, alike ones next to each other as one bar. */
function stages(all) {
  const groups = [];
  all.forEach((stage, i) => {
    const last = groups.at(-1);
    if (last && PARTS.every(([, key]) => last.stage[key] === stage[key])) last.to = i + 1;
    else groups.push({ stage, from: i + 1, to: i + 1 });
  });
  return make("div", { class: "stages" }, groups.map(({ stage, from, to }) => {
    const which = from === to ? `stage ${from}` : `stages ${from} to ${to}`;
    return make("div", {}, make("span", {}, which), filled(stage, `${which}. `), make("span", {}, `${gib(stage.free_bytes)} free`));
  }));
}

/** The memory of one GPU as a bar with its numbers. */
function memory(gpu, band) {
  const bar = filled(gpu);
  const rows = PARTS.map(([name, key, kind]) => make("li", {}, make("i", { class: kind }), name, make("b", {}, gib(gpu[key]))));
  const room = `${gib(gpu.free_bytes)}${band ? ` ± ${gib(band)}` : ""}`;
  rows.push(make("li", {}, make("i", { class: "free" }), gpu.free_bytes < 0 ? "missing" : "free", make("b", {}, room)));
  return [bar, make("ul", { class: "legend" }, rows)];
}

/** A figure with the digits that matter. */
const digits = (value) => (value >= 100 ? Number(value.toPrecision(3)).toLocaleString("en-US") : `${Number(value.toPrecision(3))}`);

/** A figure as a range: a band from its lower to its upper end on a scale of doublings, with a mark for the estimate. */
function range(name, figure, unit, key) {
  const ends = [figure.low, figure.high, figure[key] ?? figure.high];
  const [least, most] = [Math.log2(Math.min(...ends)) - 0.4, Math.log2(Math.max(...ends)) + 0.4];
  const place = (value) => (100 * (Math.log2(value) - least)) / (most - least);
  const bar = make("div", { class: "range", role: "img",
    "aria-label": `${name}: about ${digits(figure.about)}${unit}, from ${digits(figure.low)} to ${digits(figure.high)}` });
  const band = make("span", { class: "band" });
  [band.style.left, band.style.width] = [`${place(figure.low)}%`, `${place(figure.high) - place(figure.low)}%`];
  const mark = make("span", { class: "mark" });
  mark.style.left = `${place(figure.about)}%`;
  bar.append(band, mark);
  const bound = figure[key] === undefined ? "" : `, ${key.replace("_", " ")} ${digits(figure[key])}`;
  return make("div", { class: "figure" }, make("div", {}, name, make("b", {}, `${digits(figure.about)}${unit}`)), bar,
    make("small", {}, `${digits(figure.low)} to ${digits(figure.high)}${bound}`));
}

/** How fast a plan's layout is, what tokens cost, and what that rests on; a sentence where it is not known. */
export function pace(found) {
  if (found.error) return make("p", { class: "hint" }, `Speed: ${found.error}.`);
  const speed = found.speed;
  if (!speed) return null;
  const asked = found.assumptions;
  const made = make("section", { class: "pace" }, make("h3", {}, "Speed"));
  if (speed.tokens_per_second_per_user) made.append(range(asked.users > 1 ? "tokens a second for each" : "tokens a second", speed.tokens_per_second_per_user, "", "at_most"));
  if (asked.users > 1 || !speed.tokens_per_second_per_user) made.append(range("tokens a second in all", speed.tokens_per_second, "", "at_most"));
  if (speed.ttft_ms) made.append(range("first token, a class", speed.ttft_ms, " ms", "at_least"));
  const told = [`${tokens(asked.users)} at once, prompts of ${tokens(asked.prompt)}, answers of ${tokens(asked.answer)}; binds: ${speed.binds}`];
  if (speed.running < asked.users - 0.5) told.push(`${tokens(Math.round(speed.running))} run at once, the others wait`);
  const cost = found.cost;
  if (cost) told.push(`$${digits(cost.usd_per_million_output_tokens)} a million output tokens, $${digits(cost.usd_per_million_input_tokens)} a million input tokens`);
  if (found.tokens_per_watt_hour) told.push(`${digits(found.tokens_per_watt_hour)} output tokens a watt-hour`);
  told.push(`${tokens(speed.basis.records)} measured, half of them within ${Math.round(100 * speed.basis.median_error)} % (${speed.basis.class})`);
  made.append(make("ul", { class: "told" }, told.map((line) => make("li", {}, line))));
  return made;
}

/** The machines to rent, with the price of their hour and its date. */
function machines(plan) {
  const rented = plan.machines;
  if (!rented) return null;
  const count = rented.count > 1 ? `${rented.count} × ` : "";
  const price = rented.price_hour_usd === null ? "no price known" : `$${rented.price_hour_usd.toFixed(2)} an hour`;
  const when = rented.price_hour_usd === null ? "" : rented.doubt ? ` (${rented.doubt})` : rented.as_of ? ` (${rented.price_kind}, ${rented.as_of})` : "";
  return make("p", { class: "rent" }, make("b", {}, price), ` ${count}${rented.machine} of ${rented.provider}${when}`);
}

function more(title, lines, open = false) {
  if (!lines.length) return null;
  return make("details", open ? { open: "" } : {}, make("summary", {}, title), make("ul", {}, lines.map((line) => make("li", {}, line))));
}

/** The sentence of a plan: the count comes first. */
export function headline(plan, model, gpu) {
  if (plan.gpu_count === null) return `${model} does not fit on ${gpu}: ${plan.reason ?? "no layout was found"}`;
  const safe = plan.verdict === "tight" && plan.safe_gpu_count !== null ? `; ${plan.safe_gpu_count} to be sure` : "";
  return `${plan.gpu_count} × ${gpu} for ${model} (${layout(plan.layout)}${safe})`;
}

const lever = (of) => (typeof of === "string" ? of : of.text ?? Object.values(of).filter((value) => typeof value !== "object").join(" "));

const rated = (plan) => plan.assumptions.tokens_per_second !== undefined || plan.assumptions.requests_per_second !== undefined;

/** One choice: the count on one kind of GPU, why, and what else would do. */
export function choice(plan, names) {
  const [model, gpu] = [names.model(plan.model), names.gpu(plan.gpu)];
  const card = make("article", { class: "choice" });
  const head = make("h2", {}, gpu);
  if (plan.gpu_count === null) {
    card.append(head, make("p", { class: "count does_not_fit" }, rated(plan) ? "no number does" : "does not fit"), make("p", {}, plan.reason ?? ""));
  } else {
    card.append(
      head,
      make("p", { class: "count" }, make("strong", {}, `${plan.gpu_count} ×`), ` ${layout(plan.layout)}`),
      machines(plan) ?? "",
      make("p", { class: plan.verdict }, words[plan.verdict], plan.verdict === "tight" && plan.safe_gpu_count ? `; ${plan.safe_gpu_count} to be sure` : ""),
    );
  }
  if (plan.tuned) {
    const set = Object.entries(plan.tuned.settings ?? {}).map(([key, value]) => `${key} ${value}`).join(", ");
    card.append(make("p", {}, `${plan.tuned.gpu_count} with ${set}`));
  }
  if (plan.speed?.verdict) {
    const rate = { meets: "surely reaches the speed asked for", close: "may reach the speed asked for", misses: "is too slow" };
    card.append(make("p", { class: plan.speed.verdict === "meets" ? "fits" : "does_not_fit" }, rate[plan.speed.verdict]));
  }
  if (plan.per_gpu) {
    card.append(make("p", { class: "hint" }, plan.stages ? "The fullest GPU, then stage by stage:" : "The fullest GPU:"), ...memory(plan.per_gpu, plan.band_bytes));
    if (plan.stages) card.append(stages(plan.stages));
    card.append(make("p", {}, `The cache would hold ${tokens(plan.kv_cache_tokens)} tokens: ${tokens(Number(plan.max_concurrent_requests.toFixed(1)))} requests of ` +
      `${tokens(plan.assumptions.context)} at once.`));
  }
  card.append(make("div", { class: "speed", "data-gpu": plan.gpu }));
  const counts = Object.entries(plan.context_counts ?? {});
  if (counts.length) card.append(make("p", {}, counts.map(([context, count]) => `${tokens(Number(context))}: ${count ?? "none"}`).join(" · ")));
  card.append(
    ...[
      more("Why not fewer", (plan.rejected ?? []).map((no) => `${no.gpu_count}: ${no.reason}`)),
      more("Also", (plan.alternatives ?? []).map((other) => `${other.gpu_count} (${other.kind ?? layout(other.layout)}): ${layout(other.layout)}` +
        `${other.per_gpu ? `, ${gib(other.per_gpu.free_bytes)} free a GPU` : ""}`)),
      more("What would make it smaller", (plan.levers ?? []).map(lever)),
      more("Note", plan.warnings ?? [], true),
      more("Assumed", [`engine ${plan.engine_profile ?? plan.engine}`, ...Object.entries(plan.assumptions).map(([key, value]) => `${key}: ${value}`)]),
    ].filter(Boolean),
  );
  card.setAttribute("aria-label", headline(plan, model, gpu));
  return card;
}

/** Rows of an answer to a question that is no plan (which GPU, what runs, memory). */
export function rows(answer, names) {
  const options = answer.options ?? answer.models;
  if (!options?.length) return null;
  const priced = options.some((row) => row.machines);
  const head = [answer.models ? "model" : "GPU", "count", ...(priced ? ["$ an hour", "machines"] : []), "layout"];
  const made = options.slice(0, 20).map((row) => {
    const count = row.gpu_count ?? answer.gpu_count;
    const fits = row.fits !== false && row.verdict !== "does_not_fit";
    const rented = row.machines;
    return make("tr", {},
      make("th", { scope: "row" }, row.model ? names.model(row.model) : names.gpu(row.gpu)),
      make("td", {}, fits && count ? `${count}${row.verdict === "tight" ? " (tight)" : ""}` : "no"),
      ...(priced ? [make("td", {}, rented?.price_hour_usd ? rented.price_hour_usd.toFixed(2) : "–"),
        make("td", {}, rented ? `${rented.count > 1 ? `${rented.count} × ` : ""}${rented.machine} of ${rented.provider}` : "–")] : []),
      make("td", {}, row.layout && fits ? layout(row.layout) : "–"));
  });
  return make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "List" },
    make("table", {}, make("thead", {}, make("tr", {}, head.map((text) => make("th", { scope: "col" }, text)))), make("tbody", {}, made)));
}

/** The answer as Markdown. */
export function markdown(plans, names) {
  return plans.map((plan) => {
    const lines = [`**${headline(plan, names.model(plan.model), names.gpu(plan.gpu))}**`, ""];
    if (plan.per_gpu) {
      lines.push("| the fullest GPU | GiB |", "| --- | ---: |");
      for (const [name, key] of [...PARTS, ["free", "free_bytes"]]) lines.push(`| ${name} | ${(plan.per_gpu[key] / GIB).toFixed(2)} |`);
      lines.push("");
    }
    for (const no of plan.rejected ?? []) lines.push(`- not ${no.gpu_count}: ${no.reason}`);
    lines.push(`- assumed: ${Object.entries(plan.assumptions).map(([key, value]) => `${key} ${value}`).join(", ")}`);
    return lines.join("\n");
  }).join("\n\n");
}
