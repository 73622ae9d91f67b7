/** One pair of views: the way from one to the other, axis by axis, with the model's own doubt. */

import type { JSX } from "preact";
import { AXES, degrees, inWords, mm, number } from "../format.ts";
import { laplaceReach } from "../geometry/boxes.ts";
import { norm, on } from "../geometry/vector.ts";
import { pairOf, stepOf } from "../looked.ts";
import type { LookResponse } from "../api-types.ts";
import type { Pair } from "../link.ts";

export function PairPanel({ look, pair }: { look: LookResponse; pair: Pair }): JSX.Element | null {
  const gap = pairOf(look, pair);
  if (!gap) return null;
  const step = stepOf(look, pair);
  const scale = gap.scale;
  return (
    <section class="panel" aria-label="The chosen pair" data-pair={pair.join("-")}>
      <h3>
        From view {pair[0] + 1} to view {pair[1] + 1}
      </h3>
      <p class="words">
        <i class="key model" /> The model says: {inWords(gap.predicted)}.
      </p>
      <p class="words">
        <i class="key truth" /> In truth: {inWords(gap.true)}.
      </p>
      <div class="scroll">
        <table class="grid">
          <thead>
            <tr>
              <th scope="col">mm</th>
              <th scope="col">model says</th>
              {scale ? (
                <th scope="col" title="The truth should lie within this, nine times in ten">
                  ± (90 %)
                </th>
              ) : null}
              <th scope="col">true</th>
              <th scope="col">off by</th>
            </tr>
          </thead>
          <tbody>
            {AXES.map((name, axis) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td data-value={`predicted-${axis}`}>{number(on(gap.predicted, axis))}</td>
                {scale ? <td data-value={`doubt-${axis}`}>± {number(laplaceReach(0.9) * on(scale, axis))}</td> : null}
                <td data-value={`true-${axis}`}>{number(on(gap.true, axis))}</td>
                <td>{number(Math.abs(on(gap.predicted, axis) - on(gap.true, axis)))}</td>
              </tr>
            ))}
            <tr class="sum">
              <th scope="row">distance</th>
              <td>{number(norm(gap.predicted))}</td>
              {scale ? <td /> : null}
              <td>{number(norm(gap.true))}</td>
              <td data-value="pair-error">{number(gap.error_mm)}</td>
            </tr>
          </tbody>
        </table>
      </div>
      <p class="quiet small">
        {step && step.error_deg !== null ? (
          <>
            The direction is <b data-value="error_deg">{degrees(step.error_deg)}</b> off.{" "}
          </>
        ) : null}
        Off by, last line: the arrow's end from the true one, {mm(gap.error_mm)}.
        {scale
          ? " ±: the truth should lie within this, nine times in ten (drawn as an ellipse)."
          : " This run was not trained to say how sure it is."}
      </p>
    </section>
  );
}
