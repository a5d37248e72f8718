// Files of a message, seen before it is sent: chosen, dropped or pasted; and voice notes, heard before they are.

const LONGEST = 10 * 60_000;
const say = (text) => JSON.parse(document.getElementById("words")?.textContent ?? "{}")[text] || text;
let recorder, asked;
const input = document.querySelector("[data-files][type=file]"), list = document.getElementById("chosen");

function put(files) {
  const data = new DataTransfer();
  for (const file of files) data.items.add(file);
  input.files = data.files;
  show();
}

function size(bytes) {
  return bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1000))} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

function picture(file, line) {
  if (!/^image\/(png|jpeg|webp|gif)$/.test(file.type)) return;
  const reader = new FileReader();
  reader.onload = () => line.prepend(Object.assign(document.createElement("img"), { src: reader.result, alt: "" }));
  reader.readAsDataURL(file);
}

// The sound itself, at an address that is let go with the line.
function sound(file, line) {
  if (!file.type.startsWith("audio/")) return;
  const heard = Object.assign(document.createElement("audio"), { controls: true, src: URL.createObjectURL(file) });
  line.prepend(heard);
}

export async function open(mic) {
  if (recorder) return recorder.state === "recording" && recorder.stop();
  if (asked) return;
  const pieces = [];
  let stream;
  asked = true;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    recorder = new MediaRecorder(stream);
  } catch (e) {
    for (const track of stream?.getTracks() ?? []) track.stop();
    list.hidden = false;
    list.replaceChildren(Object.assign(document.createElement("li"), { role: "alert", textContent: say("The browser does not allow it: {}").replace("{}", () => e.message) }));
    return;
  } finally {
    asked = false;
  }
  const over = setTimeout(() => recorder?.stop(), LONGEST);
  recorder.ondataavailable = (e) => pieces.push(e.data);
  recorder.onstop = () => {
    const type = recorder.mimeType.split(";")[0], ending = { "audio/mp4": "m4a", "audio/ogg": "ogg" }[type] || "webm";
    clearTimeout(over);
    recorder = undefined;
    mic.ariaPressed = "false";
    for (const track of stream.getTracks()) track.stop();
    put([...input.files, new File(pieces, `voice.${ending}`, { type })]);
  };
  recorder.start();
  mic.ariaPressed = "true";
}

function show() {
  for (const old of list.querySelectorAll("audio")) URL.revokeObjectURL(old.src);
  const chosen = [...input.files];
  list.hidden = !chosen.length;
  list.replaceChildren(...chosen.map((file) => {
    const line = document.createElement("li"), away = document.createElement("button");
    line.append(`${file.name} `, Object.assign(document.createElement("small"), { textContent: size(file.size) }));
    Object.assign(away, { type: "button", textContent: "✕", ariaLabel: say("Remove {}").replace("{}", () => file.name) });
    away.onclick = () => put(chosen.filter((one) => one !== file));
    line.append(away);
    picture(file, line);
    sound(file, line);
    return line;
  }));
}

if (input) {
  const add = (e, files) => {
    if (!files?.length) return;
    e.preventDefault();
    put([...input.files, ...files]);
  };
  const over = (on) => (e) => {
    if (!e.dataTransfer?.types.includes("Files")) return;
    e.preventDefault();
    document.body.classList.toggle("drop", on);
  };
  input.addEventListener("change", show);
  addEventListener("paste", (e) => add(e, e.clipboardData?.files));
  addEventListener("dragover", over(true));
  addEventListener("dragleave", over(false));
  addEventListener("drop", (e) => { document.body.classList.remove("drop"); add(e, e.dataTransfer?.files); });
  show();
}
