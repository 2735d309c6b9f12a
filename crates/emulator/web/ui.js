// The inspection page: follows the events of the emulator, and handles buttons and forms.
"use strict";

import { $, T, api, complain, failure, fillCodes, filled, hintOf, part, put, tell, words } from "./ui-kit.js";
import { drawCallbacks, drawClock, drawFaults, drawJournal, drawSessions, faultFields, faultOf, filterJournal, soonestEnd, tick } from "./ui-draw.js";
import { openWhy, place } from "./ui-why.js";

// The parts of the page, by their name in the events.
const parts = {
  clock: { path: "/clock", draw: drawClock },
  sessions: { path: "/sessions", draw: drawSessions },
  journal: { path: "/journal", draw: drawJournal },
  callbacks: { path: "/callbacks", draw: drawCallbacks },
  faults: { path: "/faults", draw: drawFaults },
};

// ---- Buttons: `data-do` on the button, the id on the row ----

const actions = {
  "freeze": () => setClock({ rate: 0 }),
  "run": () => setClock({ rate: 1 }),
  "advance": (button) => setClock({ advance_seconds: Number(button.id.slice("advance-".length)) }),
  "new-session": () => newSession({}),
  "finish": (button, id, row) => onSession(id, "/submit", outcome(row)),
  "cancel": (button, id) => onSession(id, "/cancel", {}),
  "expire": (button, id) => onSession(id, "/expire", {}),
  "force": async (button, id, row) => {
    const forced = outcome(row);
    if (!forced.sub_code) {
      part(row, "sub_code").focus();
      throw failure(T.force_which);
    }
    await api("PATCH", `/sessions/${encodeURIComponent(id)}`, { forced });
    refresh("sessions");
  },
  "lift": async (button, id) => {
    await api("PATCH", `/sessions/${encodeURIComponent(id)}`, { forced: null });
    refresh("sessions");
  },
  "why": (button, id, row) => openWhy(row.entry),
  "show-refused": () => {
    $("journal-show").value = "refused";
    filterJournal();
  },
  "release": async (button, id) => {
    await api("POST", `/callbacks/${id}/release`, {});
    refresh("callbacks");
  },
  "again": (button, id, row) => callBack({ certify_id: row.entry.certify_id, kind: "duplicate" }),
  "forge": (button, id, row) => callBack({ certify_id: row.entry.certify_id, kind: "forged", sub_code: "200" }),
  "clear-faults": async () => {
    await api("DELETE", "/faults");
    refresh("faults");
    tell(T.done_faults);
  },
  "ask-reset": () => $("ask-reset").showModal(),
  "reset": async () => {
    $("ask-reset").close();
    await api("POST", "/reset", {});
    refreshAll();
    tell(T.done_reset);
  },
  "close-notice": () => tell(""),
};

// ---- Forms: `data-form` ----

const forms = {
  "rate": (form) => setClock({ rate: Number(form.elements.rate.value) }),
  // The field is in UTC, and omits seconds that are 0.
  "set-clock": (form) => setClock({ set: new Date(`${form.elements.at.value}Z`).toISOString().replace(".000Z", "Z") }),
  "new-session": (form) => newSession(filled(form)),
  "callback": (form) => callBack(filled(form)),
  "fault": async (form) => {
    drawFaults(await api("POST", "/faults", faultOf(form)));
    tell(T.done_fault);
  },
  "restore": async (form) => {
    const file = form.elements.file.files[0];
    if (!file) throw failure(T.no_file);
    await api("PUT", "/snapshot", await file.text());
    refreshAll();
    tell(T.done_restore);
  },
  "compare": async (form) => {
    const answer = $("why-answer");
    try {
      const found = await api("POST", `/journal/${form.dataset.number}/explain`, { string_to_sign: form.elements.own.value });
      const words = found.first_difference === null ? [T.same, hintOf(found)] : [hintOf(found), place(found, T.byte)];
      answer.textContent = words.filter(Boolean).join(" ");
    } catch (error) {
      answer.textContent = words(error);
    }
  },
};

async function setClock(change) {
  const clock = await api("PATCH", "/clock", change);
  drawClock(clock);
  tell(`${T.done_clock} ${clock.now.replace("T", " ").replace("Z", " UTC")}`);
}

async function newSession(wanted) {
  const session = await api("POST", "/sessions", wanted);
  await load("sessions");
  tell(T.done_session, session.certify_id);
}

async function onSession(id, verb, body) {
  await api("POST", `/sessions/${encodeURIComponent(id)}${verb}`, body);
  await load("sessions");
  refresh("callbacks");
}

async function callBack(wanted) {
  const callback = await api("POST", "/callbacks", wanted);
  await load("callbacks");
  tell(T.done_callback, `#${callback.number}`);
}

// The outcome chosen in a row. Without a choice, the magic identity decides.
function outcome(row) {
  const chosen = {};
  const score = part(row, "score");
  if (!score.reportValidity()) throw failure("");
  if (part(row, "sub_code").value) chosen.sub_code = part(row, "sub_code").value;
  if (score.value) chosen.verify_score = Number(score.value);
  return chosen;
}

// ---- Following the emulator ----

async function load(name) {
  const shown = parts[name];
  // One request at a time, so that an older answer never replaces a newer one.
  if (shown.busy) return refresh(name);
  shown.busy = true;
  try {
    shown.draw(await api("GET", shown.path));
  } catch (error) {
    complain(error);
  } finally {
    shown.busy = false;
  }
}

// At most five times a second.
function refresh(name) {
  const shown = parts[name];
  if (!shown || shown.due) return;
  shown.due = setTimeout(() => {
    shown.due = 0;
    load(name);
  }, 200);
}

function refreshAll() {
  Object.keys(parts).forEach(refresh);
}

async function loadInfo() {
  try {
    const info = await api("GET", "/info");
    for (const name of ["endpoint", "access_key_id", "version"]) put($("info"), name, info[name]);
    // JSON.parse would round a large number: the seed is a string.
    put($("info"), "seed", typeof info.seed === "string" || Number.isSafeInteger(info.seed) ? info.seed : "GET /_emu/v1/info");
    const ids = part($("info"), "ids");
    ids.textContent = info.accepts_any_id ? ids.dataset.any : ids.dataset.magic;
  } catch (error) {
    complain(error);
  }
}

function follow() {
  const events = new EventSource("/_emu/v1/events");
  const live = (on) => {
    $("live").textContent = on ? $("live").dataset.on : $("live").dataset.off;
    $("live").className = `chip ${on ? "ok" : "bad"}`;
  };
  events.addEventListener("open", () => {
    live(true);
    // Events were missed, and after a restart the state may be another one: reload everything.
    if ($("notice").dataset.down) tell("");
    loadInfo();
    Object.keys(parts).forEach(load);
  });
  events.addEventListener("changed", (event) => {
    const { what } = JSON.parse(event.data);
    // A slow client missed events: reload everything.
    if (what === "everything") refreshAll();
    else refresh(what);
  });
  events.addEventListener("error", () => {
    live(false);
    if (events.readyState === EventSource.CLOSED) setTimeout(follow, 2000);
  });
}

// ---- Input ----

// One request at a time per button or form: a double click sends once.
const busy = new WeakSet();

async function once(element, work) {
  if (busy.has(element)) return;
  busy.add(element);
  try {
    await work();
  } catch (error) {
    complain(error);
  } finally {
    busy.delete(element);
  }
}

function listen() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-do]");
    if (!button) return;
    const row = button.closest("tr");
    once(button, async () => actions[button.dataset.do](button, row && row.dataset.id, row));
  });
  document.addEventListener("submit", (event) => {
    const { form } = event.target.dataset;
    if (!form) return;
    event.preventDefault();
    once(event.target, async () => forms[form](event.target));
  });
  $("hold").addEventListener("change", ({ target }) => once(target, async () => {
    try {
      drawCallbacks(await api("PATCH", "/callbacks", { hold: target.checked }));
    } catch (error) {
      target.checked = !target.checked;
      throw error;
    }
  }));
  $("journal-show").addEventListener("change", filterJournal);
  $("journal-filter").addEventListener("input", filterJournal);
  $("fault-kind").addEventListener("change", faultFields);
  faultFields();
  fillCodes(document);
  setInterval(() => {
    // A link that expires by time causes no event.
    if (tick() >= soonestEnd) refresh("sessions");
  }, 250);
}

listen();
follow();
