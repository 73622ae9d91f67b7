/** Single points within the views: how well the model places them. */

import type { JSX } from "preact";
import { count } from "../format.ts";
import { taskOf } from "../looked.ts";
import { TaskPanel } from "../parts/task.tsx";
import type { LookResponse } from "../api-types.ts";

export function PointsPanel({ look }: { look: LookResponse }): JSX.Element | null {
  const said = taskOf(look, "points");
  if (!said) return null;
  return (
    <TaskPanel look={look} kind="points" said={said}>
      <p class="quiet small">
        {count(said.points.length, "point")} of these views, each placed beside the others; only their common middle is
        given.
      </p>
    </TaskPanel>
  );
}
