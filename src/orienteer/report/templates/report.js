"use strict";
(() => {
  const { figures, scenes } = JSON.parse(document.getElementById("data").textContent);
  const config = { displaylogo: false, modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"] };
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

  // Plotly does not break the titles of axes: on a phone they would be cut off.
  const broken = (text, pixels) => {
    const lines = [""];
    for (const word of text.split(" ")) {
      const longer = `${lines.at(-1)} ${word}`.trim();
      if (longer.length * 7 > pixels && lines.at(-1)) lines.push(word);
      else lines[lines.length - 1] = longer;
    }
    return lines.join("<br>");
  };

  const draw = (place, figure, options) => {
    const style = getComputedStyle(document.documentElement);
    drawn.set(place, [figure, options]);
    // Measured here and now: on paper there is no second chance.
    const layout = { ...fill(figure.layout, style), width: place.clientWidth };
    for (const [axis, pixels] of [[layout.xaxis, place.clientWidth - 110], [layout.yaxis, layout.height - 110]]) {
      if (axis?.title?.text) axis.title = { ...axis.title, text: broken(axis.title.text, pixels) };
    }
    return Plotly.react(place, fill(figure.data, style), layout, options);
  };

  const drawScenes = (closeup) => {
    for (const place of closeup.querySelectorAll("[data-scene]")) {
      const around = place.closest("figure");
      const scene = scenes[Number(place.dataset.scene)];
      const choice = scene.choices[Number(around.querySelector("input:checked").value)];
      around.querySelector("[data-caption]").textContent = choice.caption;
      const { camera } = scene.layout.scene; // a narrow picture is seen from farther away
      const far = place.clientWidth < 500 ? 1.5 : 1;
      const eye = Object.fromEntries(Object.entries(camera.eye).map(([axis, value]) => [axis, far * value]));
      const layout = { ...scene.layout, height: place.clientHeight, scene: { ...scene.layout.scene, camera: { ...camera, eye } } };
      draw(place, { data: scene.base.concat(choice.traces), layout }, config);
    }
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
      if (shown) drawScenes(closeup);
      else for (const scene of closeup.querySelectorAll("[data-scene]")) if (drawn.delete(scene)) Plotly.purge(scene);
    }
  };
  if (select) select.addEventListener("change", showExample);
  for (const closeup of closeups) {
    closeup.addEventListener("change", (event) => {
      const [kind] = event.target.name.split("-");
      if (kind === "walk") drawScenes(closeup);
      if (kind !== "pair") return;
      const around = event.target.closest("figure");
      for (const group of around.querySelectorAll("[data-pair]")) {
        if (group.dataset.pair === event.target.value) group.removeAttribute("display");
        else group.setAttribute("display", "none");
      }
      for (const line of around.querySelectorAll("[data-answer]")) line.hidden = line.dataset.answer !== event.target.value;
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
  };
  addEventListener("beforeprint", () => print(true));
  addEventListener("afterprint", () => print(false));

  let soon;
  addEventListener("resize", () => {
    clearTimeout(soon);
    soon = setTimeout(redraw, 120);
  });

  // The contents stand open where there is room, and behind a click on a phone; where one reads is marked.
  const follow = (contents) => {
    const wide = matchMedia("(min-width: 1051px)");
    const unfold = () => (contents.open = wide.matches);
    const measure = () => document.documentElement.style.setProperty("--bar", `${contents.offsetHeight}px`);
    wide.addEventListener("change", unfold);
    addEventListener("resize", measure);
    unfold();
    measure();
    const links = new Map([...contents.querySelectorAll("a")].map((link) => [link.hash.slice(1), link]));
    contents.addEventListener("click", (event) => event.target.closest("a") && unfold());
    const watcher = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) {
        if (!isIntersecting) continue;
        for (const link of links.values()) link.removeAttribute("aria-current");
        links.get(target.id)?.setAttribute("aria-current", "true");
      }
    }, { rootMargin: "-20% 0px -75% 0px" });
    for (const anchor of links.keys()) watcher.observe(document.getElementById(anchor));
  };
  const contents = document.querySelector(".contents details"); // a comparison has none
  if (contents) follow(contents);

  drawFigures(document);
  if (select) showExample();
  document.documentElement.dataset.ready = "yes";
})();
