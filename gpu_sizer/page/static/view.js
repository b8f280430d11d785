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

/** The memory of one GPU as a bar with its numbers. */
function memory(gpu, band) {
  const used = PARTS.reduce((sum, [, key]) => sum + gpu[key], 0);
  const whole = Math.max(gpu.budget_bytes, used);
  const told = PARTS.map(([name, key]) => `${name} ${gib(gpu[key])}`).join(", ");
  const bar = make("div", { class: "bar", role: "img", "aria-label": `Of ${gib(gpu.budget_bytes)} usable: ${told}, free ${gib(gpu.free_bytes)}` });
  for (const [, key, kind] of PARTS) {
    const part = make("span", { class: kind });
    part.style.width = `${(100 * gpu[key]) / whole}%`;
    bar.append(part);
  }
  const rows = PARTS.map(([name, key, kind]) => make("li", {}, make("i", { class: kind }), name, make("b", {}, gib(gpu[key]))));
  const room = `${gib(gpu.free_bytes)}${band ? ` ± ${gib(band)}` : ""}`;
  rows.push(make("li", {}, make("i", { class: "free" }), gpu.free_bytes < 0 ? "missing" : "free", make("b", {}, room)));
  return [bar, make("ul", { class: "legend" }, rows)];
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

/** One choice: the count on one kind of GPU, why, and what else would do. */
export function choice(plan, names) {
  const [model, gpu] = [names.model(plan.model), names.gpu(plan.gpu)];
  const card = make("article", { class: "choice" });
  const head = make("h2", {}, gpu);
  if (plan.gpu_count === null) {
    card.append(head, make("p", { class: "count does_not_fit" }, "does not fit"), make("p", {}, plan.reason ?? ""));
  } else {
    card.append(
      head,
      make("p", { class: "count" }, make("strong", {}, `${plan.gpu_count} ×`), ` ${layout(plan.layout)}`),
      make("p", { class: plan.verdict }, words[plan.verdict], plan.verdict === "tight" && plan.safe_gpu_count ? `; ${plan.safe_gpu_count} to be sure` : ""),
    );
  }
  if (plan.tuned) {
    const set = Object.entries(plan.tuned.settings ?? {}).map(([key, value]) => `${key} ${value}`).join(", ");
    card.append(make("p", {}, `${plan.tuned.gpu_count} with ${set}`));
  }
  if (plan.per_gpu) {
    card.append(make("p", { class: "hint" }, "The fullest GPU:"), ...memory(plan.per_gpu, plan.band_bytes));
    card.append(make("p", {}, `The cache would hold ${tokens(plan.kv_cache_tokens)} tokens: ${plan.max_concurrent_requests} requests of ` +
      `${tokens(plan.assumptions.context)} at once.`));
  }
  const counts = Object.entries(plan.context_counts ?? {});
  if (counts.length) card.append(make("p", {}, counts.map(([context, count]) => `${tokens(Number(context))}: ${count ?? "none"}`).join(" · ")));
  card.append(
    ...[
      more("Why not fewer", (plan.rejected ?? []).map((no) => `${no.gpu_count}: ${no.reason}`)),
      more("Also", (plan.alternatives ?? []).map((other) => `${other.gpu_count} (${other.kind ?? layout(other.layout)}): ${layout(other.layout)}` +
        `${other.per_gpu ? `, ${gib(other.per_gpu.free_bytes)} free a GPU` : ""}`)),
      more("Note", plan.warnings ?? [], true),
      more("Assumed", [`engine ${plan.engine_profile ?? plan.engine}`, ...Object.entries(plan.assumptions).map(([key, value]) => `${key}: ${value}`)]),
    ].filter(Boolean),
  );
  card.setAttribute("aria-label", headline(plan, model, gpu));
  return card;
}

/** Rows of an answer to a question that is no plan (which GPU, what runs, memory). */
export function rows(answer) {
  const options = answer.options ?? answer.models;
  if (!options?.length) return null;
  return make("ul", {}, options.slice(0, 20).map((row) => {
    const count = row.gpu_count ?? answer.gpu_count;
    const told = row.fits === false || row.verdict === "does_not_fit" ? "does not fit" : row.layout ? layout(row.layout) : row.verdict ?? "";
    return make("li", {}, `${row.model ?? row.gpu}${count ? `: ${count}` : ""}${told ? ` (${told})` : ""}`);
  }));
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
