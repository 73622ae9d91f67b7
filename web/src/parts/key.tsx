/** What the lines in the pictures mean. */

import type { JSX } from "preact";
import { radiological } from "../settings.ts";

export function Key(): JSX.Element {
  return (
    <p class="key-line">
      <span>
        <i class="key model" /> what the model says
      </span>
      <span>
        <i class="key truth" /> truth
      </span>
      <span>
        <i class="key near" /> near pieces
      </span>
      <span>
        <i class="key far" /> far pieces
      </span>
      <label>
        <input
          type="checkbox"
          checked={radiological.value}
          onChange={(event) => (radiological.value = event.currentTarget.checked)}
        />{" "}
        patient's right at the left
      </label>
    </p>
  );
}
