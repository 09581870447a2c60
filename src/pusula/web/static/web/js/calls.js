// One key notes what a call came to: each button names its own in aria-keyshortcuts.

let isLeaving = false;
document.addEventListener("submit", () => {
  isLeaving = true;
});
document.addEventListener("keydown", (event) => {
  const typing = event.target.matches("input, textarea, select, [contenteditable]");
  if (isLeaving || typing || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
  const key = event.key.toLowerCase();
  if (!/^[a-z0-9]$/.test(key)) return;
  document.querySelector(`button[aria-keyshortcuts="${key}"]`)?.click();
});
