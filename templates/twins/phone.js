// The phone: picks network and person, shows the chat live, acts through the control endpoints.
import { avatar, bubble, brief, el, icon } from "./bubble.js";

const $ = (id) => document.getElementById(id);
const NAMES = { telegram: "Telegram", zapi: "Z-API", evolution: "Evolution", kapso: "Kapso", cloud: "Meta", webhook: "Webhook" };
const EMOJI = ["👍", "❤️", "😂", "😮", "🙏"];
const NEW_ID = { telegram: "7000000", other: "55119888" };
const view = { state: null, network: "", person: {}, account: {}, messages: new Map(), last: new Map(), unread: new Map(), reply: null, edit: null, target: null, typing: 0, bottom: true };

const chatKey = (network, chat) => `${network}/${chat}`;
const here = () => view.state.networks.find((n) => n.name === view.network);
const account = () => view.account[view.network] || here().account;
const person = () => here().people.find((p) => p.id === view.person[view.network]) ?? here().people[0];
const find = (id) => view.messages.get(String(id));

async function call(path, body) {
  const options = body === undefined ? {} : { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  const answer = await fetch(`/control/${path}`, options);
  const found = await answer.json();
  if (!answer.ok) {
    notify(found.error);
    throw new Error(found.error);
  }
  return found;
}

let noticed = 0;
function notify(text) {
  $("notice").textContent = text;
  $("notice").hidden = false;
  clearTimeout(noticed);
  noticed = setTimeout(() => { $("notice").hidden = true; }, 5000);
}

// Acting as the person

function act(body) {
  return call(`${view.network}/message`, {
    account: account(), person: person().id,
    from_me: $("fromme").checked && view.network !== "telegram",
    lid: $("hidden").checked && view.network !== "telegram" ? "only" : "",
    duplicate: $("twice").checked ? 1 : 0, ...body,
  }).catch(() => null);
}

function bytes(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result).split(",", 2)[1] ?? "");
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });
}

async function sendFile(file) {
  const family = file.type.split("/")[0];
  const kind = { image: "image", audio: "voice", video: "video" }[family] ?? "document";
  const text = $("text").value.trim();
  $("text").value = "";
  await act({ kind, text, file: { base64: await bytes(file), mime: file.type || "application/octet-stream", name: file.name }, reply_to: view.reply?.id });
  quote(null);
}

async function submit(event) {
  event?.preventDefault();
  const text = $("text").value.trim();
  if (!text) return;
  $("text").value = "";
  grow();
  const { reply, edit } = view;
  quote(null);
  if (edit) await act({ kind: "edit", message_id: edit.id, text });
  else await act({ text, reply_to: reply?.id });
}

function quote(message, editing = false) {
  view.reply = editing ? null : message;
  view.edit = editing ? message : null;
  $("quote").hidden = !message;
  $("quote").firstElementChild.textContent = message ? `${editing ? "Edit: " : ""}${brief(message)}` : "";
  if (message && editing) $("text").value = message.text;
  if (message) $("text").focus();
  grow();
}

function grow() {
  const box = $("text");
  box.style.blockSize = "auto";
  box.style.blockSize = `${Math.min(box.scrollHeight + 2, 136)}px`;
}

// Menus

function place(menu, anchor) {
  if (!menu.matches(":popover-open")) menu.showPopover();
  const at = anchor.getBoundingClientRect();
  const size = menu.getBoundingClientRect();
  const below = at.bottom + 6 + size.height < innerHeight;
  menu.style.top = `${Math.max(8, below ? at.bottom + 6 : at.top - size.height - 6)}px`;
  menu.style.left = `${Math.max(8, Math.min(at.left, innerWidth - size.width - 8))}px`;
  menu.querySelector("button, input")?.focus();
}

function openActions(message, anchor) {
  view.target = message;
  const own = message.side === "person";
  $("actions").querySelector('[data-do="edit"]').hidden = !own || message.kind !== "text";
  $("actions").querySelector('[data-do="delete"]').hidden = !own;
  place($("actions"), anchor);
}

const on = {
  act: openActions,
  jump(id) {
    $("log").querySelector(`[data-id="${CSS.escape(id)}"]`)?.scrollIntoView({ block: "center", behavior: "smooth" });
  },
  press(message, button) {
    if (button.keyboard) act({ text: button.text });
    else act({ kind: "button", message_id: message.id, button });
  },
};

// Drawing

function draw(message) {
  const log = $("log");
  const near = view.bottom;
  const old = log.querySelector(`[data-id="${CSS.escape(message.id)}"]`);
  const node = bubble(message, find, on);
  log.querySelector(".empty")?.remove();
  if (old) {
    node.style.animation = "none";
    node.classList.toggle("turn", old.classList.contains("turn"));
    old.replaceWith(node);
  } else {
    const before = log.lastElementChild;
    node.classList.toggle("turn", Boolean(before) && before.classList.contains("mine") !== node.classList.contains("mine"));
    log.append(node);
  }
  if (near || (!old && message.side === "person")) down();
}

// What an answer says so far; the network takes it away with the next message, or when its time is over.
let drafted = 0;
function drawDraft(draft) {
  clearTimeout(drafted);
  const log = $("log");
  const near = view.bottom;
  log.querySelector(".draft")?.remove();
  const left = draft ? draft.until * 1000 - Date.now() : 0;
  if (left <= 0) return;
  const shown = { id: "draft", network: view.network, side: "business", by: "api", kind: "text", text: draft.text || "Thinking…", entities: draft.entities, rich: draft.rich || [], buttons: [], edits: [], reactions: {}, status: "sent", at: Date.now() / 1000 };
  const node = bubble(shown, find, on);
  node.classList.add("draft");
  node.style.animation = "none";
  node.querySelector(".meta")?.remove();
  log.append(node);
  drafted = setTimeout(() => drawDraft(null), left);
  if (near) down();
}

function down() {
  $("log").scrollTop = $("log").scrollHeight;
  view.bottom = true;
}

async function openChat() {
  document.body.dataset.network = view.network;
  view.messages.clear();
  view.unread.delete(chatKey(view.network, person().id));
  quote(null);
  drawSide();
  drawTop();
  const wanted = `${view.network}/chats/${encodeURIComponent(person().id)}?account=${encodeURIComponent(account())}`;
  const found = await call(wanted).catch(() => ({ messages: [] }));
  $("log").replaceChildren();
  for (const message of found.messages) view.messages.set(message.id, message);
  for (const message of found.messages) draw(message);
  drawDraft(found.draft);
  if (!found.messages.length) $("log").append(el("li", { class: "empty" }, `Say hello as ${person().name}.`));
  down();
  seen();
}

function drawTop() {
  const known = here().accounts.find((a) => a.id === account());
  const title = known?.name ?? "The business";
  $("title").textContent = title;
  $("face").replaceWith(Object.assign(avatar(title, "shop"), { id: "face" }));
  drawState();
}

function drawState() {
  const typing = view.typing > Date.now();
  $("state").textContent = typing ? "typing…" : `${NAMES[view.network]} · you are ${person().name}`;
  $("state").classList.toggle("typing", typing);
}

function drawSide() {
  $("networks").replaceChildren(...view.state.networks.map((n) => {
    const live = n.accounts.some((a) => a.webhook);
    const dot = el("span", { class: `dot${live ? " on" : ""}`, role: "img", "aria-label": live ? "webhook registered" : "no webhook" });
    return el("button", { type: "button", "aria-pressed": String(n.name === view.network), onclick: () => pick(n.name) }, dot, NAMES[n.name] ?? n.name);
  }));
  $("people").replaceChildren(...here().people.map((p) => {
    const key = chatKey(view.network, p.id);
    const count = view.unread.get(key);
    const last = view.last.get(key);
    const current = p.id === person().id;
    const button = el("button", { type: "button", "aria-current": String(current), onclick: () => pick(view.network, p.id) },
      avatar(p.name), el("span", { class: "name" }, p.name),
      count ? el("span", { class: "count", "aria-label": `${count} unread` }, String(count)) : el("span"),
      el("span", { class: "last" }, last ? brief(last) : p.phone ? `+${p.phone}` : `id ${p.id}`));
    return el("li", {}, button);
  }));
  drawLink();
}

const SETUP = {
  telegram: (o) => ({ HUB_TELEGRAM_API_URL: `${o}/telegram`, "Bot token": "110000001:AATwinTwinTwinTwinTwinTwinTwinTwin1" }),
  zapi: (o) => ({ HUB_ZAPI_API_URL: `${o}/zapi`, "Instance id": "3TWIN000INSTANCE000000000000TWIN", "Instance token": "TWININSTANCETOKEN000000000000001" }),
  evolution: (o) => ({ HUB_OUTBOUND_ALLOW: new URL(o).host, "Endpoint URL": `${o}/evolution`, "Instance name": "twin", "API key": "any-key" }),
  webhook: (o) => ({ HUB_OUTBOUND_ALLOW: new URL(o).host, "Address that gets the answers": `${o}/webhook/shop`, "Secret": "webhook-secret-0001" }),
  cloud: (o) => ({ HUB_META_API_URL: `${o}/cloud/v24.0`, "Phone number id": "100000000000001", "Access token": "any-token", "App secret": "app-secret" }),
  kapso: (o) => ({ HUB_KAPSO_API_URL: `${o}/kapso`, "Phone number id": "100000000000001", "API key": "any-key" }),
};

function drawLink() {
  const known = here().accounts;
  const live = known.find((a) => a.id === account() && a.webhook);
  const box = $("link");
  box.classList.toggle("todo", !live);
  const dot = el("span", { class: `dot${live ? " on" : ""}`, "aria-hidden": "true" });
  const title = live ? "The hub listens" : known.length ? "No webhook is registered" : "Nothing is connected yet";
  const parts = [];
  if (live) parts.push(el("p", {}, masked(live.webhook)));
  else {
    parts.push(el("p", {}, "Start the hub with these and add the integration; any credential works."));
    const list = Object.entries(SETUP[view.network](view.state.origin)).flatMap(([k, v]) => [el("dt", {}, k), el("dd", {}, v)]);
    parts.push(el("dl", {}, ...list));
  }
  if (known.length > 1) {
    const choice = el("select", { "aria-label": "Account to write to", onchange: (e) => { view.account[view.network] = e.target.value; openChat(); } },
      ...known.map((a) => el("option", { value: a.id, selected: a.id === account() }, `${a.name} (${a.id})`)));
    parts.push(choice);
  }
  // On a small screen the phone comes first.
  const open = box.firstElementChild?.open ?? !matchMedia("(max-width: 700px)").matches;
  box.replaceChildren(el("details", { open }, el("summary", {}, dot, title), ...parts));
}

function masked(url) {
  // The path of a webhook ends with its secret.
  return url.replace(/[^/]{12,}$/, (s) => `${s.slice(0, 4)}…`);
}

function pick(network, id) {
  view.network = network;
  if (id) view.person[network] = id;
  view.typing = 0;
  openChat();
}

let reading = 0;
function seen() {
  clearTimeout(reading);
  if (document.hidden) return;
  reading = setTimeout(() => call(`${view.network}/read`, { account: account(), chat: person().id }).catch(() => null), 400);
}

// The feed

function received(message) {
  const key = chatKey(message.network, message.chat);
  view.last.set(key, message);
  const open = message.network === view.network && message.chat === person().id && message.account === account();
  if (open) {
    const fresh = !view.messages.has(message.id);
    view.messages.set(message.id, message);
    if (message.side === "business" && fresh) drawDraft(null);
    draw(message);
    if (message.side === "business" && fresh) { view.typing = 0; drawState(); }
    if (message.side === "business" && ["sent", "delivered"].includes(message.status)) seen();
  } else if (message.side === "business" && message.by === "api" && !message.edits.length && message.status !== "read") {
    view.unread.set(key, (view.unread.get(key) ?? 0) + (message.status === "sent" ? 1 : 0));
  }
  drawSide();
}

// What a call is about, without tokens and account names.
function short(c) {
  const parts = c.path.split("?")[0].split("/").slice(2);
  if (c.network === "telegram") return parts[0] === "file" ? "file" : parts.at(-1);
  if (c.network === "zapi") return parts.slice(4).join("/");
  if (c.network === "evolution") return parts.slice(0, 2).join("/");
  return parts.slice(-2).join("/");
}

const showCall = (c) => traffic("in", `${c.method} ${short(c)}`, c.status ?? "…", c.status >= 400, `${NAMES[c.network]}, ${c.ms} ms`);
const showDelivery = (d) => traffic("out", d.event, d.status || "✕", d.status < 200 || d.status > 299, `${NAMES[d.network]}, ${d.error ?? `attempt ${d.attempt}, ${d.ms} ms`}`);

function traffic(symbol, what, code, bad, title) {
  const list = $("traffic");
  list.querySelector(".none")?.remove();
  const row = el("li", { title }, icon(symbol), el("span", { class: "what" }, what), el("span", { class: `code${bad ? " bad" : ""}` }, String(code)));
  list.prepend(row);
  while (list.childElementCount > 120) list.lastElementChild.remove();
}

async function refresh() {
  view.state = await call("state");
  view.network ||= view.state.networks[0].name;
  view.last.clear();
  for (const c of view.state.chats) view.last.set(chatKey(c.network, c.chat), c.last);
  $("traffic").replaceChildren(el("li", { class: "none" }, "Calls to the twins and deliveries to webhooks appear here."));
  for (const entry of view.state.traffic) (entry.event ? showDelivery : showCall)(entry);
}

function listen() {
  const feed = new EventSource("/control/events");
  const hear = (name, react) => feed.addEventListener(name, (event) => react(JSON.parse(event.data)));
  hear("message", received);
  hear("typing", (t) => {
    if (t.network !== view.network || t.chat !== person().id) return;
    view.typing = Date.now() + t.seconds * 1000;
    drawState();
    setTimeout(drawState, t.seconds * 1000 + 50);
  });
  hear("draft", (d) => {
    if (d.network === view.network && d.chat === person().id && d.account === account()) drawDraft(d);
  });
  hear("account", async () => { await refresh(); drawSide(); drawTop(); });
  hear("call", showCall);
  hear("delivery", showDelivery);
  hear("reset", async () => { await refresh(); view.unread.clear(); openChat(); });
  let lost = false;
  feed.onerror = () => { lost = true; };
  feed.onopen = async () => { if (lost) { lost = false; await refresh(); openChat(); } };
}

function wire() {
  const log = $("log");
  let top = 0;
  log.addEventListener("scroll", () => {
    // Content that grows moves nothing; only a person who goes up leaves the end.
    const near = log.scrollHeight - log.scrollTop - log.clientHeight < 120;
    view.bottom = near || (view.bottom && log.scrollTop >= top);
    top = log.scrollTop;
  });
  // A picture gets its height only when it has come.
  for (const name of ["load", "loadedmetadata"]) log.addEventListener(name, () => view.bottom && down(), true);
  $("composer").addEventListener("submit", submit);
  $("text").addEventListener("input", grow);
  $("text").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) submit(event);
    if (event.key === "Escape") quote(null);
  });
  $("quote").lastElementChild.addEventListener("click", () => { if (view.edit) $("text").value = ""; quote(null); });
  for (const name of ["attach", "more"]) {
    const menu = $($(name).getAttribute("popovertarget"));
    menu.addEventListener("toggle", (event) => { if (event.newState === "open") place(menu, $(name)); });
  }
  for (const button of document.querySelectorAll("[data-pick]")) button.addEventListener("click", () => {
    $("attachments").hidePopover();
    $("file").accept = button.dataset.pick === "image/*" ? "image/*,video/*" : button.dataset.pick;
    $("file").click();
  });
  $("file").addEventListener("change", () => { for (const file of $("file").files) sendFile(file); $("file").value = ""; });
  for (const button of document.querySelectorAll("[data-send]")) button.addEventListener("click", () => {
    $("attachments").hidePopover();
    act({ kind: button.dataset.send, ...(button.dataset.send === "location" ? { name: "MASP", address: "Av. Paulista, 1578" } : {}) });
  });
  for (const button of document.querySelectorAll("[data-state]")) button.addEventListener("click", () => {
    $("options").hidePopover();
    act({ kind: button.dataset.state }).then((done) => done && notify(button.textContent));
  });
  for (const button of document.querySelectorAll("[data-do]")) button.addEventListener("click", () => {
    $("actions").hidePopover();
    if (button.dataset.do === "delete") act({ kind: "delete", message_id: view.target.id });
    else quote(view.target, button.dataset.do === "edit");
  });
  $("actions").querySelector(".emoji").append(...EMOJI.map((emoji) => el("button", { type: "button", "aria-label": `React ${emoji}`, onclick: () => {
    $("actions").hidePopover();
    const same = view.target.reactions.person === emoji;
    act({ kind: "reaction", message_id: view.target.id, emoji: same ? "" : emoji });
  } }, emoji)));
  $("fromme").addEventListener("change", () => { $("human").hidden = !$("fromme").checked; });
  $("add").addEventListener("click", () => {
    const head = NEW_ID[view.network] ?? NEW_ID.other;
    $("new-id").value = `${head}${String(Math.floor(Math.random() * 1e5)).padStart(view.network === "telegram" ? 2 : 5, "0").slice(0, view.network === "telegram" ? 2 : 5)}`;
    $("newcomer").showModal();
  });
  $("newcomer").querySelector("[data-close]").addEventListener("click", () => $("newcomer").close());
  $("new-ok").addEventListener("click", async () => {
    const made = await call(`${view.network}/person`, { id: $("new-id").value.trim(), name: $("new-name").value.trim() }).catch(() => null);
    if (!made) return;
    $("newcomer").close();
    await refresh();
    pick(view.network, made.id);
  });
  $("reset").addEventListener("click", () => call("reset", {}));
  document.addEventListener("visibilitychange", seen);
}

wire();
await refresh();
await openChat();
listen();
