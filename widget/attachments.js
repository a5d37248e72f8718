// Files of a message, seen before it is sent: chosen, dropped or pasted.

const remove = () => JSON.parse(document.getElementById("words")?.textContent ?? "{}")["Remove {}"] || "Remove {}";
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

function show() {
  const chosen = [...input.files];
  list.hidden = !chosen.length;
  list.replaceChildren(...chosen.map((file) => {
    const line = document.createElement("li"), away = document.createElement("button");
    line.append(`${file.name} `, Object.assign(document.createElement("small"), { textContent: size(file.size) }));
    Object.assign(away, { type: "button", textContent: "✕", ariaLabel: remove().replace("{}", () => file.name) });
    away.onclick = () => put(chosen.filter((one) => one !== file));
    line.append(away);
    picture(file, line);
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
