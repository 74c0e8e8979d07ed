"use strict";
// Shows the values nearest to the pointer, or steps through them by the arrow keys. Without this, the browser
// shows the same texts by itself, as titles.
const tip = document.createElement("div");
tip.id = "tip";
tip.hidden = true;
tip.setAttribute("role", "status");
document.body.append(tip);

function place(chart, hit) {
  const box = chart.getBoundingClientRect();
  const scale = box.width / chart.viewBox.baseVal.width;
  return { x: box.left + hit.x * scale, y: box.top + hit.y * scale };
}

function hide(chart) {
  tip.hidden = true;
  chart.querySelector(".cursor")?.remove();
}

function show(chart, hit) {
  hide(chart);
  const cursor = document.createElementNS(chart.namespaceURI, "circle");
  for (const [name, value] of Object.entries({ cx: hit.x, cy: hit.y, r: 7, class: "cursor" })) {
    cursor.setAttribute(name, value);
  }
  chart.append(cursor);
  tip.textContent = hit.text;
  tip.hidden = false;
  const at = place(chart, hit);
  const room = document.documentElement.clientWidth - tip.offsetWidth - 8;
  const above = at.y - tip.offsetHeight - 14;
  tip.style.left = `${Math.max(8, Math.min(at.x - tip.offsetWidth / 2, room)) + scrollX}px`;
  tip.style.top = `${(above > 4 ? above : at.y + 14) + scrollY}px`;
}

for (const chart of document.querySelectorAll("svg.chart")) {
  const hits = [...chart.querySelectorAll(".hit")].map((element) => {
    const title = element.querySelector("title");
    title.remove();
    return { x: +element.dataset.x, y: +element.dataset.y, text: title.textContent };
  });
  if (!hits.length) continue;
  let current = -1;
  chart.tabIndex = 0;
  chart.addEventListener("pointermove", (event) => {
    const distances = hits.map((hit) => {
      const at = place(chart, hit);
      return Math.hypot(at.x - event.clientX, (at.y - event.clientY) / 2);
    });
    current = distances.indexOf(Math.min(...distances));
    show(chart, hits[current]);
  });
  chart.addEventListener("pointerleave", () => hide(chart));
  chart.addEventListener("blur", () => hide(chart));
  chart.addEventListener("keydown", (event) => {
    const last = hits.length - 1;
    const next = { ArrowRight: current + 1, ArrowLeft: current < 0 ? last : current - 1, Home: 0, End: last }[event.key];
    if (event.key === "Escape") hide(chart);
    if (next === undefined) return;
    event.preventDefault();
    current = Math.max(0, Math.min(next, last));
    show(chart, hits[current]);
  });
}
