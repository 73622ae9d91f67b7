/** The worst cases first, one click from the scan. */

import { signal } from "@preact/signals";
import type { JSX } from "preact";
import { placeAll, show, spoil } from "../actions.ts";
import { mm } from "../format.ts";
import { change, run, scans } from "../state.ts";
import type { WorstCase } from "../api-types.ts";

const SHOWN = 12;
const all = signal(false);

/** Opens a case as it was judged: its scan, its views, its pair, and the model of that step. */
function openCase(each: WorstCase, step: number | null): void {
  const scan = scans.peek().find((known) => known.id === each.scan);
  if (!scan || !each.centres_mm) return;
  spoil(null, null);
  const current = run.peek();
  change({ step: step !== null && step !== current?.best_step && current?.steps.includes(step) ? step : null });
  placeAll(scan, each.centres_mm, [each.view_i, each.view_j]);
  show("explore");
}

export function WorstCases({ worst, step }: { worst: readonly WorstCase[]; step: number | null }): JSX.Element | null {
  if (worst.length === 0) return null;
  return (
    <section class="panel" aria-label="Worst cases">
      <h3>Worst cases first</h3>
      <p class="quiet small">The pairs of views it got most wrong. Open one to see it in the scan.</p>
      <div class="scroll">
        <table class="grid worst">
          <thead>
            <tr>
              <th scope="col">off by</th>
              <th scope="col">scan</th>
              <th scope="col">pair</th>
              <td />
            </tr>
          </thead>
          <tbody>
            {worst.slice(0, all.value ? undefined : SHOWN).map((each, n) => (
              <tr key={n}>
                <td class="num">{mm(each.error_mm)}</td>
                <td>{each.scan}</td>
                <td>
                  view {each.view_i + 1} → {each.view_j + 1}
                </td>
                <td>
                  {each.centres_mm ? (
                    <button
                      type="button"
                      data-worst={n}
                      onClick={() => openCase(each, step)}
                      aria-label={`Open case ${n + 1}, ${mm(each.error_mm)} off, in the scan`}
                    >
                      Open
                    </button>
                  ) : (
                    <span class="quiet small">not in this store</span>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {worst.length > SHOWN ? (
        <button type="button" class="plain" onClick={() => (all.value = !all.value)}>
          {all.value ? "Show fewer" : `Show all ${worst.length}`}
        </button>
      ) : null}
    </section>
  );
}
