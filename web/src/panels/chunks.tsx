/** Adjacent and distant chunks: does the model find neighbouring pieces more alike than far ones? */

import type { JSX } from "preact";
import { inkOn, similarity, SIMILARITY } from "../colours.ts";
import { mm, number } from "../format.ts";
import { taskOf } from "../looked.ts";
import { TaskPanel } from "../parts/task.tsx";
import type { ChunkSimilarity, LookResponse } from "../api-types.ts";
import type { Pair } from "../link.ts";

export function ChunksPanel({
  look,
  pair,
  onPick,
}: {
  look: LookResponse;
  pair: Pair | null;
  onPick: (pair: Pair) => void;
}): JSX.Element | null {
  const said = taskOf(look, "chunk_pairs");
  const all = said?.chunk_pairs.pairs ?? [];
  if (!said || all.length === 0) return null;
  const right = all.filter((each) => (each.adjacent_similarity ?? NaN) > (each.distant_similarity ?? NaN)).length;
  const rows = all.filter((each) => each.i < each.j || !all.some((other) => other.i === each.j && other.j === each.i));
  return (
    <TaskPanel look={look} kind="chunk_pairs" said={said}>
      <p class="words">
        <b>
          {right} of {all.length}
        </b>{" "}
        pairs: the near pieces look more alike than the far ones
      </p>
      <div class="scroll">
        <table class="grid chunks">
          <thead>
            <tr>
              <th scope="col">views</th>
              <th scope="col">
                near pieces <span class="quiet">━</span>
              </th>
              <th scope="col">
                far pieces <span class="quiet">┅</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.map((each) => {
              const picked = pair !== null && pair.includes(each.i) && pair.includes(each.j);
              return (
                <tr key={`${each.i}-${each.j}`} class={picked ? "picked" : ""}>
                  <th scope="row">
                    <button type="button" class="plain" aria-pressed={picked} onClick={() => onPick([each.i, each.j])}>
                      {each.i + 1} and {each.j + 1}
                    </button>
                  </th>
                  <Alike value={each.adjacent_similarity} apart={each.adjacent_mm} name={name(each, "adjacent")} />
                  <Alike value={each.distant_similarity} apart={each.distant_mm} name={name(each, "distant")} />
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
      <p class="scale" aria-hidden="true">
        <span>−1 unlike</span>
        {SIMILARITY.map((colour) => (
          <i key={colour} style={{ background: colour }} />
        ))}
        <span>1 alike</span>
      </p>
      <p class="quiet small">
        Likeness is the cosine of the two pieces' embeddings, from −1 to 1; beside it, how far apart they are.
      </p>
    </TaskPanel>
  );
}

const name = (each: ChunkSimilarity, kind: string): string => `${kind}-${each.i}-${each.j}`;

function Alike({ value, apart, name }: { value: number | null; apart: number | null; name: string }): JSX.Element {
  const colour = similarity(value);
  return (
    <td>
      <span class="alike" style={{ background: colour, color: inkOn(colour) }} data-value={name}>
        {number(value, 2)}
      </span>{" "}
      <span class="quiet">{mm(apart)}</span>
    </td>
  );
}
