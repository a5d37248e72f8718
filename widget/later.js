// Send later: on the clock of whoever writes; Enter there plans and does not send.

const part = document.getElementById("later");
part.querySelector("[name=zone]").value = Intl.DateTimeFormat().resolvedOptions().timeZone;
part.addEventListener("keydown", (e) => {
  if (e.key !== "Enter" || !e.target.matches("input") || e.isComposing) return;
  e.preventDefault();
  e.stopPropagation();
  part.querySelector("button").click();
});
