"use strict";
/* Everything from the platform goes in as text, so nothing in a name is markup. Rows are kept by their key: what did not
   change is not touched, so that selections, focus and scrolling stay where they are. */
const SPAN = 120;
const NUMBERS = new Set(["in_flight", "count", "current", "wanted"]);
const WIDE = new Set(["name", "about"]);
const TIGHT = new Set(["namespace", "ready", "phase", "time", "type", "node", "reason"]);
const TABLES = [
  ["services", "InferenceServices", ["namespace", "name", "ready", "reason", "message", "url"]],
  ["autoscalers", "Horizontal autoscalers", ["namespace", "name", "metrics", "current", "wanted", "bounds"]],
  ["pods", "Pods", ["namespace", "name", "phase", "ready", "in_flight", "node", "devices", "why"]],
  ["nodes", "Nodes", ["name", "ready", "pods", "cpu", "memory", "accelerators"]],
  ["events", "Events", ["time", "type", "about", "reason", "message", "count"]],
];
const HEADS = {in_flight: "in flight", why: "why not", wanted: "desired"};
const COLOURS = {
  true: "good", True: "good", Running: "good", Ready: "good", Succeeded: "good",
  false: "bad", False: "bad", Warning: "bad", Failed: "bad", NotReady: "bad",
  Pending: "warn", Terminating: "warn", Unknown: "warn", SchedulingDisabled: "warn",
};
const COLOURED = new Set(["ready", "phase", "type"]);
const THEMES = ["system", "light", "dark"];
const SVG = "http://www.w3.org/2000/svg";
const byId = (id) => document.getElementById(id);
const main = byId("main");
const sections = {};
const cards = new Map();
let paused = false;
let latest = null;

function make(tag, parent, text, className) {
  const element = parent.appendChild(document.createElement(tag));
  if (text !== undefined) element.textContent = text;
  if (className) element.className = className;
  return element;
}

function write(node, text, className) {
  if (node.textContent !== text) node.textContent = text;
  if (className !== undefined && node.className !== className) node.className = className;
}

function section(key, title) {
  const box = make("section", main);
  const heading = make("h2", box, title);
  heading.id = key;
  box.setAttribute("aria-labelledby", key);
  const link = make("a", byId("counts"), title);
  link.href = "#" + key;
  const empty = make("div", box, "none", "empty");
  sections[key] = {box, heading, link, title, empty};
  return box;
}

function build() {
  for (const [key, title, columns] of TABLES) {
    if (key === "pods") {
      const box = section("revisions", "Revisions");
      sections.revisions.grid = make("div", box, undefined, "cards");
    }
    const box = section(key, title);
    const scroll = make("div", box, undefined, "scroll");
    scroll.tabIndex = 0;
    scroll.setAttribute("role", "region");
    scroll.setAttribute("aria-labelledby", key);
    const table = make("table", scroll);
    const row = make("tr", make("thead", table));
    for (const column of columns) {
      const cell = make("th", row, HEADS[column] || column, NUMBERS.has(column) ? "number" : "");
      cell.scope = "col";
    }
    Object.assign(sections[key], {scroll, body: make("tbody", table), rows: new Map(), columns});
  }
}

function textOf(value) {
  if (value === null || value === undefined) return "";
  if (value === true) return "yes";
  if (value === false) return "no";
  return String(value);
}

function classOf(column, value) {
  const colour = COLOURED.has(column) ? COLOURS[value] || "" : "";
  const shape = NUMBERS.has(column) ? "number" : TIGHT.has(column) ? "tight" : WIDE.has(column) ? column : "";
  return [shape, colour].filter(Boolean).join(" ");
}

function fill(cell, column, value) {
  if (value === null || typeof value !== "object") {
    write(cell, textOf(value), classOf(column, value));
    return;
  }
  // A share of a node: {used, all, text}.
  if (!cell.firstElementChild) {
    const meter = make("meter", cell);
    meter.setAttribute("aria-hidden", "true");
    cell.append(" ");
    make("span", cell);
  }
  const [meter, text] = cell.children;
  meter.max = Math.max(value.all, 1e-9);
  meter.value = value.used;
  meter.hidden = !value.all;
  write(text, value.text);
}

function matches(entry, words) {
  if (!words) return true;
  return Object.values(entry).some((value) => typeof value === "string" && value.toLowerCase().includes(words));
}

function keyOf(entry) {
  return entry.key || `${entry.namespace || ""}/${entry.name}`;
}

function update(key, entries, first) {
  const part = sections[key];
  const seen = new Set();
  let place = null;
  for (const entry of entries) {
    const id = keyOf(entry);
    seen.add(id);
    let row = part.rows.get(id);
    if (!row) {
      row = document.createElement("tr");
      for (let index = 0; index < part.columns.length; index += 1) make("td", row);
      part.rows.set(id, row);
      if (!first && key === "events") row.className = "fresh";
    } else if (row.className) {
      row.className = "";
    }
    part.columns.forEach((column, index) => fill(row.cells[index], column, entry[column]));
    const next = place ? place.nextSibling : part.body.firstChild;
    if (next !== row) part.body.insertBefore(row, next);
    place = row;
  }
  for (const [id, row] of part.rows) {
    if (!seen.has(id)) {
      row.remove();
      part.rows.delete(id);
    }
  }
}

function card(entry) {
  const box = make("article", sections.revisions.grid, undefined, "card");
  const parts = {box, title: make("h3", box), where: make("div", box, undefined, "where"), values: {}};
  const list = make("dl", box);
  for (const name of ["pods", "in flight", "mode", "metric", "stable mean", "panic mean"]) {
    const pair = make("div", list, undefined, "pair");
    make("dt", pair, name);
    parts.values[name] = make("dd", pair);
  }
  parts.svg = box.appendChild(document.createElementNS(SVG, "svg"));
  parts.svg.setAttribute("viewBox", `0 0 ${SPAN} 40`);
  parts.svg.setAttribute("preserveAspectRatio", "none");
  parts.svg.setAttribute("role", "img");
  for (const [tag, name] of [["polygon", "ready"], ["polyline", "desired"], ["polyline", "flying"]]) {
    const line = parts.svg.appendChild(document.createElementNS(SVG, tag));
    line.setAttribute("class", name);
    parts[name] = line;
  }
  const legend = make("div", box, undefined, "legend");
  parts.scaled = make("span", legend, "", "scaled");
  parts.flown = make("span", legend, "", "flown");
  cards.set(keyOf(entry), parts);
  return parts;
}

function line(samples, field, top) {
  const start = SPAN - samples.length;
  return samples.map((sample, index) => `${start + index + 1},${(39 - (36 * sample[field]) / top).toFixed(2)}`);
}

function draw(parts, entry) {
  const samples = entry.history.map(([ready, desired, flying]) => ({ready, desired, flying}));
  const top = Math.max(1, ...samples.map((sample) => Math.max(sample.ready, sample.desired)));
  const most = Math.max(1, ...samples.map((sample) => sample.flying));
  const area = line(samples, "ready", top);
  const first = SPAN - samples.length + 1;
  parts.ready.setAttribute("points", samples.length ? `${first},39 ${area.join(" ")} ${SPAN},39` : "");
  parts.desired.setAttribute("points", line(samples, "desired", top).join(" "));
  parts.flying.setAttribute("points", line(samples, "flying", most).join(" "));
  write(parts.scaled, `area: ready pods, line: desired, up to ${top}`);
  write(parts.flown, `in flight, up to ${most}`);
  const text = `Last ${samples.length} seconds: ready ${entry.ready ?? 0}, desired ${entry.desired ?? 0}`;
  parts.svg.setAttribute("aria-label", text);
}

function updateCards(entries) {
  const seen = new Set();
  for (const entry of entries) {
    seen.add(keyOf(entry));
    const parts = cards.get(keyOf(entry)) || card(entry);
    const values = parts.values;
    write(parts.title, entry.name);
    write(parts.where, `${entry.namespace} · ${entry.path === "direct" ? "straight to its pods" : "through the activator"}`);
    write(values.pods, `${entry.ready ?? 0} of ${entry.desired ?? "?"}`, "big");
    write(values["in flight"], entry.buffered ? `${entry.in_flight} (${entry.buffered} held)` : String(entry.in_flight), "big");
    write(values.mode, entry.panicking ? "panic" : entry.active === "True" ? "stable" : "idle", entry.panicking ? "bad" : "");
    write(values.metric, entry.metric ? `${entry.metric}, target ${entry.target}` : "");
    write(values["stable mean"], textOf(entry.stable));
    write(values["panic mean"], textOf(entry.panic));
    draw(parts, entry);
  }
  for (const [id, parts] of cards) {
    if (!seen.has(id)) {
      parts.box.remove();
      cards.delete(id);
    }
  }
}

function show(state) {
  const first = byId("now").textContent === "";
  const words = byId("filter").value.trim().toLowerCase();
  write(byId("now"), state.now);
  byId("fault").hidden = !state.fault;
  write(byId("fault"), state.fault ? `broken on purpose: ${state.fault}` : "");
  for (const key of Object.keys(sections)) {
    const part = sections[key];
    const chosen = state[key].filter((entry) => matches(entry, words));
    const all = state.totals[key] ?? state[key].length;
    const partly = words || chosen.length < all;
    write(part.heading, partly ? `${part.title} (${chosen.length} of ${all})` : `${part.title} (${all})`);
    write(part.link, `${part.title} ${chosen.length}`);
    part.empty.hidden = chosen.length > 0;
    if (part.scroll) part.scroll.hidden = chosen.length === 0;
    if (key === "revisions") updateCards(chosen);
    else update(key, chosen, first);
  }
  sections.autoscalers.box.hidden = state.autoscalers.length === 0;
  sections.autoscalers.link.hidden = state.autoscalers.length === 0;
}

function say(text, className) {
  write(byId("state"), text, `state ${className}`);
}

async function poll() {
  if (!paused) {
    try {
      const answer = await fetch("state", {cache: "no-store"});
      if (!answer.ok) throw new Error(String(answer.status));
      latest = await answer.json();
      if (!paused) {
        show(latest);
        say("live", "live");
      }
    } catch {
      say("the platform does not answer", "lost");
    }
  }
  setTimeout(poll, 1000);
}

function pause() {
  paused = !paused;
  byId("pause").setAttribute("aria-pressed", String(paused));
  if (paused) say("paused", "");
}

function theme(next) {
  if (next === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = next;
  write(byId("theme"), `Theme: ${next}`);
}

byId("pause").addEventListener("click", pause);
byId("theme").addEventListener("click", () => {
  const now = document.documentElement.dataset.theme || "system";
  theme(THEMES[(THEMES.indexOf(now) + 1) % THEMES.length]);
});
byId("filter").addEventListener("input", () => latest && show(latest));
document.addEventListener("keydown", (event) => {
  const typing = event.target === byId("filter");
  if (event.key === "Escape" && typing) {
    byId("filter").value = "";
    byId("filter").blur();
    if (latest) show(latest);
  }
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "/") {
    event.preventDefault();
    byId("filter").focus();
  } else if (event.key === "p") {
    pause();
  } else if (event.key === "t") {
    byId("theme").click();
  }
});
build();
poll();
