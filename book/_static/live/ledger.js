// Search and filters of the ledger. The view stands in the address, so that it can be linked: #verdict=differs&standing=live.
// The rows are in the page; without this script all of them are shown.
"use strict";
(() => {
  const place = document.getElementById("ledger-filters");
  const rows = [...document.querySelectorAll("details.row[id]")];
  if (!place || !rows.length) return;

  const KEYS = { of: "claims of", verdict: "verdict", standing: "origin", chapter: "chapter", slide: "slide" };
  const WORDS = { talk: "the talk", package: "this package", "cited-only": "cited only", "not-settled": "not settled", "not-run": "not run",
    definition: "by definition", meets: "meets our target", reported: "only reported", index: "the talk as a whole" };
  const sections = [...new Set(rows.map((row) => row.closest("section")))];
  const texts = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));
  const controls = {};

  function choice(key) {
    const label = document.createElement("label"), select = document.createElement("select");
    const count = new Map();
    for (const row of rows) if (row.dataset[key]) count.set(row.dataset[key], (count.get(row.dataset[key]) || 0) + 1);
    select.append(new Option("all", "all"));
    for (const [value, n] of count) select.append(new Option(`${WORDS[value] || value.replaceAll("_", " ")} (${n})`, value));
    label.append(KEYS[key], select);
    controls[key] = select;
    return label;
  }

  const form = document.createElement("form"), found = document.createElement("p"), reset = document.createElement("button");
  const search = document.createElement("label"), text = document.createElement("input");
  text.type = "search";
  text.placeholder = "energy, MNIST, slide 19 …";
  search.append("search", text);
  controls.q = text;
  reset.type = "button";
  reset.textContent = "clear";
  found.setAttribute("aria-live", "polite");
  form.setAttribute("aria-label", "filter the ledger");
  form.append(search, ...Object.keys(KEYS).map(choice), reset, found);
  form.className = "ledger-filters";
  place.append(form);

  // What the address asks for. Without any wish, the talk's claims; a plain anchor needs all rows.
  function asked() {
    const hash = decodeURIComponent(location.hash.slice(1));
    if (/^claim-/.test(hash)) return { target: document.getElementById(hash), of: "talk" };
    if (hash && !hash.includes("=")) return { anchor: document.getElementById(hash) };
    return hash ? Object.fromEntries(new URLSearchParams(location.hash.slice(1))) : { of: "talk" };
  }

  function show(view) {
    const words = (view.q || "").toLowerCase().split(/\s+/).filter(Boolean);
    let n = 0;
    for (const row of rows) {
      const fits = Object.keys(KEYS).every((key) => !view[key] || view[key] === "all" || row.dataset[key] === view[key]);
      row.hidden = !(fits && words.every((word) => texts.get(row).includes(word))) && row !== view.target;
      row.classList.toggle("target", row === view.target);
      n += !row.hidden;
    }
    for (const section of sections) section.hidden = !section.querySelector("details.row:not([hidden])");
    found.textContent = `${n} of ${rows.length} claims`;
    const to = view.target || view.anchor;
    if (view.target) view.target.open = true;
    if (to) to.scrollIntoView({ block: view.target ? "center" : "start" });
  }

  function read() {
    const view = asked();
    for (const [key, control] of Object.entries(controls)) {
      control.value = view[key] || (key === "q" ? "" : "all");
      if (control.selectedIndex === -1) control.value = "all"; // no such value
    }
    show(view);
  }

  function chosen() {
    const view = {};
    for (const [key, control] of Object.entries(controls)) if (control.value && control.value !== "all") view[key] = control.value;
    if (!Object.keys(view).length) view.of = "all";
    history.replaceState(null, "", `#${new URLSearchParams(view)}`);
    show(view);
  }

  form.addEventListener("input", chosen);
  form.addEventListener("submit", (event) => event.preventDefault());
  reset.addEventListener("click", () => { form.reset(); chosen(); });
  window.addEventListener("hashchange", read);
  read();
})();
