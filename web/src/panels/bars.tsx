/** Errors as bars: by what was shown to the model, by distance, by region. */

import type { JSX } from "preact";
import { show, spoil } from "../actions.ts";
import { count, inSentence, measured, mm, sentence } from "../format.ts";
import { probes } from "../state.ts";
import type { DistanceBand, JudgeResponse, KeyFigure, Region } from "../api-types.ts";

export function Bar({ share, plain }: { share: number; plain?: boolean }): JSX.Element {
  return (
    <span class={plain ? "bar-track plain" : "bar-track"} aria-hidden="true">
      <i style={{ width: `${Math.min(100, 100 * share)}%` }} />
    </span>
  );
}

export function Probes({ found }: { found: JudgeResponse }): JSX.Element | null {
  const { judged } = found;
  if (!judged || found.probes.length === 0) return null;
  const { chance, unit } = judged.figure;
  const rows = found.probes.map(({ name, label, meaning, value }) => ({ name, label, meaning, value }));
  if (chance !== null) rows.push({ name: "chance", label: "chance", meaning: judged.metric.chance, value: chance });
  const most = Math.max(...rows.map(({ value }) => value ?? 0), 1e-9);
  const known = new Map<string, string | null>([
    ["real", null],
    ...probes.value.map(({ name }) => [name, name] as const),
  ]);
  const tryIt = (name: string): void => {
    spoil(known.get(name) ?? null, null);
    show("explore");
  };
  return (
    <section class="panel" aria-label="Honesty probes">
      <h3>
        Is it really looking? <span class="term">honesty probes</span>
      </h3>
      <p class="quiet small">
        {judged.title} on the whole evaluation when the views are spoiled. A model that reads anatomy must do badly
        without it.
      </p>
      <div class="scroll">
        <table class="grid bars">
          <thead>
            <tr>
              <th scope="col">what it is shown</th>
              <th scope="col">{inSentence(judged.title)}</th>
              <td class="bar-cell" />
              <td />
            </tr>
          </thead>
          <tbody>
            {rows.map(({ name, label, meaning, value }) => (
              <tr key={name}>
                <th scope="row" title={sentence(meaning)}>
                  {sentence(label)}
                </th>
                <td class="num" data-value={`probe-${name}`}>
                  {measured(value, unit)}
                </td>
                <td class="bar-cell">
                  <Bar share={(value ?? 0) / most} plain={name !== "real"} />
                </td>
                <td>
                  {known.has(name) ? (
                    <button type="button" data-try={name} onClick={() => tryIt(name)}>
                      Try it
                    </button>
                  ) : null}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

/** Every task's key figures, beside chance. */
export function KeyFigures({ figures }: { figures: readonly KeyFigure[] }): JSX.Element | null {
  if (figures.length === 0) return null;
  return (
    <section class="panel" aria-label="Key figures">
      <h3>
        What it can do <span class="term">key figures of every task</span>
      </h3>
      <div class="scroll" tabindex={0} role="group" aria-label="Figures">
        <table class="grid">
          <thead>
            <tr>
              <th scope="col">task</th>
              <th scope="col">figure</th>
              <th scope="col">value</th>
              <th scope="col">chance</th>
            </tr>
          </thead>
          <tbody>
            {figures.map(({ task, title, metric, figure }) => (
              <tr key={title}>
                <th scope="row">{task}</th>
                <td title={sentence(metric.meaning)}>{title}</td>
                <td class="num" data-figure={title}>
                  {measured(figure.value, figure.unit)} <Interval of={figure.interval} unit={figure.unit} />
                </td>
                <td class="num" title={sentence(metric.chance)}>
                  {figure.chance === null ? "–" : measured(figure.chance, figure.unit)}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

/** How far chance in the choice of subjects may move a figure. */
function Interval({ of, unit }: { of: readonly [number, number] | null; unit: string }): JSX.Element | null {
  return of ? (
    <span class="quiet small">
      ({measured(of[0], unit)} – {measured(of[1], unit)})
    </span>
  ) : null;
}

export function Bars({
  title,
  task,
  look,
  rows,
}: {
  title: string;
  task: string | null;
  look: string;
  rows: ((DistanceBand | Region) & { name: string })[];
}): JSX.Element | null {
  if (rows.length === 0) return null;
  const most = Math.max(...rows.map((row) => row.error_mm), 1e-9);
  return (
    <section class="panel" aria-label={title}>
      <h3>
        {title} <span class="term">{task}</span>
      </h3>
      <p class="quiet small">
        {look}; in brackets, how far chance in the choice of subjects may move it (95 % interval).
      </p>
      <table class="grid bars">
        <tbody>
          {rows.map((row) => (
            <tr key={row.name} title={`${count(row.n, "pair")} of ${count(row.scans, "scan")}`}>
              <th scope="row">{row.name}</th>
              <td class="num">
                {mm(row.error_mm)} <Interval of={row.interval_mm} unit="mm" />
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
