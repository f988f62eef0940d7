/** @file The graphs that text cannot say: one with a loop, and one with too many nodes. */
import type { GraphDocumentInput } from '../../engine/program/document.ts';
import { randomOf } from './inputs.ts';

/** A cell with gates i, f, g, o in this order, run over `xs`; the loss is the mean square of the last hidden state. */
export const LSTM: GraphDocumentInput = {
  inputs: { xs: {}, h0: {}, c0: {}, wx: {}, wh: {}, b: {} },
  nodes: [
    {
      name: 'last',
      op: 'scan',
      inputs: ['h0', 'c0', 'xs'],
      params: {
        carry: 2,
        body: {
          inputs: ['h', 'c', 'x'],
          nodes: [
            { name: 'from_x', op: 'matmul', inputs: ['x', 'wx'] },
            { name: 'from_h', op: 'matmul', inputs: ['h', 'wh'] },
            { name: 'both', op: 'add', inputs: ['from_x', 'from_h'] },
            { name: 'gates', op: 'add', inputs: ['both', 'b'] },
            { name: 'gate', op: 'split', inputs: ['gates'], params: { sections: 4, axis: 1 } },
            { name: 'i', op: 'sigmoid', inputs: ['gate'] },
            { name: 'f', op: 'sigmoid', inputs: ['gate:1'] },
            { name: 'g', op: 'tanh', inputs: ['gate:2'] },
            { name: 'o', op: 'sigmoid', inputs: ['gate:3'] },
            { name: 'kept', op: 'mul', inputs: ['f', 'c'] },
            { name: 'added', op: 'mul', inputs: ['i', 'g'] },
            { name: 'next_c', op: 'add', inputs: ['kept', 'added'] },
            { name: 'bent', op: 'tanh', inputs: ['next_c'] },
            { name: 'next_h', op: 'mul', inputs: ['o', 'bent'] },
          ],
          outputs: ['next_h', 'next_c'],
        },
      },
    },
    { name: 'squared', op: 'square', inputs: ['last'] },
    { name: 'loss', op: 'mean', inputs: ['squared'] },
  ],
  outputs: ['loss'],
};

/** A node on scalars: an op and the names of one input or two. */
export type ScalarNode = readonly [op: 'add' | 'sub' | 'mul' | 'sin' | 'tanh', ...inputs: string[]];

const WIDTH = 100;

/**
 * Layers of 100 nodes: each takes the one before it in the layer before, and perhaps another of that layer, so that
 * none is in vain. Every second layer bends what comes to between -1 and 1, or numbers would grow until their sine is
 * noise. Node `i` is called `n<i>`; the inputs are `x0` to `x9`.
 */
export function scalarNodes(count: number): ScalarNode[] {
  const random = randomOf(10);
  const below = (bound: number): number => Math.floor(random.uniform(0, bound));
  const oneOf = <T>(...choices: readonly T[]): T => choices[below(choices.length)] as T;
  return Array.from({ length: count }, (_, i) => {
    const layer = Math.floor(i / WIDTH);
    const before = (column: number): string => (layer === 0 ? `x${column % 10}` : `n${(layer - 1) * WIDTH + column}`);
    const first = before(i % WIDTH);
    return layer % 2 === 0 ? [oneOf('mul', 'add', 'sub'), first, before(below(WIDTH))] : [oneOf('sin', 'tanh'), first];
  });
}

/** The graph document of such nodes; `total` is the sum of the last layer. */
export function scalarDocument(nodes: readonly ScalarNode[]): GraphDocumentInput {
  const last = Array.from({ length: WIDTH }, (_, i) => `n${nodes.length - WIDTH + i}`);
  return {
    inputs: Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`x${i}`, {}])),
    nodes: [
      ...nodes.map(([op, ...inputs], i) => ({ name: `n${i}`, op, inputs })),
      { name: 'left', op: 'stack', inputs: last.slice(0, WIDTH / 2) },
      { name: 'right', op: 'stack', inputs: last.slice(WIDTH / 2) },
      { name: 'pairs', op: 'add', inputs: ['left', 'right'] },
      { name: 'total', op: 'sum', inputs: ['pairs'] },
    ],
  };
}
