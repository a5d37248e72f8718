// Every form of the console: sent once, kept until it is stored, with the reason beside the field it is about, and
// left only after a warning.

const busy = new Set(), dirty = new Set();
export const $ = (selector, of = document) => of.querySelector(selector);
export const all = (selector, of = document) => [...of.querySelectorAll(selector)];
const posts = (form) => form?.getAttribute?.("method") === "post";
const draft = (form) => form.id === "say";
const place = (form) => `kept:${location.pathname}#${form.getAttribute("action")}`;
const HIDDEN = ["csrf", "once"];
// Other languages come after the page (bell.js); {} stands for a value.
export const say = (text, value) => (JSON.parse($("#words")?.textContent ?? "{}")[text] || text).replace("{}", () => value);

let told;

// What went wrong, until something is stored.
export function bar(words) {
  const p = told = Object.assign(document.createElement("p"), { className: "note bad", textContent: words });
  p.setAttribute("role", "alert");
  $("#said").replaceChildren(p);
  p.scrollIntoView({ block: "nearest" });
}

// What is kept of a form: no files, no passwords.
function keep(form) {
  const kept = [];
  for (const one of form.elements) {
    if (!one.name || HIDDEN.includes(one.name) || /^(password|file|submit|button)$/.test(one.type)) continue;
    if (/^(checkbox|radio)$/.test(one.type)) kept.push([one.name, one.checked, one.value]);
    else kept.push([one.name, one.value]);
  }
  try { sessionStorage[place(form)] = JSON.stringify(kept); } catch {}
}

function forget(form) {
  try { delete sessionStorage[place(form)]; } catch {}
}

function restore(form) {
  let kept;
  try { kept = JSON.parse(sessionStorage[place(form)]); } catch { return; }
  forget(form);
  for (const [name, value, of] of kept) {
    const same = [...form.elements].filter((one) => one.name === name && (of === undefined || one.value === of));
    for (const one of same) {
      if (of !== undefined) one.checked = value;
      else if (!(draft(form) && one.value)) one.value = value;
    }
  }
  if (draft(form)) keep(form);
  else {
    dirty.add(form);
    bar(say("What you had typed is here again; it is not saved yet."));
    for (const details of all("details", form.parentElement)) details.open = true;
    form.closest("details")?.setAttribute("open", "");
  }
}

function clear(form) {
  for (const one of all(".wrong", form)) one.remove();
  for (const one of all("[aria-invalid]", form)) {
    one.removeAttribute("aria-invalid");
    one.removeAttribute("aria-describedby");
  }
}

const anew = (form) => {
  const one = form.elements.once;
  if (one) one.value = Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");
};

function stored(form, ctx) {
  dirty.delete(form);
  forget(form);
  anew(form);
  told?.remove();
  const from = ctx.sourceElement;
  if (!("clear" in (from?.dataset ?? {}))) return;
  for (const one of all("textarea, [type=file], [type=datetime-local]", form)) {
    // What was typed while it was on its way stays.
    if (one.type !== "textarea" || one.value === ctx.typed) one.value = "";
    one.dispatchEvent(new Event("change", { bubbles: true }));
  }
  const fold = from !== form && from.closest("details");
  if (fold) fold.open = false;
  if ($("textarea", form)?.value) keep(form);
}

function stop(e) {
  e.preventDefault();
  e.stopImmediatePropagation();
}

document.addEventListener("submit", (e) => { if (busy.has(e.target)) stop(e); }, true);
document.addEventListener("click", (e) => {
  const button = e.target.closest?.("button");
  if (button && button.type !== "button" && busy.has(button.form)) stop(e);
}, true);
document.addEventListener("submit", (e) => {
  if (e.defaultPrevented || !posts(e.target)) return;
  busy.add(e.target);
  dirty.delete(e.target);
});
addEventListener("pageshow", (e) => { if (e.persisted) busy.clear(); });

document.addEventListener("input", (e) => {
  const form = e.target.form;
  if (!posts(form)) return;
  if (e.target.getAttribute("aria-invalid")) clear(form);
  if (draft(form)) keep(form);
  else if (!("auto" in e.target.dataset)) dirty.add(form);
});
addEventListener("beforeunload", (e) => {
  if ([...dirty].some((form) => form.isConnected)) e.preventDefault();
});

const formOf = (e) => e.detail?.ctx?.sourceElement?.closest?.("form");
document.addEventListener("htmx:before:request", (e) => {
  const form = formOf(e);
  if (!posts(form)) return;
  if (busy.has(form)) return e.preventDefault();
  busy.add(form);
  form.setAttribute("aria-busy", "true");
  e.detail.ctx.typed = $("textarea", form)?.value;
  clear(form);
});
document.addEventListener("htmx:before:response", (e) => {
  const { ctx } = e.detail, status = ctx.response.status;
  if (status < 400 || ctx.response.headers.get("HX-Retarget")) return;
  // Not the hub's words: what stands before it has answered, or it broke.
  e.preventDefault();
  bar(say("The hub could not be reached ({}). Nothing you typed is lost; send it again in a moment.", status));
});
document.addEventListener("htmx:after:request", (e) => {
  const form = formOf(e), { ctx } = e.detail;
  // News may have taken the form off the page meanwhile: its answer is shown all the same.
  if (posts(form) && !ctx.target?.isConnected) ctx.target = $("#said");
  if (posts(form) && ctx.response.status < 400) stored(form, ctx);
});
document.addEventListener("htmx:error", (e) => {
  if (posts(formOf(e))) bar(say("No connection to the hub. Nothing you typed is lost; send it again when the line is back."));
});
document.addEventListener("htmx:finally:request", (e) => {
  const form = formOf(e);
  if (!posts(form)) return;
  busy.delete(form);
  form.removeAttribute("aria-busy");
  if ($("#said [data-keep]")) {
    keep(form);
    dirty.delete(form);
  }
  if ($("#said [data-field]") && form.isConnected) import("/assets/beside.js").then((m) => m.beside(form));
});

for (const form of all("form")) if (posts(form)) restore(form);
