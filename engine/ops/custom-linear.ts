import { z } from 'zod';
import { EngineError } from '../errors.ts';
import { instantiate } from '../transform/tangents.ts';
import { defineOp, type Op, operand } from './op.ts';
import { programSchema } from './subprogram.ts';

const detail =
  'a custom_vjp gives a pullback alone, so it has no forward-mode derivative; use gradient, vjp or a reverse-mode Jacobian';

const params = z.strictObject({ inputs: z.number().int().min(0).max(100_000), backward: programSchema });

/** The tangents of a custom_vjp: known by their transpose alone. */
export const customLinear: Op<z.output<typeof params>> = defineOp({
  name: 'custom_linear',
  family: 'control',
  doc: 'The tangents of a `custom_vjp`, which exist to be transposed; no document writes it.',
  operands: [operand('x', 'any', false)],
  variadic: true,
  minimum: 0,
  broadcast: false,
  params,
  surface: null,
  type: (types, { inputs }) => types.slice(inputs, types.length - inputs),
  jvp: () => {
    throw new EngineError('not_differentiable', detail);
  },
  transpose: (b, ct, { x, y, params: { inputs, backward } }, linear) => {
    const cotangents = y.map(({ type }, i) => instantiate(b, ct[i] ?? null, type));
    const given = b.inline(backward, [...x.slice(0, x.length - inputs), ...cotangents]);
    const first = x.length - inputs;
    return linear.map((wanted, i) => (wanted && i >= first ? (given[i - first] ?? null) : null));
  },
  batch: () => {
    throw new EngineError('not_differentiable', detail);
  },
  lower: { kind: 'none', detail },
  cases: [],
  samples: [],
});
