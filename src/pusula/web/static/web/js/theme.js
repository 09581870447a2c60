// The theme switch without a round trip. Without this module its buttons post a form instead.

const YEAR = 365 * 24 * 60 * 60;

document.addEventListener("submit", (event) => {
  const theme = event.target.matches("form.theme") && event.submitter?.value;
  if (!theme) return;
  event.preventDefault();
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `theme=${theme}; path=/; max-age=${YEAR}; samesite=lax${secure}`;
  document.documentElement.dataset.theme = theme;
  event.target.querySelector(`button:not([value="${theme}"])`)?.focus();
});
