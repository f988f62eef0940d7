/** The laws on random programs; a failure prints the shrunk program, and the seed to see it again. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { print } from '../../engine/program/print.ts';
import { randomFrom } from './draw.ts';
import { insideDomain, LAWS, WIDE_LAWS } from './laws.ts';
import { programFrom, recipes } from './programs.ts';
import { RUNS } from './runs.ts';
import { widened } from './widen.ts';

describe('random programs', () => {
  for (const [name, law] of Object.entries(LAWS))
    test(`obey ${name}`, { timeout: 60_000 * RUNS.factor }, () => {
      let heard = 0;
      let tried = 0;
      fc.assert(
        fc.property(recipes(), fc.nat(), (recipe, seed) => {
          const made = programFrom(recipe);
          const subject = WIDE_LAWS.has(law) ? { ...made, program: widened(made.program) } : made;
          tried++;
          try {
            if (insideDomain(() => law(subject, randomFrom(seed)))) heard++;
          } catch (reason) {
            throw new Error(`${(reason as Error).message}\n${print(subject.program)}`, { cause: reason });
          }
        }),
        { numRuns: RUNS.programs },
      );
      // A law that has nothing to say of most programs is not tested by them.
      expect(heard / tried).toBeGreaterThan(0.4);
    });
});
