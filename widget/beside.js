// The reason why a form was refused beside the field it is about: fetched with the first one.

// A field and what it is called on this screen.
function labelled(field) {
  const label = field.labels?.[0], text = label && [...label.childNodes].find((n) => n.nodeType === 3 && n.data.trim());
  return (text?.data.trim() || label?.innerText.trim() || field.ariaLabel || "").replace(/[:*]$/, "");
}

// The reason goes to its field; where there is none it stays above.
export function beside(form) {
  const said = document.querySelector("#said [data-field]");
  if (!said || !form?.isConnected) return;
  const found = form.elements[said.dataset.field], field = found?.length && !found.type ? found[0] : found;
  if (!field || field.type === "hidden") return;
  const name = labelled(field), lead = said.dataset.lead;
  if (name && lead && said.textContent.startsWith(lead)) said.textContent = name + said.textContent.slice(lead.length);
  said.className = "bad wrong";
  said.id = `wrong-${said.dataset.field}`;
  (field.closest("label") || field).after(said);
  field.setAttribute("aria-invalid", "true");
  field.setAttribute("aria-describedby", said.id);
  for (let up = field.closest("details"); up; up = up.parentElement.closest("details")) up.open = true;
  field.focus();
  field.scrollIntoView({ block: "center" });
}
