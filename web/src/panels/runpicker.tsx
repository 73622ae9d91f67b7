/** Which of two runs; nothing where one is open. */

import type { JSX } from "preact";
import { change, run, runs } from "../state.ts";

export function RunPicker(): JSX.Element | null {
  if (runs.value.length < 2) return null;
  return (
    <label class="field">
      Run{" "}
      <select value={run.value?.key} onChange={(event) => change({ run: event.currentTarget.value, step: null })}>
        {runs.value.map((each) => (
          <option key={each.key} value={each.key}>
            {each.name}
          </option>
        ))}
      </select>
    </label>
  );
}
