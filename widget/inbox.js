// The console where conversations are: all of it, and what was said as it was meant.

import "./console.js";

// What the bot and people here say is Markdown; what contacts say is their own words, with links. Both are drawn by a module
// of their own, which comes with the first words that are shown.
async function drawn() {
  if (!$("[data-md]")) return;
  const { links, render, typeset } = await import("/assets/markdown.js");
  for (const one of all("[data-md]")) {
    const said = one.textContent, ours = one.dataset.md === "m";
    one.removeAttribute("data-md");
    one.classList.toggle("md", ours);
    one.replaceChildren(...(ours ? render(said, say("Copy")) : links(said)));
    typeset(one);
  }
  if (low) down();
}

document.addEventListener("htmx:after:swap", drawn);
drawn();

// A draft of the bot's, or what was planned, fills an empty field; what somebody has typed stays, and it beside that.
function use(made) {
  const field = $("#text");
  field.value = made.textContent;
  field.dispatchEvent(new Event("input", { bubbles: true }));
  if (made.dataset.files) import("/assets/writing.js").then((m) => m.files(made));
  $("#drafted").replaceChildren();
  field.focus();
}
document.addEventListener("htmx:after:swap", () => {
  const made = $("#draft"), field = $("#text"), chosen = $("[data-files][type=file]");
  if (made && field && !field.value && !(made.dataset.files && chosen?.files.length)) use(made);
});

// What comes while one writes, with the first letter: prepared replies, and that others see it. Files of a message, as soon
// as somebody comes near to choosing some; and a voice note.
const writing = () => import("/assets/writing.js"), files = () => $("[data-files]") && import("/assets/attachments.js");
document.addEventListener("input", (e) => { if (e.target.id === "text") writing().then((m) => m.wrote()); });
document.addEventListener("click", (e) => {
  const one = e.target.closest("[data-slash],[data-mic]");
  if (one) (one.dataset.slash ? writing : files)().then((m) => m.open(one));
  const button = e.target.closest("[data-use]");
  if (button) use($(button.dataset.use));
});
for (const near of ["focusin", "pointerdown", "dragenter"]) addEventListener(near, files, { once: true });
