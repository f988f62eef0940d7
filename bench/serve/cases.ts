/** @file What is asked of every server: a loss and its gradients, small and sent as text, or large and sent as bytes. */
import { arrayFrom, type Tensor } from '../../engine/types.ts';
import { CASES as COMPUTED } from '../compute/cases.ts';
import { randomOf } from '../compute/inputs.ts';
import { N2 } from '../service.ts';

/** One request. */
export interface Case {
  readonly name: string;
  /** The peers' name for it. */
  readonly function: 'n2' | 'mlp';
  readonly graph: string;
  /** In the order in which the peers' function takes them. */
  readonly inputs: Readonly<Record<string, Tensor>>;
  readonly sources: readonly string[];
  readonly sentAs: 'text' | 'bytes';
  /** The loss and the gradients, where they are known without computing much. */
  readonly expected: Readonly<Record<string, Tensor>>;
}

const float32 = (shape: number[], ...numbers: number[]): Tensor => ({
  type: { dtype: 'float32', shape },
  data: arrayFrom('float32', numbers),
});

const SMALL: Case = {
  name: 'N2 gradient',
  function: 'n2',
  graph: N2.graph,
  inputs: {
    x: float32([1, 3], ...N2.values.x.flat()),
    w: float32([3, 2], ...N2.values.w.flat()),
    b: float32([2], ...N2.values.b),
  },
  sources: N2.sources,
  sentAs: 'text',
  // y = x w + b = [1, 5.5], so loss = (1 + 30.25) / 2, its gradient for b is y, and for w it is xᵀ y.
  expected: {
    loss: float32([], 15.625),
    w: float32([3, 2], 1, 5.5, 2, 11, 3, 16.5),
    b: float32([2], 1, 5.5),
  },
};

const LARGE: Case = (() => {
  const computed = COMPUTED.find(({ name }) => name === 'MLP 784-512-512-10, batch 256');
  if (computed === undefined) throw new Error('the perceptron is not among the cases any more');
  const inputs = computed.inputs(randomOf(1));
  return {
    name: 'MLP gradient, 3.3 MiB sent',
    function: 'mlp',
    graph: computed.graph() as string,
    inputs,
    sources: Object.keys(inputs).filter((name) => name !== 'x' && name !== 'labels'),
    sentAs: 'bytes',
    expected: {},
  };
})();

/** All requests. */
export const CASES: readonly Case[] = [SMALL, LARGE];
