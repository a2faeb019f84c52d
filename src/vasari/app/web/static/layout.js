// What every page does: the token on requests, the theme at once, requests of page modules by send().

const token = document.querySelector('meta[name="csrf-token"]').content;
const CHANGING = new Set(["POST", "PUT", "PATCH", "DELETE"]);

/**
 * fetch() for page modules: adds the token, sends objects as JSON, and throws a Failure with what went wrong.
 * Returns the parsed JSON, or the Response where the answer is none.
 *
 *     const job = await send("/api/v1/jobs", { method: "POST", json: { operation: "restore", fields } });
 *     const page = await send("/style/preview", { method: "POST", body: new FormData(form) });   // a Response
 */
export async function send(address, { json, headers = {}, ...options } = {}) {
  const ready = { credentials: "same-origin", ...options, headers: { Accept: "application/json", ...headers } };
  if (CHANGING.has((options.method ?? "GET").toUpperCase())) ready.headers["X-CSRF-Token"] = token;
  if (json !== undefined) {
    ready.body = JSON.stringify(json);
    ready.headers["Content-Type"] = "application/json";
  }
  const answer = await fetch(address, ready);
  const isJson = (answer.headers.get("Content-Type") ?? "").includes("json");
  const value = isJson ? await answer.json() : answer;
  if (!answer.ok) throw new Failure(answer.status, value?.error?.what ?? answer.statusText, value?.error?.remedy ?? "");
  return value;
}

/** What the server refused: message, remedy, status. */
export class Failure extends Error {
  constructor(status, what, remedy) {
    super(what);
    this.status = status;
    this.remedy = remedy;
  }
}

/** Show a notice at the head of what is seen: of the page, or of a dialog that lies over it. Texts only, never markup:
    `text` is a line or a list of them, `remedy` the last line; a line may be an element, as a link is. */
export function notice(text, kind = "info", remedy = "") {
  const box = document.createElement("div");
  box.className = `notice notice-${kind}`;
  if (kind === "error") box.setAttribute("role", "alert");
  for (const line of [text, remedy].flat().filter(Boolean)) {
    const paragraph = document.createElement("p");
    paragraph.append(line);
    box.append(paragraph);
  }
  const place = noticesOf([...document.querySelectorAll("dialog[open]")].at(-1));
  const gone = document.createElement("button");
  Object.assign(gone, { type: "button", className: "quiet", textContent: "×" });
  gone.setAttribute("aria-label", document.getElementById("notices").dataset.close);
  gone.addEventListener("click", () => box.remove());
  box.append(gone);
  place.replaceChildren(box);
}

/** Where notices stand: a dialog gets a place of its own, which goes when it is closed. */
function noticesOf(dialog) {
  if (!dialog) return document.getElementById("notices");
  const known = dialog.querySelector(".notices");
  if (known) return known;
  const place = document.createElement("div");
  place.className = "notices";
  place.setAttribute("role", "status");
  dialog.prepend(place);
  dialog.addEventListener("close", () => place.remove(), { once: true });
  return place;
}

/** Run an asynchronous piece of a page and show what fails. */
export async function attempt(work) {
  try {
    return await work();
  } catch (failure) {
    notice(failure.message, "error", failure.remedy ?? "");
    return undefined;
  }
}

/** The token, for XMLHttpRequest, which alone tells how far an upload is. */
export const csrfToken = token;

document.addEventListener("htmx:configRequest", (event) => {
  event.detail.headers["X-CSRF-Token"] = token;
});

const theme = document.getElementById("theme");
theme.addEventListener("change", () => {
  document.documentElement.dataset.theme = theme.value;
  document.dispatchEvent(new CustomEvent("vasari:theme", { detail: theme.value }));
  const body = new URLSearchParams({ theme: theme.value });
  // Kept alive: who leaves the page at once has chosen all the same.
  attempt(() => send("/preferences", { method: "POST", body, keepalive: true }));
});

// A dialog opens by data-opens="ID" and closes by data-closes; the browser itself keeps focus within.
document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-opens]");
  if (opener) document.getElementById(opener.dataset.opens).showModal();
  const closer = event.target.closest("[data-closes]");
  if (closer) closer.closest("dialog").close();
});

// A range shows its number in the <output> that follows it, and tells it to screen readers.
document.addEventListener("input", (event) => {
  const shown = event.target.matches('input[type="range"]') && event.target.parentElement.querySelector("output");
  if (shown) shown.textContent = String(Number(Number(event.target.value).toFixed(2)));
});

// A form or button with data-confirm asks first.
document.addEventListener("submit", (event) => {
  const asked = event.submitter?.dataset.confirm ?? event.target.dataset.confirm;
  if (asked && !window.confirm(asked)) event.preventDefault();
});
