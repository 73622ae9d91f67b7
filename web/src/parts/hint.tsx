/** The key that does what a control does, small beside it; hidden where there is no keyboard. */

import type { JSX } from "preact";

export function Hint({ of }: { of: string | undefined }): JSX.Element {
  return (
    <kbd class="hint" aria-hidden="true">
      {of}
    </kbd>
  );
}
