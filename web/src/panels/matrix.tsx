/** Displacements between views: what the model says, what is true, and the error of every cell. */

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { DIVERGING, inkOn, mix, SEQUENTIAL } from "../colours.ts";
import { AXES, mm, number } from "../format.ts";
import { largest, pairOf, quantityOf, taskOf, type Quantity } from "../looked.ts";
import { TaskPanel } from "../parts/task.tsx";
import type { LookResponse } from "../api-types.ts";
import type { Pair } from "../link.ts";

const QUANTITIES: { value: Quantity; title: string }[] = [
  { value: "distance", title: "distance" },
  ...AXES.map((title, axis) => ({ value: axis as 0 | 1 | 2, title })),
];

interface TableProps {
  look: LookResponse;
  kind: "predicted" | "true" | "error";
  quantity: Quantity;
  most: number;
  pair: Pair | null;
  onPick: (pair: Pair) => void;
}

const CAPTIONS = { predicted: "The model says", true: "True", error: "Error" } as const;

export function MatrixTable({ look, kind, quantity, most, pair, onPick }: TableProps): JSX.Element {
  const views = look.centres_mm.map((_, view) => view);
  const cell = (i: number, j: number): JSX.Element => {
    const gap = pairOf(look, [i, j]);
    if (!gap) return <td key={j} class="self" aria-label="the same view" />;
    const value = kind === "error" ? gap.error_mm : quantityOf(gap[kind], quantity);
    const colour = colourOf(value, kind, quantity, most);
    const picked = pair !== null && pair[0] === i && pair[1] === j;
    return (
      <td key={j}>
        <button
          type="button"
          class={picked ? "picked" : ""}
          style={{ background: colour, color: inkOn(colour) }}
          data-cell={`${kind}-${i}-${j}`}
          aria-pressed={picked}
          aria-label={`${CAPTIONS[kind]}: view ${i + 1} to view ${j + 1}, ${mm(value)}`}
          onClick={() => onPick([i, j])}
        >
          {number(value)}
        </button>
      </td>
    );
  };
  return (
    <table class="heat" data-table={kind}>
      <caption>
        {CAPTIONS[kind]} <span class="quiet">mm</span>
      </caption>
      <thead>
        <tr>
          <td>
            <span class="hidden">↓ from, to →</span>
          </td>
          {views.map((j) => (
            <th scope="col" key={j}>
              {j + 1}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {views.map((i) => (
          <tr key={i}>
            <th scope="row">{i + 1}</th>
            {views.map((j) => cell(i, j))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function colourOf(value: number, kind: TableProps["kind"], quantity: Quantity, most: number): string {
  if (kind === "error" || quantity === "distance") return mix(SEQUENTIAL, Math.abs(value) / most);
  return mix(DIVERGING, (value / most + 1) / 2);
}

export function MatrixPanel({
  look,
  pair,
  onPick,
}: {
  look: LookResponse;
  pair: Pair | null;
  onPick: (pair: Pair) => void;
}): JSX.Element | null {
  const [quantity, setQuantity] = useState<Quantity>("distance");
  const said = taskOf(look, "displacements");
  if (!said) return null;
  const most = largest(look, quantity);
  const table = { look, quantity, most, pair, onPick };
  return (
    <TaskPanel look={look} kind="displacements" said={said}>
      <div class="chips" role="radiogroup" aria-label="What the tables show">
        {QUANTITIES.map(({ value, title }) => (
          <button
            type="button"
            role="radio"
            aria-checked={quantity === value}
            key={title}
            onClick={() => setQuantity(value)}
          >
            {title}
          </button>
        ))}
      </div>
      <div class="tables" style={{ "--least": `${24 + 42 * look.centres_mm.length}px` }}>
        <MatrixTable {...table} kind="predicted" />
        <MatrixTable {...table} kind="true" />
        <MatrixTable {...table} kind="error" />
      </div>
      <p class="quiet small">
        The first two tables should look the same. Error: how far the model's arrow ends from where the view is, all
        axes together. Press a cell to see its pair everywhere.
      </p>
    </TaskPanel>
  );
}
