
"use strict";
const find = (id) => document.getElementById(id);
const [viewer, stage, pair, before, after, slider, zoom, slide] =
  ["viewer", "stage", "pair", "before", "after", "slider", "zoom", "slide"].map(find);
let source = null;

function fit() {
  // At 100 % one pixel of the rendition is one of the page; else the picture fills the window, up to twice its size.
  const [width, height] = [after.naturalWidth, after.naturalHeight];
  const full = zoom.getAttribute("aria-pressed") === "true";
  const room = Math.min(stage.clientWidth / width, stage.clientHeight / height, 2);
  const scale = full ? 1 : room;
  after.style.width = `${Math.round(width * scale)}px`;
  after.style.height = `${Math.round(height * scale)}px`;
}

function cut() { pair.style.setProperty("--cut", `${slider.value}%`); }

function compare(on) {
  slide.setAttribute("aria-pressed", on);
  before.hidden = slider.hidden = !on;
  pair.classList.toggle("comparing", on);
  if (on) { before.src = source.src; slider.value = 50; cut(); slider.focus(); }
}

function show(image, comparing) {
  source = find(image.dataset.source || "");
  after.src = image.src;
  after.alt = image.alt;
  find("caption").textContent = image.alt;
  slide.hidden = !source;
  zoom.setAttribute("aria-pressed", "false");
  viewer.showModal();
  after.decode().then(fit, fit);
  compare(comparing);
}

for (const button of document.querySelectorAll(".look")) {
  button.addEventListener("click", () => show(button.querySelector("img"), false));
}
for (const button of document.querySelectorAll(".compare")) {
  button.hidden = false;
  button.addEventListener("click", () => show(button.closest("figure").querySelector("img"), true));
}
slider.addEventListener("input", cut);
slide.addEventListener("click", () => compare(slide.getAttribute("aria-pressed") !== "true"));
zoom.addEventListener("click", () => {
  zoom.setAttribute("aria-pressed", zoom.getAttribute("aria-pressed") !== "true");
  fit();
});
after.addEventListener("click", () => zoom.click());
find("close").addEventListener("click", () => viewer.close());
viewer.addEventListener("close", () => { after.removeAttribute("src"); before.removeAttribute("src"); });
window.addEventListener("resize", () => { if (viewer.open) fit(); });
