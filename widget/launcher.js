// The launcher: all of the hub's code that runs in a customer's page. It loads the chat when a visitor shows intent.

(() => {
  const me = document.currentScript, at = new URL(me.src).origin, heard = {};
  const cfg = Object.assign({ color: "#6366f1", title: "Chat", z: 2147483000 }, "settings", me.dataset);
  const id = cfg.client || cfg.id, mark = `hub:${id}`, calls = window.hub?.q || [];
  const make = (name, more, ...inside) => {
    const node = Object.assign(document.createElement(name), more);
    node.append(...inside);
    return node;
  };
  const emit = (name, data) => heard[name]?.forEach((run) => run(data));
  // "1": the visitor has used the chat, "2": it is open.
  const keep = (value) => {
    try {
      return value === undefined ? localStorage[mark] : (localStorage[mark] = value);
    } catch {}
  };
  let frame, ready, open, who, unread = 0, waiting = [];

  const shape = document.createElementNS("http://www.w3.org/2000/svg", "svg"), path = document.createElementNS(shape.namespaceURI, "path");
  shape.setAttribute("viewBox", "0 0 24 24");
  shape.append(path);
  const badge = make("b", { hidden: true }), panel = make("div", { className: "p" });
  const button = make("button", { type: "button", onclick: () => hub.toggle(), onpointerenter: load, onfocus: load }, shape, badge);
  const all = make("div", { dir: cfg.dir || "ltr" }, panel, button), box = make("hub-chat");
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`.p,button{position:fixed;inset-inline-end:20px;z-index:${+cfg.z}}
button{--c:oklch(from ${CSS.supports("color", cfg.color) ? cfg.color : "#6366f1"} calc(l - clamp(0,(.66 - l)*999,1)*max(0,l - .53)) c h);bottom:20px;width:56px;height:56px;border:0;border-radius:50%;background:var(--c);color:oklch(from var(--c) clamp(0,(.66 - l)*999,1) 0 0);box-shadow:0 6px 24px #0004;cursor:pointer;padding:15px;transition:scale .15s}
button:hover{scale:1.06}
button:focus-visible{outline:3px solid var(--c);outline-offset:3px}
svg{display:block;fill:none;stroke:currentColor;stroke-width:2;stroke-linecap:round;stroke-linejoin:round}
b{position:absolute;top:-4px;inset-inline-end:-4px;min-width:12px;padding:4px 5px;border-radius:12px;background:#c81e1e;color:#fff;font:600 12px/12px system-ui;text-align:center}
[hidden]{display:none}
.p{bottom:88px;width:400px;height:min(680px,100dvh - 108px);border-radius:20px;overflow:hidden;box-shadow:0 16px 56px #0005;visibility:hidden;opacity:0;translate:0 12px;transition:.18s}
.p.o{visibility:visible;opacity:1;translate:0}
iframe{width:100%;height:100%;border:0;display:block;color-scheme:normal}
@media(max-width:480px){.p{inset:0;width:auto;height:100dvh;border-radius:0}.o+button{display:none}}
@media(prefers-reduced-motion:reduce){*{transition:none!important}}`);

  function load() {
    if (frame) return;
    keep(keep() || "1");
    frame = make("iframe", { title: cfg.title, allow: "microphone;autoplay;clipboard-write", src: `${at}/c/${id}?o=${encodeURIComponent(location.origin)}${who ? "&i" : ""}` });
    panel.append(frame);
  }
  function post(order) {
    ready ? frame.contentWindow.postMessage(order, at) : waiting.push(order);
  }
  function look() {
    panel.className = open ? "p o" : "p";
    path.setAttribute("d", open ? "m6 9 6 6 6-6" : "M21 12a8 8 0 0 1-8 8H4l2-3a8 8 0 1 1 15-5z");
    badge.textContent = unread > 9 ? "9+" : unread;
    badge.hidden = !unread || open;
    button.ariaExpanded = !!open;
    button.ariaLabel = (open ? cfg.close : cfg.open) + (unread ? ` (${unread})` : "");
  }
  function turn(to, focus) {
    if (to === open) return;
    open = to;
    keep(to ? "2" : "1");
    look();
    if (focus) (to ? frame : button).focus();
    emit(to ? "open" : "close");
  }
  function listen({ source, origin, data }) {
    if (!frame || source !== frame.contentWindow || origin !== at) return;
    if (data.is === "ready") {
      ready = 1;
      if (open) post({ do: "open" });
      waiting.splice(0).forEach(post);
    } else if (data.is === "close") turn(false, 1);
    else if (data.is === "unread") {
      unread = data.count;
      look();
      emit("unread", unread);
    } else if (data.is === "message") emit("message", { id: data.id, role: data.role });
  }

  const hub = {
    open(text) { load(); turn(true, 1); post({ do: "open", text }); },
    close() { if (open) post({ do: "close" }); turn(false, 1); },
    toggle() { open ? hub.close() : hub.open(); },
    show() { all.hidden = false; },
    hide() { all.hidden = true; },
    send(text) { load(); post({ do: "send", text }); },
    identify(whom) { who = 1; post({ do: "identify", who: whom }); },
    set(attributes) { post({ do: "set", attributes }); },
    on(name, run) { (heard[name] ||= []).push(run); },
    reset() { who = 0; load(); post({ do: "reset" }); },
    destroy() { box.remove(); removeEventListener("message", listen); delete window.hub; },
    q: { push(...list) { for (const [name, ...more] of list) hub[name](...more); } },
  };
  window.hub = hub;
  addEventListener("message", listen);
  all.onkeydown = (e) => { if (e.key === "Escape") hub.close(); };
  box.style.cssText = "all:initial!important";
  box.attachShadow({ mode: "open" }).append(all);
  box.shadowRoot.adoptedStyleSheets = [sheet];
  if (cfg.token) hub.identify(cfg.token);
  else if (cfg.tag) hub.identify({ id: cfg.tag, hash: cfg.tagSignature });
  hub.q.push(...calls);
  const target = cfg.target && document.querySelector(cfg.target);
  if (target) {
    load();
    frame.style.cssText = "width:100%;height:100%;border:0";
    target.append(frame);
    post({ do: "open" });
  } else {
    (document.body || document.documentElement).append(box);
    look();
    if (keep() === "2") { load(); turn(true); }
    else if (keep()) setTimeout(load, 1500);
  }
  emit("ready");
})();
