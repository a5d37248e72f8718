// Times of a kept conversation as its reader's clock says them, in the files as well; and the browser's own printing.

const { timeZone } = Intl.DateTimeFormat().resolvedOptions(), { lang } = document.documentElement;
for (const one of document.querySelectorAll("time")) {
  one.textContent = new Date(one.dateTime).toLocaleString(lang, { dateStyle: "medium", timeStyle: one.closest("article") ? "medium" : "short" });
}
document.getElementById("zone").textContent = timeZone;
for (const link of document.querySelectorAll("nav a")) {
  const to = new URL(link.href);
  to.searchParams.set("zone", timeZone);
  link.href = to;
}
const print = document.getElementById("print");
print.hidden = false;
print.onclick = () => window.print();
