// Files by the button, by paste and by drop; voice by the microphone.

import { el } from "./dom.js";
import { $, base, call, failed, press, status, words } from "./page.js";
import { enter, say } from "./outbox.js";

let files = [], recorder;

export const taken = () => files.splice(0);

export function listFiles() {
  $("files").hidden = !files.length;
  $("files").replaceChildren(...files.map((f) => el("li", f.name, press(
    () => { files = files.filter((o) => o !== f); listFiles(); }, { type: "button", className: "i", ariaLabel: `${words.remove}: ${f.name}` }, "✕",
  ))));
}

async function upload(list) {
  for (const f of list) {
    status(f.name);
    try {
      await enter();
      const form = new FormData();
      form.append("file", f, f.name);
      files.push(await call("POST", `${base()}/attachments`, form));
      status("");
    } catch (e) {
      status(`${f.name}: ${!e.status ? words.offline : words[e.status] ? e.message : words.error}`);
    }
    listFiles();
  }
}

async function record() {
  if (recorder) return recorder.stop();
  try {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true }), pieces = [];
    recorder = new MediaRecorder(stream);
    recorder.ondataavailable = (e) => pieces.push(e.data);
    recorder.onstop = async () => {
      const type = recorder.mimeType;
      recorder = $("mic").ariaPressed = false;
      for (const t of stream.getTracks()) t.stop();
      await upload([new File(pieces, `voice.${/mp4/.test(type) ? "m4a" : "webm"}`, { type })]);
      say("", taken());
      listFiles();
    };
    recorder.start();
    $("mic").ariaPressed = true;
  } catch (e) {
    failed(e);
  }
}

if ($("mic")) $("mic").onclick = record;
if ($("file")) {
  const over = (on) => (e) => { e.preventDefault(); document.body.classList.toggle("drop", on); };
  $("file").onchange = (e) => upload(e.target.files).then(() => { e.target.value = ""; });
  addEventListener("paste", (e) => upload(e.clipboardData.files));
  addEventListener("dragover", over(true));
  addEventListener("dragleave", over(false));
  addEventListener("drop", (e) => { over(false)(e); upload(e.dataTransfer.files); });
}
