// What makes the page nicer; without it everything works by links and forms.
"use strict";
(function () {
  const root = document.documentElement;
  root.classList.remove("no-script");

  // Airflow's theme: the class of its document where we are framed, else what it keeps for itself.
  function theme() {
    try {
      if (parent !== window) {
        const names = parent.document.documentElement.classList;
        if (names.contains("dark")) return "dark";
        if (names.contains("light")) return "light";
      }
      const kept = localStorage.getItem("theme");
      if (kept === "dark" || kept === "light") return kept;
    } catch (error) { /* another origin frames us: the browser's own preference holds */ }
    return "";
  }
  function dress() {
    const found = theme();
    if (found) root.dataset.theme = found; else delete root.dataset.theme;
  }
  dress();
  try {
    if (parent !== window) {
      new MutationObserver(dress).observe(parent.document.documentElement, { attributeFilter: ["class"] });
    }
    addEventListener("storage", dress);
  } catch (error) { /* as above */ }

  addEventListener("DOMContentLoaded", function () {
    // No jump to a place on the page: the focus says where one is.
    for (const form of document.querySelectorAll("form.list")) form.action = location.pathname;
    // Typing in a filter asks again after a moment; the field keeps the focus.
    for (const field of document.querySelectorAll("form.list input[type=search]")) {
      let timer = 0;
      field.addEventListener("input", function () {
        clearTimeout(timer);
        timer = setTimeout(function () {
          sessionStorage.setItem("lethe-find", String(field.selectionStart));
          field.form.requestSubmit();
        }, 450);
      });
      const place = sessionStorage.getItem("lethe-find");
      if (place !== null) {
        sessionStorage.removeItem("lethe-find");
        field.focus();
        field.setSelectionRange(Number(place), Number(place));
      }
    }
    for (const choice of document.querySelectorAll("form.list select")) {
      choice.addEventListener("change", function () { choice.form.requestSubmit(); });
    }
    // After sorting, the header that was pressed has the focus again.
    for (const button of document.querySelectorAll("thead button[name=sort]")) {
      const column = button.value.split(":")[0];
      button.addEventListener("click", function () { sessionStorage.setItem("lethe-sort", column); });
      if (sessionStorage.getItem("lethe-sort") === column) {
        sessionStorage.removeItem("lethe-sort");
        button.focus();
      }
    }
    // A sign-in cannot be shown inside the frame: Airflow's own document goes there.
    for (const link of document.querySelectorAll("a[data-top]")) {
      link.addEventListener("click", function (event) {
        try {
          const above = parent.document.createElement("a");
          above.href = link.href;
          above.click();
          event.preventDefault();
        } catch (error) { /* the link is followed here */ }
      });
    }
    // One click decides once.
    for (const form of document.querySelectorAll("form[method=post]")) {
      form.addEventListener("submit", function (event) {
        if (form.dataset.sent) event.preventDefault();
        form.dataset.sent = "yes";
      });
    }
  });
})();
