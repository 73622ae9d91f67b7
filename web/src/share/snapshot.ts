/** The page as it is seen now, as one still document: pictures inside, nothing to run, nothing to fetch. */

/** Called just before pictures are read, by whoever must draw again first. */
export const redraws = new Set<() => void>();

const DROPPED = "script, link, dialog, .tour, .no-share, .trouble";

/** A still copy of `element`: canvases become images, controls keep what was chosen. */
export function still(element: HTMLElement): HTMLElement {
  const copy = element.cloneNode(true) as HTMLElement;
  redraws.forEach((redraw) => redraw());
  replaceCanvases(element, copy);
  keepChoices(element, copy);
  copy.querySelectorAll(DROPPED).forEach((each) => each.remove());
  copy.querySelectorAll("button, input, select").forEach((each) => each.setAttribute("disabled", ""));
  copy.querySelectorAll("[tabindex]").forEach((each) => each.removeAttribute("tabindex"));
  return copy;
}

function replaceCanvases(from: HTMLElement, copy: HTMLElement): void {
  const drawn = [...from.querySelectorAll("canvas")];
  [...copy.querySelectorAll("canvas")].forEach((canvas, n) => {
    const image = document.createElement("img");
    image.className = canvas.className;
    image.alt = "";
    image.src = drawn[n]?.toDataURL("image/png") ?? "";
    canvas.replaceWith(image);
  });
}

function keepChoices(from: HTMLElement, copy: HTMLElement): void {
  const chosen = [...from.querySelectorAll("select")];
  [...copy.querySelectorAll("select")].forEach((select, n) => {
    [...select.options].forEach((option, at) => option.toggleAttribute("selected", at === chosen[n]?.selectedIndex));
  });
  const inputs = [...from.querySelectorAll("input")];
  [...copy.querySelectorAll("input")].forEach((input, n) => {
    input.setAttribute("value", inputs[n]?.value ?? "");
    input.toggleAttribute("checked", inputs[n]?.checked ?? false);
  });
}

export async function styleSheet(): Promise<string> {
  return (await fetch("app.css", { credentials: "same-origin" })).text();
}

const POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";

/** One HTML file that shows `element` without a network, a server or a script. */
export async function offlineFile(element: HTMLElement, title: string, credit: string): Promise<Blob> {
  const page = document.implementation.createHTMLDocument(title);
  page.documentElement.lang = "en";
  page.documentElement.dataset["theme"] = document.documentElement.dataset["theme"] ?? "system";
  const meta = (attributes: Record<string, string>): void => {
    const tag = page.createElement("meta");
    Object.entries(attributes).forEach(([name, value]) => tag.setAttribute(name, value));
    page.head.prepend(tag);
  };
  meta({ name: "viewport", content: "width=device-width, initial-scale=1" });
  meta({ "http-equiv": "Content-Security-Policy", content: POLICY });
  meta({ charset: "utf-8" });
  const footer = page.createElement("footer");
  footer.textContent = credit;
  page.body.className = "still";
  page.body.append(page.adoptNode(still(element)), footer);
  // The style sheet goes in as text: as an element, this page's own policy would stop it.
  const style = `<style>${(await styleSheet()).replaceAll("</", "<\\/")}</style></head>`;
  const html = page.documentElement.outerHTML.replace("</head>", () => style);
  return new Blob(["<!doctype html>\n", html], { type: "text/html" });
}
