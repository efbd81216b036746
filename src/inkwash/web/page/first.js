/* Before the first frame: the theme, which would flash otherwise; and an explanation where modules cannot be loaded. */

(() => {
  const system = matchMedia("(prefers-color-scheme: dark)");
  function applyTheme() {
    const stored = localStorage.getItem("inkwash-theme");
    document.documentElement.dataset.theme = stored ?? (system.matches ? "dark" : "light");
  }
  applyTheme();
  system.addEventListener("change", applyTheme);
  addEventListener("inkwash-theme", applyTheme);
  if (location.protocol !== "file:") return;
  addEventListener("DOMContentLoaded", () => {
    const text = "Browsers load this page only from a server. In its folder, run: python -m http.server --bind 127.0.0.1 8000, and open http:" + "//127.0.0.1:8000/";
    document.getElementById("view").innerHTML = "<p class='problem'></p>";
    document.querySelector("#view p").textContent = text;
  });
})();
