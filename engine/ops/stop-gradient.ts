import { elementwise } from './elementwise.ts';
import { type Op, operand } from './op.ts';

/** The same values, as a constant to every derivative; without identities, so that none can undo it. */
export const stopGradient: Op = elementwise({
  name: 'stop_gradient',
  aliases: ['detach'],
  doc: '`x`, which derivatives take for a constant.',
  operands: [operand('x', 'any')],
  jvp: ['stop_gradient'],
  element: (_, [x]) => x,
  cases: [
    {
      inputs: [{ type: 'f32[3]', data: [1.5, -2, NaN] }],
      outputs: [{ type: 'f32[3]', data: [1.5, -2, NaN] }],
      source: 'definition',
    },
  ],
});
