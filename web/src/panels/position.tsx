/** The position field: how well the model places single points within the views, where it was trained to. */

import type { JSX } from "preact";
import { count, mm } from "../format.ts";
import type { LookResponse } from "../api-types.ts";

export function PositionPanel({ look }: { look: LookResponse }): JSX.Element | null {
  const position = look.position;
  if (!position) return null;
  return (
    <section class="panel" aria-label="Position field">
      <h3>
        Where does every point lie? <span class="term">position field</span>
      </h3>
      <p class="figure">
        <b data-value="position_mm">{mm(position.error_mm)}</b> off on average
        {position.chance_mm == null ? null : (
          <span class="quiet">; guessing would be {mm(position.chance_mm)} off</span>
        )}
      </p>
      <p class="quiet small">
        {count(position.rows.length, "point")} of these views, each placed beside the others; only their common middle
        is given.
      </p>
    </section>
  );
}
