/** The frame of the page: the verdict, the places to go, and the place one is at. */

import { signal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { show } from "./actions.ts";
import { KEYS } from "./keys.ts";
import { TABS, type Tab } from "./link.ts";
import { Hint } from "./parts/hint.tsx";
import { Problem } from "./parts/problem.tsx";
import { startTour, Tour } from "./parts/tour.tsx";
import { VerdictLine } from "./parts/verdict.tsx";
import { Explore } from "./places/explore.tsx";
import { Judge } from "./places/judge.tsx";
import { Learn } from "./places/learn.tsx";
import { Share, sharing } from "./places/share.tsx";
import { Where } from "./places/where.tsx";
import { theme } from "./settings.ts";
import { failure, run, session, tab } from "./state.ts";

const TITLES: Record<Tab, string> = {
  explore: "Explore",
  where: "Where am I?",
  learn: "Watch it learn",
  judge: "Judge",
};
const PLACES: Record<Tab, () => JSX.Element> = { explore: Explore, where: Where, learn: Learn, judge: Judge };
const THEMES = { system: "◐", light: "☀", dark: "☾" } as const;

/** True while the list of keys is open. */
export const helping = signal(false);

export function App(): JSX.Element {
  const current = run.value;
  if (!session.value || !current) {
    return (
      <main class="start">
        {failure.value ? <Problem error={failure.value} /> : <p class="loading">Opening the run …</p>}
      </main>
    );
  }
  const Place = PLACES[tab.value];
  return (
    <>
      <Top name={current.name} />
      <main id="seen">
        <VerdictLine run={current} />
        {failure.value ? <Problem error={failure.value} /> : null}
        <Place />
      </main>
      <footer>
        Reads the run and its scans on this machine and sends nothing anywhere. A research tool, not a medical device.
        Orienteer {session.value.version}. <a href="licences.txt">Licences</a>
      </footer>
      <Share />
      <Help />
      <Tour />
    </>
  );
}

function Top({ name }: { name: string }): JSX.Element {
  const next = { system: "light", light: "dark", dark: "system" } as const;
  return (
    <header class="top">
      <p class="brand">
        Orienteer <span>observatory</span>
      </p>
      <h1>{name}</h1>
      <nav class="tabs" data-tour="tabs" aria-label="Places">
        {TABS.map((each) => (
          <button
            type="button"
            key={each}
            data-tab={each}
            aria-current={tab.value === each ? "page" : undefined}
            aria-keyshortcuts={each[0]?.toUpperCase()}
            onClick={() => show(each)}
          >
            {TITLES[each]} <Hint of={each[0]?.toUpperCase()} />
          </button>
        ))}
      </nav>
      <span class="push" />
      <button type="button" class="main" data-do="share" onClick={() => (sharing.value = true)}>
        Share
      </button>
      <button type="button" onClick={startTour}>
        Tour
      </button>
      <button type="button" data-do="keys" onClick={() => (helping.value = true)} aria-keyshortcuts="?">
        Keys <Hint of="?" />
      </button>
      <button
        type="button"
        data-do="theme"
        onClick={() => (theme.value = next[theme.value])}
        aria-label={`Colours: ${theme.value}`}
        title={`Colours: ${theme.value}`}
      >
        {THEMES[theme.value]}
      </button>
    </header>
  );
}

function Help(): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (helping.value) dialog.current?.showModal();
    else dialog.current?.close();
  }, [helping.value]);
  return (
    <dialog ref={dialog} aria-label="Keys" onClose={() => (helping.value = false)}>
      <h2>Keys</h2>
      <dl class="keys">
        {KEYS.map(([keys, what]) => (
          <div key={keys}>
            <dt>
              <kbd>{keys}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <p class="bar end">
        <button type="button" onClick={() => (helping.value = false)}>
          Close
        </button>
      </p>
    </dialog>
  );
}
