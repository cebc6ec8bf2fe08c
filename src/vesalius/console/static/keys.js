// Shortcuts of the worklist and the undo countdown. Everything they do can be done without them.
"use strict";
(() => {
  const typing = (target) => target.closest("input, select, textarea, [contenteditable]");
  const rows = () => [...document.querySelectorAll("a.open")];

  const step = (by) => {
    const all = rows();
    const here = all.indexOf(document.activeElement);
    const next = here < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, here + by));
    if (all[next]) all[next].focus();
  };

  document.addEventListener("keydown", (event) => {
    if (!document.body.hasAttribute("data-keys")) return;
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    const search = document.getElementById("search");
    if (event.key === "j") step(1);
    else if (event.key === "k") step(-1);
    else if (event.key === "/" && search) search.focus();
    else return;
    event.preventDefault();
  });

  // Minutes left to undo; the page already says until when.
  const countDown = () => {
    for (const place of document.querySelectorAll("[data-until]")) {
      const left = Math.ceil((Date.parse(place.dataset.until) - Date.now()) / 60000);
      place.textContent = left > 0 ? place.dataset.words.replace("0", String(left)) : "";
    }
  };
  countDown();
  setInterval(countDown, 15000);
})();
