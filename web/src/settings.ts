/** How a person likes the page: kept in this browser, never sent anywhere. */

import { effect, signal, type Signal } from "@preact/signals";

function kept<Value extends string>(name: string, values: readonly Value[]): Signal<Value> {
  const [first] = values as readonly [Value];
  const remembered = read(name);
  const setting = signal<Value>(values.find((value) => value === remembered) ?? first);
  effect(() => write(name, setting.value));
  return setting;
}

function read(name: string): string | null {
  try {
    return localStorage.getItem(`orienteer.${name}`);
  } catch {
    return null; // storage may be forbidden
  }
}

function write(name: string, value: string): void {
  try {
    localStorage.setItem(`orienteer.${name}`, value);
  } catch {
    // then the choice lasts as long as the page
  }
}

export const theme = kept("theme", ["system", "light", "dark"] as const);
export const tour = kept("tour", ["new", "seen"] as const);
const sides = kept("sides", ["radiological", "neurological"] as const);

/** True where the patient's right, or front, is shown at the left, as on a light box and in the report. */
export const radiological = {
  get value(): boolean {
    return sides.value === "radiological";
  },
  set value(on: boolean) {
    sides.value = on ? "radiological" : "neurological";
  },
};

export function applyTheme(): void {
  effect(() => {
    document.documentElement.dataset["theme"] = theme.value;
  });
}
