// Forms that a passkey signs: data-passkey holds what the hub asks the browser for.

const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
const named = (list) => (list || []).map((one) => ({ ...one, id: bytes(one.id) }));

async function made(options) {
  const key = await navigator.credentials.create({ publicKey: {
    ...options, challenge: bytes(options.challenge), user: { ...options.user, id: bytes(options.user.id) }, excludeCredentials: named(options.excludeCredentials),
  } });
  return answer(key, { attestationObject: text(key.response.attestationObject) });
}

async function signed(options) {
  const key = await navigator.credentials.get({ publicKey: { ...options, challenge: bytes(options.challenge), allowCredentials: named(options.allowCredentials) } });
  return answer(key, { authenticatorData: text(key.response.authenticatorData), signature: text(key.response.signature) });
}

function answer(key, response) {
  return { id: key.id, rawId: text(key.rawId), type: key.type, clientExtensionResults: {}, response: { clientDataJSON: text(key.response.clientDataJSON), ...response } };
}

for (const form of window.PublicKeyCredential ? document.querySelectorAll("form[data-passkey]") : []) {
  form.hidden = false;
  form.addEventListener("submit", async (e) => {
    e.preventDefault();
    const bad = form.querySelector("[role=alert]"), options = JSON.parse(form.dataset.passkey);
    try {
      form.elements.credential.value = JSON.stringify(await ("new" in form.dataset ? made(options) : signed(options)));
      form.submit();
    } catch (error) {
      bad.textContent = error.name === "InvalidStateError" ? form.dataset.had : form.dataset.unused;
      bad.hidden = false;
    }
  });
}
