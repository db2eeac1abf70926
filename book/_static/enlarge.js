// A figure fills the window when it is clicked, tapped, or chosen by Enter; Escape or another click closes it.
"use strict";
addEventListener("DOMContentLoaded", () => {
  const dialog = document.createElement("dialog");
  dialog.className = "enlarged";
  dialog.addEventListener("click", () => dialog.close());
  addEventListener("keydown", (event) => event.key === "Escape" && dialog.close());
  document.body.append(dialog);
  for (const img of document.querySelectorAll(".bd-article figure > img, .bd-article figure > a > img")) {
    const open = (event) => {
      event.preventDefault();
      const copy = img.cloneNode();
      for (const name of ["tabindex", "role", "id", "title"]) copy.removeAttribute(name);
      dialog.setAttribute("aria-label", img.alt);
      dialog.replaceChildren(copy);
      dialog.showModal();
    };
    img.tabIndex = 0;
    img.setAttribute("role", "button");
    img.title = "enlarge";
    img.addEventListener("click", open);
    img.addEventListener("keydown", (event) => event.key === "Enter" && open(event));
  }
});
