/** Errors as bars: by what was shown to the model, by distance, by region. */

import type { JSX } from "preact";
import { show, spoil } from "../actions.ts";
import { count, measured, mm, number } from "../format.ts";
import { PROBES } from "../link.ts";
import type { DistanceBand, ProbeFigure, Region } from "../api-types.ts";
import type { Probe } from "../link.ts";
import { SPOILED } from "./spoil.tsx";

export function Bar({ share, plain }: { share: number; plain?: boolean }): JSX.Element {
  return (
    <span class={plain ? "bar-track plain" : "bar-track"} aria-hidden="true">
      <i style={{ width: `${Math.min(100, 100 * share)}%` }} />
    </span>
  );
}

const ROWS: readonly { key: string; title: string; probe: Probe | null }[] = [
  { key: "real", title: "The views as they are", probe: null },
  ...PROBES.map((probe) => ({ key: probe, title: `${SPOILED[probe].title}: ${SPOILED[probe].what}`, probe })),
  { key: "chance", title: "Guessing, without looking", probe: null },
];

export function Probes({ probes }: { probes: Record<string, ProbeFigure> }): JSX.Element | null {
  const rows = ROWS.flatMap((row) => (probes[row.key] ? [{ ...row, found: probes[row.key] as ProbeFigure }] : []));
  if (rows.length === 0) return null;
  const most = Math.max(...rows.map(({ found }) => found.value ?? 0), 1e-9);
  const tryIt = (probe: Probe | null): void => {
    spoil(probe, null);
    show("explore");
  };
  return (
    <section class="panel" aria-label="Honesty probes">
      <h3>
        Is it really looking? <span class="term">honesty probes</span>
      </h3>
      <p class="quiet small">
        Average error on the whole evaluation when the views are spoiled. A model that reads anatomy must do badly
        without it.
      </p>
      <div class="scroll">
        <table class="grid bars">
          <thead>
            <tr>
              <th scope="col">what it is shown</th>
              <th scope="col">off by</th>
              <td class="bar-cell" />
              <td />
            </tr>
          </thead>
          <tbody>
            {rows.map(({ key, title, probe, found }) => (
              <tr key={key}>
                <th scope="row" title={found.meaning}>
                  {title}
                </th>
                <td class="num" data-value={`probe-${key}`}>
                  {measured(found.value, found.unit)}
                </td>
                <td class="bar-cell">
                  <Bar share={(found.value ?? 0) / most} plain={key !== "real"} />
                </td>
                <td>
                  {key === "chance" ? null : (
                    <button type="button" data-try={key} onClick={() => tryIt(probe)}>
                      Try it
                    </button>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

export function Bars({
  title,
  look,
  rows,
}: {
  title: string;
  look: string;
  rows: ((DistanceBand | Region) & { name: string })[];
}): JSX.Element | null {
  if (rows.length === 0) return null;
  const most = Math.max(...rows.map((row) => row.error_mm), 1e-9);
  return (
    <section class="panel" aria-label={title}>
      <h3>{title}</h3>
      <p class="quiet small">
        {look}; in brackets, how far chance in the choice of people may move it (95 % interval).
      </p>
      <table class="grid bars">
        <tbody>
          {rows.map((row) => (
            <tr key={row.name} title={`${count(row.n, "pair")} of ${count(row.scans, "scan")}`}>
              <th scope="row">{row.name}</th>
              <td class="num">
                {mm(row.error_mm)}{" "}
                {row.interval_mm ? (
                  <span class="quiet small">
                    ({number(row.interval_mm[0])}–{number(row.interval_mm[1])})
                  </span>
                ) : null}
              </td>
              <td class="bar-cell">
                <Bar share={row.error_mm / most} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
