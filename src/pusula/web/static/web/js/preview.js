// The message's HTML beside its form: drawn anew in the frame whenever the preview was.

const form = document.querySelector("#campaign-form, #template-form");
const draw = () => form.requestSubmit(form.querySelector("[data-preview]"));

document.body.addEventListener("htmx:afterSettle", (event) => {
  if (event.detail.target.id === "preview") draw();
});

draw();
