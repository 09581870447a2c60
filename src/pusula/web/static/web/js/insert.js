// The list of fields beside a text: a click puts the field where the cursor was last.

const form = document.querySelector("[data-preview-form]");
let last = form.querySelector("textarea, input.input");

form.addEventListener("focusin", (event) => {
  if (event.target.matches("textarea, input.input")) last = event.target;
});

for (const code of form.querySelectorAll("[data-insert-list] code")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "chip";
  button.textContent = code.textContent;
  button.addEventListener("click", () => {
    last.setRangeText(code.textContent, last.selectionStart, last.selectionEnd, "end");
    last.focus();
    last.dispatchEvent(new Event("input", { bubbles: true }));
  });
  code.replaceWith(button);
}
