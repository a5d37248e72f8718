// The hosted chat page: by its own address, and inside the widget.

import { $, base, call, calm, failed, page, state } from "./page.js";
import { flush, resume, say } from "./outbox.js";
import { listFiles, taken } from "./files.js";
import { ways, rate, seen } from "./thread.js";
import { connect } from "./stream.js";
import { stay } from "./sound.js";
import "./frame.js";

const text = $("text");

$("form").onsubmit = (e) => {
  e.preventDefault();
  const chip = e.submitter?.name && e.submitter.value;
  say(chip || text.value, chip ? [] : taken());
  if (!chip) text.value = "";
  listFiles();
};
text.onkeydown = (e) => {
  if (e.key === "Enter" && !e.shiftKey && !e.isComposing && e.keyCode !== 229) {
    e.preventDefault();
    $("form").requestSubmit();
  }
};
$("stop").onclick = () => call("DELETE", base()).catch(failed);
$("menu").onclick = (e) => e.target.closest("button, a") && $("menu").hidePopover();
// Pages of their own, which exist once something was said.
$("menu").onbeforetoggle = () => { for (const name of ["transcript", "notify"]) if (page.key && $(name)) $(name).href = `/chat/${page.key}/${name}`; };
$("reset").onclick = () => page.key && call("POST", `${base()}/reset`).then(() => text.focus(), failed);
$("rate").onclick = rate;
($("on") || {}).onclick = () => page.key && call("POST", `${base()}/continuation`).then(ways, failed);
state.say = say;
addEventListener("online", flush);
document.onvisibilitychange = () => {
  connect();
  stay(connect);
  if (!document.hidden && state.open) seen();
};
document.body.classList.add("js");
calm();
if (state.open && !matchMedia("(pointer: coarse)").matches) text.focus();
connect();
resume();
