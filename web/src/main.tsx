/** Starts the page. */

import { effect } from "@preact/signals";
import { render } from "preact";
import { begin, keepLooking } from "./actions.ts";
import { App, helping } from "./app.tsx";
import { listen } from "./keys.ts";
import { follow } from "./live.ts";
import { applyTheme } from "./settings.ts";
import { failure, rememberInAddress, run, settled, volume } from "./state.ts";

applyTheme();
const root = document.querySelector<HTMLElement>("#page");
if (root) render(<App />, root);
listen(() => (helping.value = !helping.value));
effect(() => {
  if (run.value) document.title = `${run.value.name} · Orienteer observatory`;
});
// For those who wait for the page: scripts, screen recorders, tests.
effect(() => {
  document.documentElement.dataset["ready"] = (volume.value !== null && settled.value) || failure.value ? "yes" : "no";
});
begin().then(
  () => {
    keepLooking();
    rememberInAddress();
    follow();
  },
  (problem: unknown) => {
    failure.value = problem instanceof Error ? problem : new Error(String(problem));
  },
);
