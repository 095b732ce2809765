"use strict";
(function () {
const root = document.documentElement;
root.classList.add("scripted");
let stored = null;
try { stored = localStorage.getItem("huntbook-theme"); } catch (e) { /* a file may have no storage */ }
if (stored === "light" || stored === "dark") root.dataset.theme = stored;

document.addEventListener("DOMContentLoaded", function () {
const $ = (selector, from) => (from || document).querySelector(selector);
const $$ = (selector, from) => Array.from((from || document).querySelectorAll(selector));

// Theme: what the system prefers, until the reader chooses.
const button = $("#theme");
const prefersDark = matchMedia("(prefers-color-scheme: dark)");
const isDark = () => (root.dataset.theme || (prefersDark.matches ? "dark" : "light")) === "dark";
const label = () => { button.textContent = isDark() ? "Light theme" : "Dark theme"; };
button.addEventListener("click", function () {
  root.dataset.theme = isDark() ? "light" : "dark";
  try { localStorage.setItem("huntbook-theme", root.dataset.theme); } catch (e) { /* not kept, then */ }
  label();
});
prefersDark.addEventListener("change", label);
label();

// The rows of all states, and what each is compared with.
const rows = $$("tr[data-state]").map(tr => ({
  tr: tr, state: tr.dataset.state, level: tr.dataset.level, tactics: tr.dataset.tactics,
  tech: tr.dataset.tech, hosts: tr.dataset.hosts,
  text: (tr.textContent + " " + tr.dataset.s).toLowerCase(),
}));
const hostIndex = new Map($$("a[data-key=host]").map((a, i) => [a.dataset.value, i]));
const form = $("#filter"), q = form.elements.q, table = $("#fired");
const keys = ["q", "level", "tactic", "technique", "host", "state", "sort", "dir"];
const filters = keys.slice(0, 6);
let want = {};

// The filter lives in the address, so that a view can be sent to a colleague:
// index.html#q=…&level=high,critical&tactic=…&technique=…&host=…&state=…
function fromHash() {
  const hash = location.hash.slice(1);
  if (hash && !hash.includes("=")) return false;
  const params = new URLSearchParams(hash);
  want = {};
  for (const key of keys) if (params.get(key)) want[key] = params.get(key);
  return true;
}
function toHash() {
  const params = new URLSearchParams();
  for (const key of keys) if (want[key]) params.set(key, want[key]);
  const text = params.toString().replaceAll("%2C", ",");
  try {
    history.replaceState(null, "", text ? "#" + text : location.pathname + location.search);
  } catch (e) { /* in a frame the address may not be ours to change */ }
}

function fits(row, words, level, host) {
  return words.every(w => row.text.includes(w)) &&
    (!level.length || level.includes(row.level)) &&
    (!want.tactic || row.tactics.includes(" " + want.tactic + " ")) &&
    (!want.technique || row.tech.includes(" " + want.technique + " ") || row.tech.includes(" " + want.technique + ".")) &&
    (!want.host || (host !== undefined && row.hosts.includes(" " + host + " "))) &&
    (!want.state || row.state === want.state);
}

function apply() {
  const words = (want.q || "").toLowerCase().split(/\s+/).filter(Boolean);
  const level = (want.level || "").split(",").filter(Boolean);
  const host = hostIndex.get(want.host);
  const filtered = filters.some(key => want[key]);
  const all = {}, fit = {};
  for (const row of rows) {
    const ok = fits(row, words, level, host);
    row.tr.hidden = !ok;
    all[row.state] = (all[row.state] || 0) + 1;
    if (ok) fit[row.state] = (fit[row.state] || 0) + 1;
  }
  for (const list of $$("details.list")) {
    const state = list.dataset.of, summary = $("summary", list);
    summary.dataset.text = summary.dataset.text || summary.textContent;
    summary.textContent = summary.dataset.text + (filtered ? " (" + (fit[state] || 0) + " fit the filter)" : "");
    if (want.state === state) list.open = true;
    for (const group of $$(".group", list)) group.hidden = !$("tr[data-state]:not([hidden])", group);
  }
  const none = $(".none");
  if (none) {
    none.hidden = (fit.fired || 0) > 0;
    table.hidden = !none.hidden;
  }
  const count = n => (n || 0).toLocaleString("en");
  $("#shown").textContent = filtered ?
    ["fired", "quiet", "failed", "skipped"].filter(s => all[s]).map(s => count(fit[s]) + " of " + count(all[s]) + " " + s).join(" · ") : "";

  if (q.value !== (want.q || "")) q.value = want.q || "";
  for (const box of $$("input[name=level]", form)) box.checked = level.includes(box.value);
  form.elements.tactic.value = want.tactic || "";
  form.elements.state.value = want.state || "";
  $("#tags").replaceChildren(...["technique", "host"].filter(key => want[key]).map(function (key) {
    const tag = document.createElement("button");
    tag.type = "button";
    tag.textContent = key + ": " + want[key] + " ✕";
    tag.setAttribute("aria-label", "Remove the filter " + key + " " + want[key]);
    tag.addEventListener("click", () => set(key, ""));
    return tag;
  }));
  sort();
}

function set(key, value) {
  if (value) want[key] = value; else delete want[key];
  toHash();
  apply();
}

// Sorting: the order of the page is by level, then count.
const original = table ? $$("tbody tr", table) : [];
function sort() {
  if (!table) return;
  const heads = $$("th[data-sort]", table);
  for (const th of heads) th.removeAttribute("aria-sort");
  const head = heads.find(th => th.dataset.sort === want.sort);
  const body = $("tbody", table);
  if (!head) {
    if (body.dataset.sorted) body.append(...original);
    delete body.dataset.sorted;
    return;
  }
  const column = head.cellIndex, down = want.dir === "desc";
  const value = tr => {
    const cell = tr.cells[column];
    return cell.dataset.v === undefined ? cell.textContent.trim() : Number(cell.dataset.v);
  };
  const keyed = original.map(tr => [value(tr), tr]);
  keyed.sort(([a], [b]) => (typeof a === "string" ? a.localeCompare(b, "en") : a - b) * (down ? -1 : 1));
  body.append(...keyed.map(pair => pair[1]));
  body.dataset.sorted = want.sort;
  head.setAttribute("aria-sort", down ? "descending" : "ascending");
}
if (table) for (const th of $$("th[data-sort]", table)) {
  const by = document.createElement("button");
  by.type = "button";
  by.textContent = th.textContent;
  th.replaceChildren(by);
  by.addEventListener("click", function () {
    const key = th.dataset.sort, first = key === "count" || key === "hosts" || key === "last" ? "desc" : "asc";
    if (want.sort !== key) { want.sort = key; want.dir = first; }
    else if (want.dir === first) want.dir = first === "asc" ? "desc" : "asc";
    else { delete want.sort; delete want.dir; }
    toHash();
    sort();
  });
}

let waiting = 0;
q.addEventListener("input", function () {
  clearTimeout(waiting);
  waiting = setTimeout(() => set("q", q.value.trim()), 80);
});
form.addEventListener("change", function (event) {
  const field = event.target;
  if (field.name === "level") set("level", $$("input[name=level]:checked", form).map(box => box.value).join(","));
  else if (field.name === "tactic" || field.name === "state") set(field.name, field.value);
});
form.addEventListener("submit", event => event.preventDefault());
form.addEventListener("reset", function (event) {
  event.preventDefault();
  for (const key of filters) delete want[key];
  toHash();
  apply();
});
// A level, tactic, technique or host anywhere on the page is a filter.
document.addEventListener("click", function (event) {
  const link = event.target.closest("a[data-key]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const { key, value } = link.dataset;
  set(key, want[key] === value ? "" : value);
  if (want[key] && !link.closest("#findings")) $("#findings").scrollIntoView();
});
document.addEventListener("keydown", function (event) {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) return;
  event.preventDefault();
  q.focus();
});
addEventListener("hashchange", function () { if (fromHash()) apply(); });
if (fromHash()) {
  apply();
  if (filters.some(key => want[key])) $("#findings").scrollIntoView({ behavior: "instant" });
}
});
})();
