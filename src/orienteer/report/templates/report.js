"use strict";
(() => {
  const { figures, scenes } = JSON.parse(document.getElementById("data").textContent);
  const config = { responsive: true, displaylogo: false, modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"] };
  const flat = { ...config, displayModeBar: false };
  const drawn = new Map();

  // Colours are written as tokens (@model) and filled in from the style sheet, so that one figure serves every theme.
  const fill = (value, style) => {
    if (typeof value === "string") {
      return /^@[a-z-]+$/.test(value) ? style.getPropertyValue("--" + value.slice(1)).trim() || value : value;
    }
    if (Array.isArray(value)) return value.map((item) => fill(item, style));
    if (value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, fill(item, style)]));
    }
    return value;
  };

  const draw = (place, figure, options) => {
    const style = getComputedStyle(document.documentElement);
    drawn.set(place, [figure, options]);
    return Plotly.react(place, fill(figure.data, style), fill(figure.layout, style), options);
  };

  const drawScene = (closeup) => {
    const place = closeup.querySelector("[data-scene]");
    if (!place) return;
    const number = Number(place.dataset.scene);
    const chosen = closeup.querySelector(`input[name="route-${number}"]:checked`);
    const choice = scenes[number].choices[Number(chosen.value)];
    closeup.querySelector(`[data-caption="${number}"]`).textContent = choice.caption;
    draw(place, { data: scenes[number].base.concat(choice.traces), layout: scenes[number].layout }, config);
  };

  const drawFigures = (root) => {
    for (const place of root.querySelectorAll("[data-figure]")) {
      const closed = place.closest("details:not([open])");
      if (!closed && !drawn.has(place)) draw(place, figures[place.dataset.figure], flat);
    }
  };

  const select = document.getElementById("example");
  const closeups = [...document.querySelectorAll("[data-example]")];
  const showExample = () => {
    for (const closeup of closeups) {
      const shown = closeup.dataset.example === select.value;
      closeup.hidden = !shown;
      // A browser keeps only a handful of 3D views alive, so the hidden ones are let go.
      const scene = closeup.querySelector("[data-scene]");
      if (shown) drawScene(closeup);
      else if (scene && drawn.delete(scene)) Plotly.purge(scene);
    }
  };
  if (select) select.addEventListener("change", showExample);
  for (const closeup of closeups) {
    closeup.addEventListener("change", (event) => {
      const [kind] = event.target.name.split("-");
      if (kind === "route") drawScene(closeup);
      if (kind !== "pair") return;
      for (const group of closeup.querySelectorAll("[data-pair]")) {
        if (group.dataset.pair === event.target.value) group.removeAttribute("display");
        else group.setAttribute("display", "none");
      }
      for (const line of closeup.querySelectorAll("[data-answer]")) line.hidden = line.dataset.answer !== event.target.value;
    });
  }
  for (const details of document.querySelectorAll("details.more")) {
    details.addEventListener("toggle", () => drawFigures(details));
  }

  const redraw = () => { for (const [place, [figure, options]] of [...drawn]) draw(place, figure, options); };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  const print = (on) => {
    document.documentElement.classList.toggle("print", on);
    redraw();
    for (const place of drawn.keys()) Plotly.Plots.resize(place);
  };
  addEventListener("beforeprint", () => print(true));
  addEventListener("afterprint", () => print(false));

  drawFigures(document);
  if (select) showExample();
  document.documentElement.dataset.ready = "yes";
})();
