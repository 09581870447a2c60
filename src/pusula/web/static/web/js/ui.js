// What every page shares: search key, side menu, toasts, and what htmx does when an answer fails.

const find = (selector, root = document) => root.querySelector(selector);
const WIDE = matchMedia("(min-width: 981px)");
const TOAST_LASTS_MS = 8000;

// Ctrl K (⌘ K) and "/" lead to the search box.
document.addEventListener("keydown", (event) => {
  const typing = event.target.matches("input, textarea, select, [contenteditable]");
  const wanted =
    ((event.ctrlKey || event.metaKey) && event.key === "k") || (event.key === "/" && !typing);
  const box = wanted && (find("[data-search-box=first]") ?? find("[data-search-box]"));
  if (!box) return;
  event.preventDefault();
  box.focus();
  box.select();
});

// The side is a popover on phones only; on a wide screen it must not stay in the top layer.
WIDE.addEventListener("change", () => {
  const side = find("#side");
  if (WIDE.matches && side?.matches(":popover-open")) side.hidePopover();
});

// Toasts leave by themselves, but not while somebody reads or focuses them.
function watchToasts() {
  for (const toast of document.querySelectorAll(".toast:not([data-watched])")) {
    toast.dataset.watched = "";
    const leave = () => {
      if (toast.matches(":hover, :focus-within")) setTimeout(leave, TOAST_LASTS_MS);
      else toast.remove();
    };
    setTimeout(leave, TOAST_LASTS_MS);
  }
}

document.addEventListener("click", (event) => {
  event.target.closest?.("[data-close-toast]")?.closest(".toast").remove();
});

// An answer that fails leaves the region as it was and shows why; the next one hides that again.
function regionError(event, isHidden) {
  const region = event.detail.target?.closest?.(".region");
  const note = region && find(`[data-error-of="${region.id}"]`);
  if (note) note.hidden = isHidden;
}

for (const name of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) {
  document.body.addEventListener(name, (event) => regionError(event, false));
}

document.body.addEventListener("htmx:afterSwap", (event) => regionError(event, true));

// What changed is said once, after settling: the region's [data-say], if it has one.
document.body.addEventListener("htmx:afterSettle", (event) => {
  const text = event.detail.target?.querySelector?.("[data-say]")?.textContent.trim();
  if (text) find("#say").textContent = text;
  watchToasts();
});

watchToasts();
