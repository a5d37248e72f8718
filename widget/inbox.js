// The console where conversations are: all of it, and what was said as it was meant.

import "./console.js";
import "./attachments.js";
import { links, render, typeset } from "./markdown.js";

// What the bot and people here say is Markdown; what contacts say is their own words, with links.
function drawn() {
  for (const one of document.querySelectorAll("[data-md]")) {
    const said = one.textContent, ours = one.dataset.md === "m";
    one.removeAttribute("data-md");
    one.classList.toggle("md", ours);
    one.replaceChildren(...(ours ? render(said, "Copy") : links(said)));
    typeset(one);
  }
}

document.addEventListener("htmx:after:swap", drawn);
drawn();
if (low) down();
