// A cursor over server-drawn charts, by pointer and by arrow keys. The points travel in data-points
// of each drawing: [[x, y, label, value], …] in the drawing's own units.

const points = (svg) => (svg.points ??= JSON.parse(svg.dataset.points));
const drawing = (event) => event.target.closest?.(".chart svg[data-points]");

function show(svg, index) {
  const all = points(svg);
  svg.at = Math.max(0, Math.min(all.length - 1, index));
  const [x, y, label, value] = all[svg.at];
  const cursor = svg.querySelector(".chart__cursor");
  const line = cursor.querySelector("line");
  const dot = cursor.querySelector("circle");
  line.setAttribute("x1", x);
  line.setAttribute("x2", x);
  dot.setAttribute("cx", x);
  dot.setAttribute("cy", y);
  cursor.setAttribute("visibility", "visible");

  const chart = svg.closest(".chart");
  const tip = chart.querySelector(".chart__tip");
  tip.replaceChildren(Object.assign(document.createElement("b"), { textContent: value }), label);
  tip.hidden = false;
  const scale = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
  const half = tip.offsetWidth / 2;
  tip.style.left = `${Math.max(half, Math.min(x * scale, chart.clientWidth - half))}px`;
  tip.style.top = `${y * scale - 10}px`;
}

function hide(svg) {
  svg.querySelector(".chart__cursor").setAttribute("visibility", "hidden");
  svg.closest(".chart").querySelector(".chart__tip").hidden = true;
}

function nearest(svg, clientX) {
  const box = svg.getBoundingClientRect();
  const x = ((clientX - box.left) / box.width) * svg.viewBox.baseVal.width;
  const distances = points(svg).map((point) => Math.abs(point[0] - x));
  return distances.indexOf(Math.min(...distances));
}

document.addEventListener("pointermove", (event) => {
  const svg = drawing(event);
  if (svg) show(svg, nearest(svg, event.clientX));
});

document.addEventListener("pointerout", (event) => {
  const svg = drawing(event);
  if (svg && !svg.contains(event.relatedTarget)) hide(svg);
});

document.addEventListener("keydown", (event) => {
  const svg = drawing(event);
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (!svg || !step) return;
  event.preventDefault();
  show(svg, (svg.at ?? points(svg).length) + step);
});

document.addEventListener("focusout", (event) => {
  const svg = drawing(event);
  if (svg) hide(svg);
});
