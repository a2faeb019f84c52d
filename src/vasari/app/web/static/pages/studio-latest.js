// Previews that follow a slider: one is under way at a time, and of those that wait only the newest is asked for.

/**
 * A function that runs `work(value)`; called while it runs, it keeps the last value and runs it afterwards.
 * `settled(outcome, failure)` is told of each that was not overtaken.
 */
export function latest(work, settled) {
  let running = false;
  let waiting;
  async function run(value) {
    running = true;
    let outcome;
    let failure;
    try {
      outcome = await work(value);
    } catch (error) {
      failure = error;
    }
    running = false;
    const next = waiting;
    waiting = undefined;
    settled(outcome, failure, next !== undefined);
    if (next !== undefined) run(next.value);
  }
  return (value) => {
    if (running) waiting = { value };
    else run(value);
  };
}

/** A function that calls `work` once it was not called again for so many milliseconds. */
export function settledDown(work, milliseconds) {
  let timer;
  return (...values) => {
    clearTimeout(timer);
    timer = setTimeout(() => work(...values), milliseconds);
  };
}

/** Milliseconds of a preview, as the server tells them. */
export function milliseconds(answer) {
  return Number(/dur=(\d+)/.exec(answer.headers.get("Server-Timing") ?? "")?.[1] ?? 0);
}
