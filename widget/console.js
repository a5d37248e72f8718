// A plain window on the API: what runs, what failed, and why.

const $ = (id) => document.getElementById(id);
const el = (name, text, cls) => Object.assign(document.createElement(name), { textContent: text ?? "", className: cls ?? "" });
const NETWORKS = { telegramIntegration: "Telegram", zapiIntegration: "WhatsApp, Z-API", evolutionIntegration: "WhatsApp, Evolution", kapsoIntegration: "WhatsApp, Kapso" };

async function api(path, options = {}) {
  const response = await fetch(path, { ...options, headers: { Authorization: `Bearer ${sessionStorage.key_ || ""}`, ...options.headers } });
  const body = await response.json().catch(() => null);
  if (!response.ok) throw new Error(body?.error || `Status ${response.status}`);
  return body;
}

function card(...children) {
  const node = el("div", "", "card");
  node.append(...children);
  return node;
}

async function clients() {
  const cards = [];
  for (const c of await api("/api/v1/web-chat-client")) {
    const one = await api(`/api/v1/web-chat-client/${c.id}`);
    const lines = Object.entries(one.integrations || {}).filter(([, v]) => v).map(([name, v]) =>
      el("p", `${NETWORKS[name] || name}: ${v.state === "registered" ? "webhook registered" : `not registered. ${v.stateText || ""}`}`, v.state === "registered" ? "good" : "bad"));
    cards.push(card(el("strong", c.name), el("p", `${c.activeSessions} active session(s); gateway ${c.associatedGateway?.name || "none: it cannot answer"}`), ...lines));
  }
  $("clients").replaceChildren(...(cards.length ? cards : [el("p", "None yet.")]));
}

async function deliveries() {
  const { deliveries: found } = await api("/api/v1/deliveries?state=dead,unknown&limit=50");
  const cards = found.map((d) => {
    const again = el("button", "Send again");
    again.onclick = () => act(`/api/v1/deliveries/${d.id}/replay`);
    const close = el("button", "Close");
    close.onclick = () => act(`/api/v1/deliveries/${d.id}/resolve`, { as: "dropped" });
    return card(el("strong", `${d.channel}: ${d.state}`), el("p", d.text.slice(0, 200)), el("p", d.error || d.code || "", "bad"), again, " ", close);
  });
  $("deliveries").replaceChildren(...(cards.length ? cards : [el("p", "None.")]));
}

async function act(path, body = {}) {
  try {
    await api(path, { method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" } });
  } catch (e) { $("deliveries").prepend(el("p", e.message, "bad")); return; }
  await deliveries();
}

async function show() {
  try {
    await clients();
    await deliveries();
    $("in").hidden = true;
    $("all").hidden = $("out").hidden = false;
  } catch (e) { $("problem").textContent = e.message; }
}

$("in").addEventListener("submit", (e) => { e.preventDefault(); sessionStorage.key_ = $("key").value.trim(); $("problem").textContent = ""; show(); });
$("out").addEventListener("click", () => { sessionStorage.removeItem("key_"); location.reload(); });
$("why").addEventListener("submit", async (e) => {
  e.preventDefault();
  try {
    const found = await api(`/api/v1/messages/${encodeURIComponent($("message").value.trim())}/why`);
    $("steps").replaceChildren(el("li", found.verdict, "good"), ...found.steps.map((s) => el("li", `${s.at}: ${s.text}`)));
  } catch (error) { $("steps").replaceChildren(el("li", error.message, "bad")); }
});
if (sessionStorage.key_) show();
