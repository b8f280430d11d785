// Answers as elements. What is said comes in blocks from the program (gpu_sizer/words); here they are drawn. Text from cards
// and questions is set as text, never as HTML.

export const GIB = 2 ** 30;
/** What fills a stage, by the keys of the JSON; the kinds are the first words of the names that blocks of memory have. */
const PARTS = [
  ["weights", "weights_bytes"],
  ["KV cache", "kv_cache_bytes"],
  ["activations", "activation_bytes"],
  ["overhead", "overhead_bytes"],
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
const kind = (name) => name.split(" ")[0].toLowerCase();

/** What fills one GPU as a bar; `parts` are names and bytes. */
function filled(parts, budget, free, which = "") {
  const whole = Math.max(budget, parts.reduce((sum, [, size]) => sum + size, 0));
  const told = parts.map(([name, size]) => `${name} ${gib(size)}`).join(", ");
  const bar = make("div", { class: "bar", role: "img", "aria-label": `${which}Of ${gib(budget)} usable: ${told}, free ${gib(free)}` });
  for (const [name, size] of parts) {
    const part = make("span", { class: kind(name) });
    part.style.width = `${(100 * size) / whole}%`;
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
    const parts = PARTS.map(([name, key]) => [name, stage[key]]);
    return make("div", {}, make("span", {}, which), filled(parts, stage.budget_bytes, stage.free_bytes, `${which}. `),
      make("span", {}, `${gib(stage.free_bytes)} free`));
  }));
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

/** How fast a plan's layout is, as ranges, and what that rests on; a sentence where it is not known. */
export function pace(found) {
  if (found.error) return make("p", { class: "hint" }, `Speed: ${found.error}.`);
  const speed = found.speed;
  if (!speed) return null;
  const many = found.assumptions.users > 1;
  const made = make("section", { class: "pace" }, make("h3", {}, "Speed"));
  if (speed.tokens_per_second_per_user) made.append(range(many ? "tokens a second for each" : "tokens a second", speed.tokens_per_second_per_user, "", "at_most"));
  if (many || !speed.tokens_per_second_per_user) made.append(range("tokens a second in all", speed.tokens_per_second, "", "at_most"));
  if (speed.ttft_ms) made.append(range("first token, a class", speed.ttft_ms, " ms", "at_least"));
  // The ranges above are its rows; what was assumed stands with the count.
  const rest = found.words.blocks.filter((block) => block.kind === "paragraph" && block.tone !== "dim");
  made.append(make("details", {}, make("summary", {}, "What this rests on, and what it costs"), ...blocks(rest)));
  return made;
}

/** Blocks that stand below a title are opened by a click; these at once, for they ask to be acted on. */
const OPEN = /^What would/;
const COMMAND = /^gpu-sizer \w/;

function titled(block, content) {
  return block.title ? make("details", OPEN.test(block.title) ? { open: "" } : {}, make("summary", {}, block.title), content) : content;
}

const DRAWN = {
  paragraph: (block) => titled(block, block.title
    ? make("ul", {}, block.lines.map((line) => make("li", {}, line)))
    : make("div", { class: block.tone === "plain" ? "said" : block.tone }, block.lines.map((line) => make("p", {}, line)))),
  pairs: (block) => titled(block, make("dl", {}, block.rows.map(([label, said]) => make("div", {}, make("dt", {}, label), make("dd", {}, COMMAND.test(said) ? make("code", {}, said) : said))))),
  memory(block) {
    const [left, size] = block.left;
    const rows = block.parts.map(([name, bytes]) => make("li", {}, make("i", { class: kind(name) }), name, make("b", {}, gib(bytes))));
    rows.push(make("li", {}, make("i", { class: "free" }), left, make("b", {}, `${gib(size)} ± ${gib(block.band_bytes)}`)));
    const bar = filled(block.parts, block.budget_bytes, left === "free" ? size : -size);
    return make("div", {}, make("p", { class: "hint" }, block.title), bar, make("ul", { class: "legend" }, rows));
  },
  table(block) {
    const side = (i) => (block.columns[i].right ? { class: "right" } : {});
    const head = make("tr", {}, block.columns.map((column, i) => make("th", { scope: "col", ...side(i) }, column.title)));
    const rows = block.rows.map((row) => make("tr", {}, row.map((cell, i) => make(i ? "td" : "th", { ...(i ? {} : { scope: "row" }), ...side(i) }, cell))));
    return make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "List" },
      make("table", {}, make("thead", {}, head), make("tbody", {}, rows)));
  },
};

/** Blocks with those that stand close below them. */
function groups(all) {
  const made = [];
  for (const block of all) {
    const drawn = DRAWN[block.kind](block);
    const last = made.at(-1);
    if (!block.close || !last) made.push({ block, drawn });
    else if (last.drawn.tagName === "DETAILS") last.drawn.append(drawn);
    else made.push({ block: last.block, drawn });
  }
  return made;
}

/** What stands below a headline. */
export function blocks(all) {
  return groups(all).map(({ drawn }) => drawn);
}

/** One choice: the count on one kind of GPU, and what it rests on. `led` says that its sentence stands above already. */
export function choice(plan, names, led = false) {
  const card = make("article", { class: "choice", "aria-label": plan.words.headline });
  const gpu = names.gpu(plan.gpu);
  card.append(plan.gpu_count === null
    ? make("h2", { class: "count does_not_fit" }, `${gpu}: no number does`)
    : make("h2", { class: "count" }, make("strong", {}, `${plan.gpu_count} ×`), ` ${gpu}`));
  if (!led) card.append(make("p", { class: plan.words.verdict }, plan.words.headline));
  const speed = make("div", { class: "speed", "data-gpu": plan.gpu });
  for (const { block, drawn } of groups(plan.words.blocks)) {
    // What was assumed stands last.
    if (block.tone === "dim" && !speed.parentNode && card.querySelector(".bar")) card.append(speed);
    card.append(drawn);
    if (block.kind === "memory" && plan.stages && drawn.querySelector(".bar")) card.append(stages(plan.stages));
  }
  if (!speed.parentNode) card.append(speed);
  return card;
}

const cell = (text) => text.replaceAll("|", "\\|");

const MARKDOWN = {
  paragraph: (block) => [...(block.title ? [`**${block.title}**`, ""] : []), ...block.lines.map((line) => (block.title ? `- ${line}` : `${line}  `))],
  pairs: (block) => [...(block.title ? [`**${block.title}**`, ""] : []), ...block.rows.map(([label, said]) => `- ${label}: ${said}`)],
  memory: (block) => [`| ${cell(block.title)} | GiB |`, "| --- | ---: |",
    ...[...block.parts, block.left].map(([name, size]) => `| ${name} | ${(size / GIB).toFixed(2)} |`)],
  table: (block) => [`| ${block.columns.map((column) => cell(column.title)).join(" | ")} |`,
    `| ${block.columns.map((column) => (column.right ? "---:" : "---")).join(" | ")} |`, ...block.rows.map((row) => `| ${row.map(cell).join(" | ")} |`)],
};

/** Models and GPUs as a table of counts; each count leads to its answer. */
export function counts(rows, gpus, names, link) {
  const cells = ({ model, found }) => found.map((plan, i) => {
    const fits = !plan.error && plan.gpu_count !== null;
    const text = plan.error ? "?" : fits ? `${plan.gpu_count}${plan.verdict === "tight" ? " (tight)" : ""}` : "no";
    return make("td", {}, make("a", { href: link(model, gpus[i]), target: "_top", title: plan.error ?? plan.reason }, text));
  });
  return make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Models and GPUs" },
    make("table", {},
      make("thead", {}, make("tr", {}, ["model", ...gpus.map(names.gpu)].map((text) => make("th", { scope: "col" }, text)))),
      make("tbody", {}, rows.map((row) => make("tr", {}, make("th", { scope: "row" }, names.model(row.model)), cells(row))))));
}

/** An answer in words as Markdown. */
export function markdown(words) {
  return [`**${words.headline}**`, ...words.blocks.flatMap((block) => ["", ...MARKDOWN[block.kind](block)])].join("\n");
}
