// Whether an answer sounds that comes while nobody looks: as the business has it, until the visitor says otherwise. What
// sounds is loaded when it is first heard.

import { $, page } from "./page.js";

const choice = `hub:sound:${page.id}`, bell = $("sound"), ear = () => import("/assets/chime.js");
let wanted = page.sound;
try { wanted = JSON.parse(localStorage[choice]); } catch {}

export const chime = () => wanted && ear().then((m) => m.ring(), () => 0);
// One page of a chat that nobody sees keeps its line open, to be heard.
export const stay = (connect) => wanted && document.hidden && ear().then((m) => m.stay(page.id, connect), () => 0);

const drawBell = () => { bell.ariaPressed = wanted; };
bell.onclick = () => {
  wanted = !wanted;
  try { localStorage[choice] = wanted; } catch {}
  drawBell();
  chime();
};
drawBell();
