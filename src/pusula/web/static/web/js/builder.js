// The segment builder: the form is the state, the server draws it. This module sends changes of the
// tree, asks for counts while somebody types, keeps the focus, and knows the keys.

const form = document.querySelector("#desk");
const find = (selector) => document.querySelector(selector);
const TYPED_MS = 250;
let waiting = 0;
let isChanged = false;
let isSaving = false;
let left = null;

function send(op) {
  isChanged = true;
  left = op.startsWith("draw") ? null : document.activeElement;
  htmx.ajax("POST", location.pathname, {
    source: form,
    target: "#builder",
    swap: "outerHTML",
    values: { op },
  });
}

// Every button of the tree is a submit button with its change in op; saving alone leaves the page.
form.addEventListener("submit", (event) => {
  const op = event.submitter?.value ?? "draw";
  if (event.submitter?.matches("[data-plain]")) {
    isSaving = true; // the answer is a file: nobody leaves
    setTimeout(() => (isSaving = false), 1000);
    return;
  }
  if (op === "save") {
    if (isSaving) event.preventDefault(); // pressed twice
    isSaving = true;
    return;
  }
  event.preventDefault();
  event.submitter?.closest("[popover]")?.hidePopover();
  send(op);
});

const recount = () => htmx.trigger("#result", "recount");

function later(ms) {
  clearTimeout(waiting);
  waiting = setTimeout(recount, ms);
}

form.addEventListener("input", (event) => {
  isChanged = true;
  if (!event.target.matches("[data-redraws], [type=checkbox], .words *, .title, #who")) later(TYPED_MS);
});

form.addEventListener("change", (event) => {
  const box = event.target;
  if (box.matches("[data-redraws]")) send(`draw:${box.name.split(".")[0]}`);
  else if (box.matches(".many [name]")) showChosen(box.closest(".many"));
});

// What is ticked stands in the closed list.
function showChosen(many) {
  const ticked = [...many.querySelectorAll(":checked")].map((box) => box.parentElement.textContent.trim());
  const typed = many.querySelector("input:not([type])")?.value.trim();
  const words = [...ticked, ...(typed ? [typed] : [])].join(", ");
  const shown = many.querySelector("[data-chosen]");
  shown.textContent = words || shown.dataset.none;
  later(0);
}

// The counts of the conditions travel with the result.
document.body.addEventListener("htmx:afterSettle", (event) => {
  for (const count of find("#result [data-counts]")?.content.children ?? []) {
    document.getElementById(count.id)?.replaceWith(count.cloneNode(true));
  }
});

// The focus goes where the server says, unless somebody has moved on to another box meanwhile.
document.body.addEventListener("htmx:afterSettle", (event) => {
  if (event.detail.target.id !== "builder" && event.target.id !== "builder") return;
  const goal = find("#builder [data-focus]");
  const here = document.activeElement;
  const isThere = left && (here === left || (here.id && here.id === left.id));
  if (goal && (isThere || here === document.body || !form.contains(here))) goal.focus();
  else if (left && here === document.body) find("#builder button[value='add:inc'], #yaml")?.focus();
  htmx.trigger(document.body, "drawn");
});

// Lists to tick close on Escape and on a click outside; menus open beside their button.
document.addEventListener("click", (event) => {
  for (const many of document.querySelectorAll(".many[open]")) {
    if (!many.contains(event.target)) many.open = false;
  }
});

document.addEventListener("toggle", place, true);

function place(event) {
  const menu = event.target;
  if (event.newState !== "open" || !menu.matches?.(".pop--menu")) return;
  const button = find(`[popovertarget="${menu.id}"]`).getBoundingClientRect();
  const left = Math.max(8, Math.min(button.right, innerWidth - 8) - menu.offsetWidth);
  const below = button.bottom + 4;
  const fits = below + menu.offsetHeight <= innerHeight - 8;
  menu.style.left = `${left}px`;
  menu.style.top = `${fits ? below : Math.max(8, button.top - menu.offsetHeight - 4)}px`;
  menu.querySelector("button").focus();
}

const STEPS = { ArrowUp: "up", ArrowDown: "down" };

document.addEventListener("keydown", (event) => {
  const { target, key } = event;
  const menu = target.closest?.(".pop--menu");
  const node = target.closest?.("[data-node]")?.dataset.node;
  const control = event.ctrlKey || event.metaKey;
  if (menu && key in STEPS) {
    const buttons = [...menu.querySelectorAll("button")];
    const goal = buttons.indexOf(document.activeElement) + (key === "ArrowUp" ? -1 : 1);
    buttons.at(goal % buttons.length).focus();
  } else if (event.altKey && key in STEPS && node) send(`${STEPS[key]}:${node}`);
  else if (event.altKey && event.code === "KeyN") {
    send(`add:${target.closest?.("[data-group]")?.dataset.group ?? "inc"}`);
  } else if (control && key === "Enter") find("[data-save]").click();
  else if (control && key.toLowerCase() === "z" && !target.matches("input, textarea")) {
    send(event.shiftKey ? "redo" : "undo");
  } else if (key === "Enter" && target.matches("#builder input")) later(0);
  else if (key === "Enter" && target.matches("#who")) target.nextElementSibling.click();
  else if (key === "Escape" && target.closest?.(".many[open]")) {
    const many = target.closest(".many");
    many.open = false;
    many.querySelector("summary").focus();
  } else return;
  event.preventDefault();
});

// Back from where saving led, the page may be the one that was left: it can save again.
addEventListener("pageshow", () => {
  isSaving = false;
});

addEventListener("beforeunload", (event) => {
  if (isChanged && !isSaving) event.preventDefault();
});
