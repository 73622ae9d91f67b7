/** Four steps for those who are here for the first time. */

import { signal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { show } from "../actions.ts";
import { tour } from "../settings.ts";

const STEPS = [
  {
    at: "verdict",
    title: "Read this first",
    text: "One sentence says whether the model has learned anatomy, is stuck, or reads its position from something else.",
  },
  {
    at: "planes",
    title: "Place views in the scan",
    text: "A view is a box cut out of the scan. Click in a plane to add one, drag its middle to move it, or press “Draw some”.",
  },
  {
    at: "numbers",
    title: "See what it makes of them",
    text: "From the boxes alone the model says how far and which way they lie apart. Blue is what it says, orange the truth. Press a cell to see its pair.",
  },
  {
    at: "tabs",
    title: "Then put it to the test",
    text: "Find a point in another body, watch the model learn, spoil its views, open its worst cases. “?” lists every key.",
  },
] as const;

const step = signal(tour.peek() === "new" ? 0 : -1);

export function startTour(): void {
  show("explore");
  step.value = 0;
}

function end(): void {
  step.value = -1;
  tour.value = "seen";
}

export function Tour(): JSX.Element | null {
  const card = useRef<HTMLDivElement>(null);
  const now = STEPS[step.value];
  useEffect(() => {
    if (!now) return undefined;
    const target = document.querySelector<HTMLElement>(`[data-tour="${now.at}"]`);
    target?.classList.add("toured");
    target?.scrollIntoView({ block: "nearest" });
    card.current?.focus({ preventScroll: true });
    return () => target?.classList.remove("toured");
  }, [now]);
  if (!now) return null;
  const last = step.value === STEPS.length - 1;
  return (
    <div
      ref={card}
      class="tour"
      role="dialog"
      aria-label={`Tour: ${now.title}`}
      tabindex={-1}
      data-step={step.value + 1}
      onKeyDown={(event) => {
        if (event.key === "Escape") end();
        event.stopPropagation();
      }}
    >
      <p class="quiet small">
        {step.value + 1} of {STEPS.length}
      </p>
      <h3>{now.title}</h3>
      <p>{now.text}</p>
      <p class="bar end">
        <button type="button" class="plain" onClick={end}>
          {last ? "Close" : "Skip"}
        </button>
        {step.value > 0 ? (
          <button type="button" onClick={() => (step.value -= 1)}>
            Back
          </button>
        ) : null}
        <button type="button" class="main" data-do="next" onClick={() => (last ? end() : (step.value += 1))}>
          {last ? "Start" : "Next"}
        </button>
      </p>
    </div>
  );
}
