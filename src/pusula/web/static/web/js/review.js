// One key decides: each button of the page names its own in aria-keyshortcuts.

document.addEventListener("keydown", (event) => {
  const typing = event.target.matches("input, textarea, select, [contenteditable]");
  if (typing || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
  const key = event.key.toLowerCase();
  if (!/^[a-z]$/.test(key)) return;
  document.querySelector(`button[aria-keyshortcuts="${key}"]`)?.click();
});
