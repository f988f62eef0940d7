/** @file Stores of which a test holds up or fails single calls. */
import { setImmediate as turn } from 'node:timers/promises';
import type { Store } from '../../services/sessions/store.ts';

/** A call of a store's method. */
export type Call = keyof Store;

/** A store whose calls go through `around`, which runs them, or does not. */
export function interposed(
  store: Store,
  around: (call: Call, run: () => Promise<unknown>, args: readonly unknown[]) => Promise<unknown>,
): Store {
  return new Proxy(store, {
    get(target, name) {
      const own = Reflect.get(target, name);
      if (typeof own !== 'function') return own;
      return (...args: readonly unknown[]) => around(name as Call, async () => own.apply(target, args), args);
    },
  });
}

/** A store that gives others a turn before and after everything it does, as one behind a network does. */
export function unhurried(store: Store): Store {
  return interposed(store, async (_, run) => {
    await turn();
    const result = await run();
    await turn();
    return result;
  });
}

/** A gate that holds up who comes until it is opened. */
export class Gate {
  readonly #reached = Promise.withResolvers<void>();
  readonly #opened = Promise.withResolvers<void>();

  /** Resolves when somebody waits. */
  get reached(): Promise<void> {
    return this.#reached.promise;
  }

  async pass(): Promise<void> {
    this.#reached.resolve();
    await this.#opened.promise;
  }

  open(): void {
    this.#opened.resolve();
  }
}

/** A store that holds up the `n`-th call of a method, before it is made. */
export function gated(store: Store, call: Call, n = 1): { readonly store: Store; readonly gate: Gate } {
  const gate = new Gate();
  let count = 0;
  return {
    gate,
    store: interposed(store, async (name, run) => {
      if (name === call && ++count === n) await gate.pass();
      return run();
    }),
  };
}
