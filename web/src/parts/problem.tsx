/** Something went wrong: what, and what helps. */

import type { JSX } from "preact";
import { Refused } from "../api.ts";

export function Problem({ error }: { error: Error }): JSX.Element {
  return (
    <div class="problem" role="alert" data-code={error instanceof Refused ? error.code : "page"}>
      <b>{error.message}</b>
      {error instanceof Refused && error.cure ? <p>{error.cure}</p> : null}
    </div>
  );
}
