/** Share: a link that reopens this state, or what is on the screen as one HTML file or a picture. */

import { signal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { encode } from "../link.ts";
import { download, picture } from "../share/picture.ts";
import { offlineFile } from "../share/snapshot.ts";
import { run, session, state } from "../state.ts";

export const sharing = signal(false);
const note = signal("");

const name = (): string => `orienteer-${state.peek().tab}-${run.peek()?.name ?? "run"}`.replaceAll(/[^\w-]+/g, "-");
const address = (): string => `${location.origin}${location.pathname}#${encode(state.value)}`;
const seen = (): HTMLElement => document.querySelector<HTMLElement>("#seen") ?? document.body;

async function saved(what: string, make: () => Promise<void>): Promise<void> {
  note.value = "One moment …";
  try {
    await make();
    note.value = `${what} is saved.`;
  } catch (problem) {
    note.value = problem instanceof Error ? problem.message : String(problem);
  }
}

const saveFile = (): Promise<void> =>
  saved("The file", async () => {
    const credit = `Made with the observatory of Orienteer ${session.peek()?.version ?? ""}. A research tool, not a medical device.`;
    download(await offlineFile(seen(), document.title, credit), `${name()}.html`);
  });
const savePicture = (): Promise<void> =>
  saved("The picture", async () => download(await picture(seen()), `${name()}.png`));

async function copy(field: HTMLInputElement | null): Promise<void> {
  if (!field) return;
  field.select();
  try {
    await navigator.clipboard.writeText(field.value);
    note.value = "The link is copied.";
  } catch {
    note.value = "The link is selected: copy it with Ctrl C.";
  }
}

export function Share(): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (sharing.value) dialog.current?.showModal();
    else dialog.current?.close();
  }, [sharing.value]);
  return (
    <dialog
      ref={dialog}
      aria-label="Share"
      onClose={() => {
        sharing.value = false;
        note.value = "";
      }}
    >
      <h2>Share what you see</h2>
      <p>A link that opens this page as it is now, for you, while the observatory runs on this machine:</p>
      <p class="bar">
        <input ref={field} class="address" readOnly value={address()} aria-label="Link" />
        <button type="button" data-do="copy" onClick={() => void copy(field.current)}>
          Copy
        </button>
      </p>
      <p>Or the page itself, to send or to print; it opens without a network and without this program:</p>
      <p class="bar">
        <button type="button" class="main" data-do="html" onClick={() => void saveFile()}>
          Save as one HTML file
        </button>
        <button type="button" class="main" data-do="png" onClick={() => void savePicture()}>
          Save as PNG picture
        </button>
      </p>
      <p class="quiet small">These files show pictures of the scan. Give them only to people who may see it.</p>
      <p aria-live="polite" data-value="share-note">
        {note.value}
      </p>
      <p class="bar end">
        <button type="button" onClick={() => (sharing.value = false)}>
          Close
        </button>
      </p>
    </dialog>
  );
}
