/** @file Steps of optimizers that look at one gradient each: a run of one program. */
import type { Executable } from '../runtime/execute.ts';
import { allocateArray, type Tensor } from '../types.ts';
import { type Bind, elementsOf, numberOf, type Runner, type State, type Step, type Walk } from './walk.ts';

/** Steps by an `updateProgram` of so many variables. */
export function firstOrderWalk(update: Executable, variables: number, bind: Bind, runner: Runner): Walk {
  const rateInput = allocateArray('float64', 1);
  const stepInput = allocateArray('float64', 1);
  let next: Step | undefined;
  return {
    look: async (state: State, count: number, rate: number) => {
      rateInput[0] = rate;
      stepInput[0] = count + 1;
      const inputs = bind(elementsOf(state.slice(0, variables)), count);
      for (const { data } of state.slice(variables)) inputs.push(data);
      inputs.push(rateInput, stepInput);
      const [loss, norm, ...made] = (await runner.run(update, inputs)) as [Tensor, Tensor, ...Tensor[]];
      next = { loss: numberOf(loss), gradientNorm: numberOf(norm), state: made, rate };
      return next;
    },
    go: async () => {
      const taken = next;
      next = undefined;
      return taken;
    },
    end: () => {
      runner.release(next?.state ?? []);
      next = undefined;
    },
  };
}
