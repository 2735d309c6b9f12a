// Helpers of the inspection page: the admin API, messages, rows and cells.
"use strict";

export const $ = (id) => document.getElementById(id);
export const part = (root, name) => root.querySelector(`[data-f="${name}"]`);
export const T = $("texts").dataset;

export const isChinese = document.documentElement.lang.startsWith("zh");

// The hint of a journal entry, in the language of the page.
export const hintOf = (entry) => (isChinese && entry.hint_zh) || entry.hint;

// ---- The admin API ----

export async function api(method, path, body) {
  const sent = body === undefined ? {} : {
    headers: { "content-type": "application/json" },
    body: typeof body === "string" ? body : JSON.stringify(body),
  };
  let answer;
  try {
    answer = await fetch(`/_emu/v1${path}`, { method, cache: "no-store", ...sent });
  } catch {
    throw failure(T.unreachable);
  }
  const text = await answer.text();
  let json = null;
  try {
    json = text && JSON.parse(text);
  } catch {
    // The status below reports it.
  }
  const said = json && ((isChinese && json.zh) || json);
  if (!answer.ok) throw failure((said && said.error) || `HTTP ${answer.status}`, said && said.hint, answer.status);
  return json;
}

export function failure(error, hint, status) {
  return Object.assign(new Error(error), { hint, status });
}

// ---- Messages ----

let quiet = 0;

export function tell(text, hint, kind) {
  const notice = $("notice");
  clearTimeout(quiet);
  put(notice, "error", text);
  put(notice, "hint", hint);
  notice.className = text ? kind || "good" : "";
  delete notice.dataset.down;
  // Errors stay until they are closed.
  if (text && !kind) quiet = setTimeout(tell, 8000, "");
}

export function complain(error) {
  if (!error.message) return;
  tell(error.message, error.hint, "wrong");
  if (error.message === T.unreachable) $("notice").dataset.down = "1";
}

export const words = (error) => [error.message, error.hint].filter(Boolean).join(" ");

// ---- Rows and cells ----

// Keeps existing rows, with their focus and unsent choices.
export function rows(name, list, idOf, fill) {
  const body = $(name);
  const kept = new Map([...body.rows].map((row) => [row.dataset.id, row]));
  const wanted = new Set(list.map((item) => String(idOf(item))));
  kept.forEach((row, id) => { if (!wanted.has(id)) row.remove(); });
  let next = body.firstElementChild;
  for (const item of list) {
    const id = String(idOf(item));
    const row = kept.get(id) || newRow(name, id);
    if (row === next) next = next.nextElementSibling;
    else body.insertBefore(row, next);
    const focused = row.contains(document.activeElement) ? document.activeElement : null;
    fill(row, item);
    // If this hid the focused button, its row has the focus, and not the page.
    if (focused && focused.closest("[hidden]")) {
      row.tabIndex = -1;
      row.focus();
    }
  }
  $(`${name}-empty`).hidden = list.length > 0;
  body.closest(".scroll").hidden = list.length === 0;
}

function newRow(name, id) {
  const row = $(`row-${name}`).content.firstElementChild.cloneNode(true);
  row.dataset.id = id;
  fillCodes(row);
  for (const control of row.querySelectorAll("a, button, select, input")) {
    control.setAttribute("aria-label", `${control.getAttribute("aria-label") || control.textContent} ${id}`);
  }
  return row;
}

// The page contains the list of SubCodes once.
export function fillCodes(root) {
  for (const select of root.querySelectorAll("[data-codes]")) select.append($("codes").content.cloneNode(true));
}

export function put(root, name, text) {
  const words = text === null || text === undefined || text === false ? "" : String(text);
  const cell = part(root, name);
  if (cell.textContent !== words) cell.textContent = words;
}

export function time(root, name, at) {
  put(root, name, at.slice(5, 19).replace("T", " "));
  part(root, name).dateTime = at;
}

export function chip(root, name, state, colours) {
  put(root, name, T[state] || state);
  part(root, name).className = `chip ${colours[state] || "calm"}`;
}

export function count(id, number, colour = "info") {
  $(id).textContent = number;
  $(id).parentElement.className = number ? colour : "";
}

export function filled(form) {
  return Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, value.trim()]).filter(([, value]) => value));
}
