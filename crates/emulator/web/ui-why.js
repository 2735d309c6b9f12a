// The dialog that explains a refused call, with the strings to sign.
"use strict";

import { $, T, api, hintOf, part, put, words } from "./ui-kit.js";

export async function openWhy(entry) {
  const dialog = $("why");
  for (const name of ["action", "code"]) put(dialog, name, entry[name]);
  put(dialog, "number", `#${entry.number}`);
  put(dialog, "status", `HTTP ${entry.status}`);
  put(dialog, "hint", hintOf(entry));
  put(dialog, "where", "");
  $("why-answer").textContent = "";
  const form = dialog.querySelector("[data-form]");
  form.reset();
  form.dataset.number = entry.number;
  for (const shown of dialog.querySelectorAll("[data-part]")) shown.hidden = true;
  if (!dialog.open) dialog.showModal();
  try {
    const found = await api("GET", `/journal/${entry.number}/explain`);
    if (form.dataset.number !== String(entry.number)) return;
    put(dialog, "hint", hintOf(found));
    put(dialog, "where", place(found, ""));
    for (const name of ["server", "candidate"]) {
      const text = found[name];
      const shown = dialog.querySelector(`[data-part="${name}"]`);
      shown.hidden = typeof text !== "string";
      if (!shown.hidden) mark(part(shown, name), text, found.first_difference);
    }
    form.hidden = false;
  } catch (error) {
    // 404: the call was not refused for its signature.
    put(dialog, "where", error.status === 404 ? T.no_explain : words(error));
  }
}

export function place(found, unit) {
  return [
    found.in && `${T.parameter}: ${found.in}.`,
    found.first_difference !== null && `${T.first_diff} ${unit} ${found.first_difference}.`.replace(/ +/g, " "),
  ].filter(Boolean).join(" ");
}

// Marks the text from the first difference, a byte offset, to the end of the parameter.
function mark(into, text, bytes) {
  if (typeof bytes !== "number") return into.replaceChildren(text);
  const from = new TextDecoder().decode(new TextEncoder().encode(text).slice(0, bytes)).length;
  const rest = text.slice(from);
  const end = rest.slice(1).search(/&|%26|\n/);
  const marked = document.createElement("mark");
  marked.textContent = end < 0 ? rest || T.ends_here : rest.slice(0, end + 1);
  into.replaceChildren(text.slice(0, from), marked, end < 0 ? "" : rest.slice(end + 1));
  into.scrollTop = marked.offsetTop - into.offsetTop - into.clientHeight / 2;
}
