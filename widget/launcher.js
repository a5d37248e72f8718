// The launcher: all of the hub's code that runs in a customer's page. It loads the chat when a visitor shows intent.

(() => {
  // Loaded twice it is there once.
  const was = window.hub;
  if (was?.open) return;
  const me = document.currentScript, at = new URL(me.src).origin, on = {}, waiting = [];
  const cfg = Object.assign({ z: 2e9 }, "settings", me.dataset), id = cfg.client, mark = "hub:" + id;
  const make = (name, more) => Object.assign(document.createElement(name), more), emit = (name, more) => on[name]?.forEach((run) => run(more));
  // 1: the visitor has used the chat, 2: it is open.
  const keep = (more) => {
    try {
      if (more) localStorage[mark] = more;
      return localStorage[mark];
    } catch {}
  };
  let frame, ready, known, open = false, unread = "", told = "";

  const load = () => {
    if (frame) return;
    keep(keep() || 1);
    frame = make("iframe", { title: cfg.title, allow: "microphone;autoplay;clipboard-write", src: at + "/c/" + id + "?o=" + location.origin + (known ? "&i" : "") });
    div.append(frame);
  };
  const tell = (more) => ready ? frame.contentWindow.postMessage(more, at) : waiting.push(more);
  const look = () => {
    div.className = open && "o";
    badge.textContent = open ? "" : unread;
    button.ariaExpanded = open;
    // In front of the page's own title, whatever that is by now.
    const now = unread && `(${unread}) `;
    if (now !== told) document.title = now + document.title.replace(told, "");
    button.ariaLabel = (told = now) + (open ? cfg.close : cfg.open);
  };
  const turn = (to) => {
    if (to === open) return;
    keep(1 + (open = to));
    look();
    (to ? frame : button).focus();
    emit(to ? "open" : "close");
  };
  const hear = ({ source, origin, data }) => {
    if (source !== frame?.contentWindow || origin !== at) return;
    const { is, ...more } = data;
    if (is === "ready") {
      ready = 1;
      open && tell({ do: "open" });
      waiting.splice(0).forEach(tell);
    } else if (is === "close") turn(false);
    else {
      unread = (more.count ?? unread) || "";
      look();
      emit(is, more);
    }
  };
  const hub = window.hub = {
    open: (text) => {
      load();
      turn(true);
      tell({ do: "open", text });
    },
    close: () => {
      open && tell({ do: "close" });
      turn(false);
    },
    toggle: () => open ? hub.close() : hub.open(),
    show: () => all.hidden = 0,
    hide: () => all.hidden = 1,
    send: (text) => {
      load();
      tell({ do: "send", text });
    },
    identify: (who) => {
      known = 1;
      tell({ do: "identify", who });
    },
    set: (attributes) => tell({ do: "set", attributes }),
    on: (name, run) => (on[name] ||= []).push(run),
    reset: () => {
      known = 0;
      load();
      tell({ do: "reset" });
    },
    destroy: () => {
      box.remove();
      removeEventListener("message", hear);
      delete window.hub;
    },
    q: { push: (...list) => list.forEach(([name, ...more]) => hub[name](...more)) },
  };

  const badge = make("b"), div = make("div"), box = make("hub-chat"), sheet = new CSSStyleSheet();
  const button = make("button", { onclick: hub.toggle, onpointerenter: load, onfocus: load });
  const all = make("aside", { ariaLabel: cfg.title, dir: cfg.dir, onkeydown: ({ key }) => { if (key === "Escape") hub.close(); } });
  sheet.replaceSync(`div,button{position:fixed;inset-inline-${cfg.side||"end"}:20px;margin-bottom:${cfg.offset|0}px;z-index:${+cfg.z};box-shadow:0 8px 40px #0004}
button{bottom:20px;width:56px;height:56px;border:0;border-radius:28px;background:var(--a);color:oklch(from var(--a) clamp(0,(.66 - l)*999,1) 0 0);cursor:pointer;padding:16px}
button:before{content:"";display:block;height:24px;background:currentColor;clip-path:path("M12 2a10 9 0 1 1-4 17L2 22l2-5A10 9 0 0 1 12 2z")}.o+button:before{clip-path:path("M4 10l2-2 6 6 6-6 2 2-8 8z")}
b:empty{display:none}b{position:absolute;top:-4px;right:-4px;padding:4px 8px;border-radius:20px;background:#c00;color:#fff;font:600 12px/1 system-ui}
div{bottom:88px;width:400px;height:min(680px,100dvh - 108px - ${cfg.offset|0}px);border-radius:20px;overflow:hidden}div:not(.o){visibility:hidden}
iframe{border:0;width:100%;height:100%}
@media(max-width:480px){div{inset:0;margin:0;width:100%;height:100dvh;border-radius:0}.o+button{display:none}}`);
  all.append(div, button);
  button.append(badge);
  box.style.cssText = `all:initial!important;--a:${cfg.color}`;
  Object.assign(box.attachShadow({ mode: "open" }), { adoptedStyleSheets: [sheet] }).append(all);
  addEventListener("message", hear);

  if (cfg.token || cfg.tag) hub.identify(cfg.token || { id: cfg.tag, hash: cfg.tagSignature });
  hub.q.push(...was?.q || []);
  document.documentElement.append(box);
  if (open = keep() > 1) load();
  else if (keep()) setTimeout(load, 999);
  look();
  emit("ready");
})();
