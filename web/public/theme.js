// Before the first paint: the colours that were chosen here last, if any. Otherwise the system's hold.
try {
  const chosen = localStorage.getItem("cpcs-theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
} catch {
  // No storage: the system's colours.
}
