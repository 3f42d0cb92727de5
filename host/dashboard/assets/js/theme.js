// Light or dark: as the system, until somebody says otherwise.

const KEY = "ringwright.theme";
const THEMES = ["system", "light", "dark"];
const SIGNS = { system: "◐", light: "☀", dark: "☾" };

/** Has a button go through the themes. */
export function themes(button) {
  const set = (theme) => {
    if (theme === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    localStorage.setItem(KEY, theme);
    button.textContent = SIGNS[theme];
    button.setAttribute("aria-label", theme === "system" ? "Theme: as the system" : `Theme: ${theme}`);
    button.title = button.getAttribute("aria-label");
  };
  const now = () => localStorage.getItem(KEY) ?? "system";
  button.addEventListener("click", () => set(THEMES[(THEMES.indexOf(now()) + 1) % THEMES.length]));
  set(THEMES.includes(now()) ? now() : "system");
}
