/** The page as it is seen now as a PNG: the still copy is laid out by the browser inside an SVG, then painted. */

import { still, styleSheet } from "./snapshot.ts";

const SHARPNESS = 2;

export async function picture(element: HTMLElement): Promise<Blob> {
  const { width, height } = element.getBoundingClientRect();
  const body = document.createElement("div");
  body.className = "still";
  body.dataset["theme"] = shownTheme();
  const style = document.createElement("style");
  // An SVG has no html or body element: their rules go to the copy's own frame.
  style.textContent = (await styleSheet())
    .replaceAll(/:root|\bhtml\b(?=[[ ,{])|\bbody\b(?=[. ,{])/g, ".still")
    .replaceAll("100vh", `${innerHeight}px`);
  body.append(still(element));
  const inside = new XMLSerializer().serializeToString(body);
  const css = new XMLSerializer().serializeToString(style);
  const [w, h] = [Math.ceil(width), Math.ceil(height)];
  // At its own size, so that rules for narrow pages hold; the browser draws it sharper when it paints it larger.
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${w}" height="${h}"><foreignObject width="${w}" height="${h}">${css}${inside}</foreignObject></svg>`;
  const image = await loaded(`data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`);
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [w * SHARPNESS, h * SHARPNESS];
  canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("this browser made no picture"))), "image/png");
  });
}

function shownTheme(): string {
  const chosen = document.documentElement.dataset["theme"];
  if (chosen === "light" || chosen === "dark") return chosen;
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

function loaded(address: string): Promise<HTMLImageElement> {
  return new Promise((resolve, reject) => {
    const image = new Image();
    image.onload = () => resolve(image);
    image.onerror = () => reject(new Error("this browser cannot paint the page; save it as HTML instead"));
    image.src = address;
  });
}

export function download(blob: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
