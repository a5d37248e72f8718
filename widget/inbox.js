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
    one.replaceChildren(...(ours ? render(said, "Copy") : links(said)));
    typeset(one);
  }
  if (low) down();
}

document.addEventListener("htmx:after:swap", drawn);
drawn();

// The conversation that is looked at is chosen, for what is done with many.
document.addEventListener("keydown", (e) => {
  if (e.key !== "x" || e.ctrlKey || e.metaKey || e.altKey || typing(e.target) || $("dialog[open]")) return;
  const row = (document.activeElement.closest(".talks li") || $(".talk[aria-current]")?.closest("li"));
  row?.querySelector("[name=chosen]")?.click();
});

// What comes while one writes, with the first letter: prepared replies, and that others see it.
const writing = () => import("/assets/writing.js");
document.addEventListener("input", (e) => { if (e.target.id === "text") writing().then((m) => m.wrote()); });
document.addEventListener("click", (e) => { if (e.target.closest("[data-slash]")) writing().then((m) => m.open()); });

// Files of a message, as soon as somebody comes near to choosing some.
for (const near of ["focusin", "pointerdown", "dragenter"])
  addEventListener(near, () => $("[data-files]") && import("/assets/attachments.js"), { once: true });
