// The tables and the clock of the inspection page, drawn from the answers of the admin API.
"use strict";

import { $, T, chip, count, filled, hintOf, isChinese, part, put, rows, time } from "./ui-kit.js";

// When the next open link expires.
export let soonestEnd = Infinity;

export function drawSessions({ sessions }) {
  const ends = sessions.filter(({ state }) => state === "open").map(({ expires }) => Date.parse(expires));
  soonestEnd = Math.min(Infinity, ...ends);
  rows("sessions", sessions, (session) => session.certify_id, (row, session) => {
    const open = session.state === "open";
    const live = open || session.state === "finished";
    const { forced } = session;
    time(row, "begun", session.begun);
    put(row, "until", open && `${T.until} ${session.expires.slice(11, 19)}`);
    put(row, "order", session.outer_order_no);
    put(row, "certify_id", session.certify_id);
    chip(row, "state", session.state, { open: "info", finished: verdictColour(session.sub_code) });
    put(row, "queried", session.queried && T.queried);
    put(row, "asks_for", isChinese ? session.asks_for_zh : session.asks_for);
    put(row, "result", result(session));
    put(row, "meaning", meaning(row, session.sub_code));
    put(row, "forced", forced && `${T.forced} ${result(forced)}`);
    for (const name of ["return_to", "callback_to"]) {
      put(row, name, session[name] && `${T[name]} ${session[name]}`);
      part(row, name).title = session[name] || "";
    }
    const link = part(row, "link");
    link.hidden = !open || !session.link;
    if (session.link) link.href = session.link;
    for (const name of ["finish", "cancel", "expire"]) part(row, name).hidden = !open;
    for (const name of ["choice", "force"]) part(row, name).hidden = !live;
    part(row, "lift").hidden = !forced;
  });
  count("n-open", sessions.filter((session) => session.state === "open").length);
  $("certify-ids").replaceChildren(...sessions.slice(0, 50).map((session) => new Option(session.outer_order_no, session.certify_id)));
}

// A session without a SubCode has no result: its colour is neutral.
function verdictColour(code) {
  if (!code) return "calm";
  return code === "200" || code === "210" ? "ok" : "bad";
}

function result({ sub_code: code, verify_score: score }) {
  return [code, typeof score === "number" ? score.toFixed(1) : ""].filter(Boolean).join(" · ");
}

// The meaning comes from the list of codes in the row.
function meaning(row, code) {
  const option = code && [...part(row, "sub_code").options].find((option) => option.value === code);
  return option && option.textContent.slice(code.length).trim();
}

export function drawJournal({ entries }) {
  rows("journal", entries, (entry) => entry.number, (row, entry) => {
    row.entry = entry;
    row.classList.toggle("refused", entry.refused);
    for (const name of ["number", "action", "status", "code", "signature", "certify_id"]) put(row, name, entry[name]);
    put(row, "hint", hintOf(entry));
    time(row, "at", entry.at);
    put(row, "what", T[entry.what] || entry.what);
    put(row, "order", entry.outer_order_no);
    put(row, "fault", entry.fault && faultWords(entry.fault));
    part(row, "why").hidden = !entry.refused;
  });
  count("n-refused", entries.filter((entry) => entry.refused).length, "bad");
  filterJournal();
}

export function filterJournal() {
  const show = $("journal-show").value;
  const words = $("journal-filter").value.trim().toLowerCase().split(/\s+/);
  const all = [...$("journal").rows];
  let seen = 0;
  for (const row of all) {
    const { entry } = row;
    const text = `${row.textContent} ${entry.request_id || ""}`.toLowerCase();
    row.hidden = (show === "refused" ? !entry.refused : show && entry.what !== show) || !words.every((word) => text.includes(word));
    if (!row.hidden) seen += 1;
  }
  $("journal-none").hidden = seen > 0 || all.length === 0;
}

export function drawCallbacks({ hold, callbacks }) {
  $("hold").checked = hold;
  rows("callbacks", callbacks, (callback) => callback.number, (row, callback) => {
    row.entry = callback;
    put(row, "number", callback.number);
    put(row, "certify_id", callback.certify_id);
    put(row, "kind", T[callback.kind] || callback.kind);
    chip(row, "state", callback.state, { held: "warn", waiting: "info", running: "info", delivered: "ok", failed: "bad" });
    time(row, "due", callback.due);
    put(row, "to", callback.to);
    part(row, "to").title = callback.to;
    part(row, "attempts").replaceChildren(...callback.attempts.map(({ at, status }) => {
      const item = document.createElement("li");
      item.textContent = `${at.slice(11, 19)} → ${status || T.no_answer}`;
      item.className = status === 200 ? "ok" : "bad";
      return item;
    }));
    part(row, "release").hidden = callback.state !== "held";
  });
  count("n-callbacks", callbacks.filter((callback) => callback.state !== "delivered").length, "warn");
}

export function drawFaults({ faults }) {
  rows("faults", faults.map((fault, at) => ({ ...fault, at })), (fault) => fault.at, (row, fault) => {
    put(row, "fault", faultWords(fault.fault));
    put(row, "meets", [fault.action, fault.certify_id, fault.order].filter(Boolean).join(" · ") || T.every_call);
    put(row, "probability", fault.probability ?? 1);
    put(row, "times", fault.times ?? T.always);
  });
  $("clear-faults").hidden = faults.length === 0;
  count("n-faults", faults.length, "warn");
}

// Describes a fault such as `{"latency":{"uniform":[1,2]}}` by the name of its option in the form.
function faultWords(fault) {
  let name = fault;
  let value = [];
  while (typeof name === "object") [name, value] = Object.entries(name)[0];
  if (name === "latency") {
    const [shape, numbers] = Object.entries(value)[0];
    name = `latency.${shape}`;
    value = numbers;
  }
  const option = [...$("fault-kind").options].find((option) => option.value === name);
  const unit = (option && option.dataset.unit) || "";
  const numbers = Object.entries(typeof value === "object" ? value : [value]).map(([what, number]) => (what === "sigma" ? `σ ${number}` : `${number} ${unit}`));
  return `${option ? option.textContent : name} ${numbers.join(", ")}`.trim();
}

export function faultOf(form) {
  const { kind, one, two, ...rest } = filled(form);
  const first = Number(one);
  const second = Number(two);
  const latency = {
    "latency.fixed": { fixed: first },
    "latency.uniform": { uniform: [first, second] },
    "latency.log_normal": { log_normal: { median: first, sigma: second } },
  }[kind];
  const fault = latency ? { latency } : one === undefined ? kind : { [kind]: first };
  for (const name of ["times", "probability"]) if (rest[name] !== undefined) rest[name] = Number(rest[name]);
  return { fault, ...rest };
}

// Shows the fields of the chosen fault. Disabled fields are neither validated nor sent.
export function faultFields() {
  const { dataset } = $("fault-kind").selectedOptions[0];
  for (const [field, name, value] of [["fault-one", dataset.one, dataset.first], ["fault-two", dataset.two, dataset.second]]) {
    $(`${field}-name`).textContent = name || "";
    $(field).value = value || "";
    $(field).disabled = $(field).parentElement.hidden = !name;
  }
}

let clock = null;

export function drawClock(told) {
  clock = { ...told, read: performance.now() };
  const frozen = told.rate === 0;
  const state = $("clock-state");
  state.textContent = frozen ? state.dataset.frozen : state.dataset.running + (told.rate === 1 ? "" : ` ×${told.rate}`);
  state.className = `chip ${frozen ? "info" : "ok"}`;
  if (document.activeElement !== $("clock-rate")) $("clock-rate").value = told.rate;
  if (!$("clock-set").value) $("clock-set").value = told.now.slice(0, 19);
  tick();
}

// Between two answers, the page extrapolates the clock.
export function tick() {
  if (!clock) return 0;
  const now = clock.now_millis + (performance.now() - clock.read) * clock.rate;
  const words = (shift) => new Date(now + shift).toISOString().slice(0, 19).replace("T", " ");
  $("clock-now").textContent = words(0);
  $("clock-now").dateTime = new Date(now).toISOString();
  // Shanghai is UTC+8 all year.
  $("clock-shanghai").textContent = words(8 * 3600e3);
  return now;
}
