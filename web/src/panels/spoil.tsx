/** The honesty probes: spoil the views, and see whether the answer falls apart, as it should. */

import type { JSX } from "preact";
import { spoil } from "../actions.ts";
import { mm } from "../format.ts";
import { PROBES } from "../link.ts";
import { centres, intact, look, state } from "../state.ts";
import type { Probe } from "../link.ts";

export const SPOILED: Record<Probe, { title: string; what: string; should: string }> = {
  constant: { title: "Blank it", what: "every voxel gets one and the same grey", should: "fall to guessing" },
  shuffled: { title: "Shuffle it", what: "its voxels are mixed up", should: "fall to guessing" },
  border: { title: "Keep its border", what: "only its outer shell is left", should: "get much worse" },
  interior: { title: "Keep its inside", what: "its outer shell is blanked", should: "hold" },
};

export function SpoilPanel(): JSX.Element | null {
  const { probe, probeView } = state.value;
  const before = intact.value?.gap?.mean_error_mm;
  const after = probe ? look.value?.gap?.mean_error_mm : undefined;
  if (intact.value && !intact.value.gap) return null;
  return (
    <section class="panel" aria-label="Honesty probes">
      <h3>
        Is it really looking? <span class="term">honesty probes</span>
      </h3>
      <div class="chips" role="radiogroup" aria-label="Spoil the views">
        <button type="button" role="radio" aria-checked={probe === null} onClick={() => spoil(null, null)}>
          As they are
        </button>
        {PROBES.map((each) => (
          <button
            type="button"
            role="radio"
            aria-checked={probe === each}
            key={each}
            title={SPOILED[each].what}
            onClick={() => spoil(each, probeView)}
          >
            {SPOILED[each].title}
          </button>
        ))}
      </div>
      {probe ? (
        <>
          <label class="field">
            Which view?{" "}
            <select
              value={probeView ?? "all"}
              onChange={(event) =>
                spoil(probe, event.currentTarget.value === "all" ? null : Number(event.currentTarget.value))
              }
            >
              <option value="all">all of them</option>
              {centres.value.map((_, view) => (
                <option value={view} key={view}>
                  view {view + 1} only
                </option>
              ))}
            </select>
          </label>
          <p class="figure" aria-live="polite">
            <span data-value="intact">{mm(before)}</span> → <b data-value="spoiled">{mm(after)}</b> off on average
          </p>
          <p class="quiet small">
            {SPOILED[probe].title}: {SPOILED[probe].what}. A model that reads anatomy should {SPOILED[probe].should}.
            All numbers and arrows on this page now come from the spoiled views.
          </p>
        </>
      ) : (
        <p class="quiet small">
          Spoil the views and see the prediction fall apart; if it did not, it would read something other than anatomy.
        </p>
      )}
    </section>
  );
}
