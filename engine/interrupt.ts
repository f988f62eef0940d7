/**
 * @file Interruption: how work that gives nobody else the processor hears that nobody waits for it any more. Whoever has
 * a checkpoint does the work `interruptibly`; the loops of the work `poll`. The engine has no clock: a checkpoint does.
 */
import type { Checkpoint } from './backends/backend.ts';

/** Polls from one look at the checkpoint to the next: so few that they take a millisecond at most, nearly always. */
const POLLS = 256;
/** Scalar operations in JavaScript that weigh as much as a poll. */
const OPERATIONS = 4096;

/** The checkpoint of the work under way. Work that waits does not keep it: what goes on later polls for itself. */
let current: Checkpoint | undefined;
let left = POLLS;

const interruptions = new WeakSet<object>();

/** Does work that ends with what the checkpoint throws, if that throws before the work is done. */
export function interruptibly<T>(checkpoint: Checkpoint, work: () => T): T {
  const outer = current;
  current = checkpoint;
  try {
    return work();
  } finally {
    current = outer;
  }
}

/**
 * Called by every loop that a request can make long, in each turn: looks at the checkpoint now and then. A turn that
 * takes more than some microseconds says how many scalar operations it is.
 */
export function poll(operations = 0): void {
  left -= operations < OPERATIONS ? 1 : Math.min(Math.ceil(operations / OPERATIONS), POLLS);
  if (left > 0) return;
  look();
}

/** Looks at the checkpoint now: before what takes milliseconds by itself. */
export function look(): void {
  left = POLLS;
  if (current === undefined) return;
  try {
    current.check();
  } catch (reason) {
    if (reason instanceof Error) interruptions.add(reason);
    throw reason;
  }
}

/** Whether an error says that work was interrupted, which is nobody's fault and about no place in what was sent. */
export function isInterruption(reason: unknown): boolean {
  return reason instanceof Error && interruptions.has(reason);
}
