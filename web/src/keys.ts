/** Keys that work everywhere on the page but in a field. Those of a plane are the plane's own. */

import { choose, choosePair, draw, keyStep, nudge, show } from "./actions.ts";
import { AXIAL } from "./geometry/planes.ts";
import { TABS } from "./link.ts";
import { radiological } from "./settings.ts";
import { failure, state } from "./state.ts";

export const KEYS: readonly (readonly [string, string])[] = [
  ["1 … 6", "choose a view"],
  ["← → ↑ ↓", "move the chosen view by one voxel: right and left, front and back; in a plane, along that plane"],
  ["Page up, Page down", "move it up and down; in a plane, through that plane"],
  ["Shift with these", "ten voxels"],
  ["Enter, in a plane", "what a click does, at the crossing lines"],
  ["D", "draw as many views anew"],
  ["E W L J", "Explore, Where am I?, Watch it learn, Judge"],
  ["Esc", "let go of the chosen pair"],
  ["?", "this list"],
];

const FIELDS = "input, select, textarea, dialog, [role=application]";
let seed = 100;

export function listen(help: () => void): void {
  document.addEventListener("keydown", (event) => {
    const within = event.target instanceof Element && event.target.closest(FIELDS) !== null;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const escapes = event.key === "?" || event.key === "Escape" || /^[1-6]$/.test(event.key);
    const typing =
      event.target instanceof Element && event.target.closest("input:not([type=range]), select, dialog") !== null;
    if (typing || (within && !escapes)) return;
    if (press(event, help)) event.preventDefault();
  });
}

function press(event: KeyboardEvent, help: () => void): boolean {
  const key = event.key.toLowerCase();
  const tab = TABS.find((name) => name[0] === key);
  const step = state.peek().tab === "explore" ? keyStep(AXIAL, event.key, radiological.value) : null;
  if (/^[1-6]$/.test(key)) choose(Number(key) - 1);
  else if (step) nudge(step.axis, step.way * (event.shiftKey ? 10 : 1));
  else if (tab) show(tab);
  else if (key === "d")
    draw(state.peek().centres.length, (seed += 1)).catch((problem: Error) => (failure.value = problem));
  else if (key === "escape") choosePair(null);
  else if (key === "?") help();
  else return false;
  return true;
}
