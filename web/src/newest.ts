/**
 * Questions that follow each other quickly, such as those of a view being dragged.
 *
 * One question is on its way at a time. While it is, only the newest of those asked meanwhile waits; when it goes out,
 * the ones before it are forgotten. An answer is shown only if it answers what was asked last, or something close
 * enough to be worth seeing on the way there. Answers are kept, so stepping back costs nothing.
 */

import { signal, type Signal } from "@preact/signals";

export class Newest<Question, Answer> {
  /** The newest answer, with the question it belongs to. */
  readonly shown: Signal<{ question: Question; answer: Answer } | null> = signal(null);
  readonly error: Signal<Error | null> = signal(null);
  /** True until the last question is answered. */
  readonly busy: Signal<boolean> = signal(false);

  private wanted: Question | null = null;
  private running = false;
  private readonly kept = new Map<string, Answer>();

  constructor(
    private readonly reply: (question: Question) => Promise<Answer>,
    private readonly close: (answered: Question, wanted: Question) => boolean = () => false,
    private readonly keep = 128,
  ) {}

  ask(question: Question): void {
    if (this.wanted !== null && key(this.wanted) === key(question)) return;
    this.wanted = question;
    this.error.value = null;
    const known = this.kept.get(key(question));
    if (known !== undefined) {
      this.shown.value = { question, answer: known };
      this.busy.value = false;
      return;
    }
    this.busy.value = true;
    if (!this.running) void this.run(question);
  }

  /** Nothing is asked any more, and nothing shown. */
  clear(): void {
    this.wanted = null;
    this.shown.value = null;
    this.error.value = null;
    this.busy.value = false;
  }

  private async run(question: Question): Promise<void> {
    this.running = true;
    let error: Error | null = null;
    try {
      this.remember(question, await this.reply(question));
    } catch (problem) {
      error = problem instanceof Error ? problem : new Error(String(problem));
    }
    this.running = false;
    this.settle(question, error);
  }

  private settle(question: Question, error: Error | null): void {
    if (this.wanted === null) return;
    const answer = this.kept.get(key(question));
    if (key(this.wanted) === key(question)) {
      this.busy.value = false;
      this.error.value = error;
      if (answer !== undefined) this.shown.value = { question, answer };
      else this.wanted = null; // a failed question may be asked again
      return;
    }
    if (!this.busy.value) return; // the last question was answered from memory meanwhile
    if (answer !== undefined && this.close(question, this.wanted)) this.shown.value = { question, answer };
    void this.run(this.wanted);
  }

  private remember(question: Question, answer: Answer): void {
    this.kept.set(key(question), answer);
    for (const oldest of this.kept.keys()) {
      if (this.kept.size <= this.keep) break;
      this.kept.delete(oldest);
    }
  }
}

const key = (question: unknown): string => JSON.stringify(question);
