/** The honesty probes: spoil the views, and see whether the answer falls apart, as it should. */

import type { JSX } from "preact";
import { spoil } from "../actions.ts";
import { inSentence, measured, sentence } from "../format.ts";
import { headlineOf } from "../looked.ts";
import { centres, intact, look, probes, state } from "../state.ts";

export function SpoilPanel(): JSX.Element | null {
  const { probe, probeView } = state.value;
  const before = headlineOf(intact.value);
  const after = probe ? headlineOf(look.value) : null;
  const card = probes.value.find((each) => each.name === probe);
  if (intact.value && !before) return null;
  return (
    <section class="panel" aria-label="Honesty probes">
      <h3>
        Is it really looking? <span class="term">honesty probes</span>
      </h3>
      <div class="chips" role="radiogroup" aria-label="Spoil the views">
        <button type="button" role="radio" aria-checked={probe === null} onClick={() => spoil(null, null)}>
          As they are
        </button>
        {probes.value.map(({ name, title, meaning }) => (
          <button
            type="button"
            role="radio"
            aria-checked={probe === name}
            key={name}
            title={sentence(meaning)}
            data-probe={name}
            onClick={() => spoil(name, probeView)}
          >
            {sentence(title)}
          </button>
        ))}
      </div>
      {card ? (
        <>
          <label class="field">
            Which view?{" "}
            <select
              value={probeView ?? "all"}
              onChange={(event) =>
                spoil(card.name, event.currentTarget.value === "all" ? null : Number(event.currentTarget.value))
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
            <span data-value="intact">{measured(before?.value.value, before?.value.unit ?? "1")}</span> →{" "}
            <b data-value="spoiled">{measured(after?.value.value, after?.value.unit ?? "1")}</b>{" "}
            {inSentence(before?.metric.title ?? "")}
          </p>
          <p class="quiet small">
            {sentence(card.meaning)}
            {probeView === null ? "" : ` (here of view ${probeView + 1} alone)`}: {card.look}. All numbers and arrows on
            this page now come from the spoiled views.
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
