/** An error over the steps of training, with the chance line and where the slider stands. */

import type { JSX } from "preact";
import { line, scale, ticks } from "../chart.ts";
import { measured } from "../format.ts";
import type { Curve } from "../api-types.ts";

const [WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT] = [460, 194, 44, 34, 10, 20];

export function CurveChart({
  curve,
  title,
  step,
  last,
  high,
}: {
  curve: Curve;
  title: string;
  step: number | null;
  last: number;
  high: number;
}): JSX.Element {
  const [x, y] = [scale({ low: 0, high: last }, WIDTH - LEFT - RIGHT), scale({ low: 0, high }, HEIGHT - TOP - BOTTOM)];
  const [px, py] = [(v: number) => LEFT + x(v), (v: number) => HEIGHT - BOTTOM - y(v)];
  const now = step === null ? undefined : curve.points.filter(([at]) => at <= step).at(-1);
  const label = py(curve.chance ?? 0) + 14;
  const unit = curve.unit === "1" ? "" : ` (${curve.unit})`;
  return (
    <figure class="curve">
      <figcaption>
        {title}
        {unit} over the steps of training
      </figcaption>
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        role="img"
        aria-label={`${title}: ${now ? measured(now[1], curve.unit) : "no value yet"} at step ${step ?? 0}`}
      >
        {ticks({ low: 0, high }, 4).map((value) => (
          <g key={value}>
            <line class="rule" x1={LEFT} x2={WIDTH - RIGHT} y1={py(value)} y2={py(value)} />
            <text class="tick" x={LEFT - 6} y={py(value) + 4} text-anchor="end">
              {value}
            </text>
          </g>
        ))}
        {ticks({ low: 0, high: last }, 5).map((value) => (
          <text class="tick" key={value} x={px(value)} y={HEIGHT - BOTTOM + 16} text-anchor="middle">
            {value}
          </text>
        ))}
        <text class="tick" x={(LEFT + WIDTH) / 2} y={HEIGHT - 4} text-anchor="middle">
          step
        </text>
        {curve.chance === null ? null : (
          <g>
            <line class="chance" x1={LEFT} x2={WIDTH - RIGHT} y1={py(curve.chance)} y2={py(curve.chance)} />
            <text class="tick" x={WIDTH - RIGHT} y={label > HEIGHT - BOTTOM ? label - 20 : label} text-anchor="end">
              chance
            </text>
          </g>
        )}
        <path class="train" d={line(curve.train, px, py)} />
        <path class="validation" d={line(curve.points, px, py)} />
        {step === null ? null : (
          <line class="now" x1={px(Math.min(step, last))} x2={px(Math.min(step, last))} y1={TOP} y2={HEIGHT - BOTTOM} />
        )}
        {now ? <circle class="dot" cx={px(now[0])} cy={py(now[1])} r={5} /> : null}
      </svg>
      <p class="quiet small">
        <span class="nowrap">
          <i class="key model" /> subjects it has not seen
        </span>{" "}
        <span class="nowrap">
          <i class="key train" /> training
        </span>{" "}
        <span class="nowrap">
          <i class="key chance" /> chance
        </span>
      </p>
    </figure>
  );
}
