/** Colour maps ordered by lightness, and the ink that can be read on them. The same anchors as the report's. */

export const SEQUENTIAL = ["#fdf6d8", "#f6c667", "#dd7a3f", "#a23b55", "#4a1a57"] as const;
export const DIVERGING = ["#134b8a", "#6fa8dc", "#f4f4f4", "#f0a35e", "#9c3d00"] as const;
export const SIMILARITY = ["#2f6bff", "#8fb8ff", "#ffffff", "#ffd166", "#ff9500"] as const;

/** On film, which is black in every theme: what the model says, and what is true. */
export const FILM = { model: "#62b0f5", truth: "#ffa247", bad: "#ff7aa8", box: "#d7e3ee", chosen: "#ffffff" } as const;

export type Rgb = readonly [number, number, number];

export function rgb(colour: string): Rgb {
  const part = (at: number): number => parseInt(colour.slice(at, at + 2), 16);
  return [part(1), part(3), part(5)];
}

/** The colour at `fraction` (0 to 1, clipped) between `anchors`. */
export function blend(anchors: readonly string[], fraction: number): Rgb {
  const place = Math.min(1, Math.max(0, fraction)) * (anchors.length - 1);
  const low = Math.min(Math.floor(place), anchors.length - 2);
  const [a, b, weight] = [rgb(anchors[low] ?? "#000000"), rgb(anchors[low + 1] ?? "#000000"), place - low];
  return [0, 1, 2].map((n) => Math.round((a[n] ?? 0) * (1 - weight) + (b[n] ?? 0) * weight)) as unknown as Rgb;
}

export const css = (colour: Rgb): string => `#${colour.map((value) => value.toString(16).padStart(2, "0")).join("")}`;
export const mix = (anchors: readonly string[], fraction: number): string => css(blend(anchors, fraction));

/** Black or white, whichever reads better on `colour` (WCAG relative luminance). */
export function inkOn(colour: string): string {
  const linear = rgb(colour).map((value) => {
    const c = value / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  });
  const light = (linear[0] ?? 0) * 0.2126 + (linear[1] ?? 0) * 0.7152 + (linear[2] ?? 0) * 0.0722;
  return light > 0.18 ? "#111111" : "#ffffff";
}

/** Colour of a cosine similarity, -1 to 1; that of 0 where there is none. */
export const similarity = (value: number | null): string => mix(SIMILARITY, ((value ?? 0) + 1) / 2);
