/** A panel of one task: titled by its question, with its key figures in the task's own words. */

import type { ComponentChildren, JSX } from "preact";
import { inSentence, measured } from "../format.ts";
import { judgedOf, preferred, tasksOf, type Kind } from "../looked.ts";
import type { LookResponse, Metric, TaskAnswer, Value } from "../api-types.ts";

interface PanelProps {
  look: LookResponse;
  kind: Kind;
  said: TaskAnswer;
  children: ComponentChildren;
}

export function TaskPanel({ look, kind, said, children }: PanelProps): JSX.Element {
  const { task } = said;
  const all = tasksOf(look, kind);
  return (
    <section class="panel" aria-label={task.title} data-kind={kind}>
      <h3 title={task.intro}>
        {task.question}{" "}
        {all.length < 2 ? (
          <span class="term">{task.title}</span>
        ) : (
          <select
            aria-label="Which task"
            value={task.name}
            onChange={(event) => (preferred.value = { ...preferred.peek(), [kind]: event.currentTarget.value })}
          >
            {all.map((each) => (
              <option value={each.task.name} key={each.task.name}>
                {each.task.title}
              </option>
            ))}
          </select>
        )}
      </h3>
      <KeyFigures said={said} />
      {children}
    </section>
  );
}

function KeyFigures({ said }: { said: TaskAnswer }): JSX.Element {
  const judged = judgedOf(said);
  const known = (name: string): boolean => (said.measures[name]?.value ?? null) !== null;
  const others = said.task.metrics.flatMap((metric) => {
    const value = said.measures[metric.name];
    const wanted = metric.shown === "card" && metric !== judged?.metric && known(metric.name);
    const spare = metric.stands_in_for !== null && known(metric.stands_in_for);
    return wanted && !spare && value ? [{ metric, value }] : [];
  });
  return (
    <>
      {judged ? <KeyFigure {...judged} main /> : null}
      {others.map((each) => (
        <KeyFigure {...each} key={each.metric.name} />
      ))}
    </>
  );
}

/** “12.3 mm gap error; answering “no gap at all”: 50.0 mm” */
export function KeyFigure({ metric, value, main }: { metric: Metric; value: Value; main?: boolean }): JSX.Element {
  return (
    <p class={main ? "figure" : "words"} title={metric.meaning} aria-live={main ? "polite" : "off"}>
      <b data-value={metric.name}>{measured(value.value, value.unit)}</b> {inSentence(metric.title)}
      {value.chance === null ? null : (
        <span class="quiet">
          ; {metric.chance || "chance"}:{" "}
          <span data-value={`${metric.name}-chance`}>{measured(value.chance, value.unit)}</span>
        </span>
      )}
    </p>
  );
}
