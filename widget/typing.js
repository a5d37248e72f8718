// That the visitor writes, and where the business says so what: only where a chat client wants it is this loaded.

const at = (id) => document.getElementById(id), field = at("text"), full = at("typing").dataset.full;
let last = 0, later, quiet, next, going;

// A conversation may begin after the page; its key stands in the menu's links.
function key() {
  at("menu").onbeforetoggle();
  return /\/chat\/([^/]+)\//.exec(at("transcript").href)?.[1];
}

// One after the other, and of what waits the newest: "has stopped" must not be overtaken.
async function send(to, said) {
  next = [to, said];
  if (going) return;
  for (going = true; next; ) {
    const [url, body] = next;
    next = undefined;
    await fetch(url, { method: "POST", body: new Blob([body], { type: "application/json" }) }).catch(() => 0);
  }
  going = false;
}

function tell(active) {
  clearTimeout(later);
  clearTimeout(quiet);
  const mine = key();
  if (!mine || (!active && !last)) return;
  last = active ? Date.now() : 0;
  const said = JSON.stringify(full && active ? { active, text: [...field.value].slice(0, 2000).join("") } : { active });
  send(`/api/v1/public/chat-clients/${mine}/typing`, said);
  if (active) quiet = setTimeout(tell, 6000, false);
}

field.addEventListener("input", () => {
  if (!field.value.trim()) return tell(false);
  clearTimeout(later);
  later = setTimeout(tell, Math.max(0, 1500 + last - Date.now()), true);
});
at("form").addEventListener("submit", () => tell(false));
