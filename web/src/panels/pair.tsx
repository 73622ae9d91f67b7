/** One pair of views: the way from one to the other, axis by axis, with the model's own doubt. */

import type { JSX } from "preact";
import { AXES, degrees, inWords, mm, number } from "../format.ts";
import { laplaceReach } from "../geometry/boxes.ts";
import { angle, norm, on } from "../geometry/vector.ts";
import { pairOf, taskOf } from "../looked.ts";
import type { LookResponse } from "../api-types.ts";
import type { Pair } from "../link.ts";

export function PairPanel({ look, pair }: { look: LookResponse; pair: Pair }): JSX.Element | null {
  const gap = pairOf(look, pair);
  if (!gap) return null;
  const turned = angle(gap.predicted, gap.true);
  const scale = gap.scale;
  return (
    <section class="panel" aria-label="The chosen pair" data-pair={pair.join("-")}>
      <h3>
        From view {pair[0] + 1} to view {pair[1] + 1}{" "}
        <span class="term">{taskOf(look, "displacements")?.task.title}</span>
      </h3>
      <p class="words">
        <i class="key model" /> The model says: {inWords(gap.predicted)}.
      </p>
      <p class="words">
        <i class="key truth" /> In truth: {inWords(gap.true)}.
      </p>
      <div class="scroll" tabindex={0} role="group" aria-label="Along each axis">
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
        The arrow ends {mm(gap.error_mm)} from the true one
        {turned === null ? null : (
          <>
            ; its direction is <b data-value="error_deg">{degrees(turned)}</b> off
          </>
        )}
        .
        {scale
          ? " ±: the truth should lie within this, nine times in ten (drawn as an ellipse)."
          : " This task was not trained to say how sure it is."}
      </p>
    </section>
  );
}
