import { z } from 'zod';
import { add } from '../ops/add.ts';
import { broadcastTo } from '../ops/broadcast-to.ts';
import { dotGeneral } from '../ops/dot-general.ts';
import { operand, TypeMismatch } from '../ops/op.ts';
import { allocateArray, type TensorType, type TypedArray } from '../types.ts';
import { composite } from './composite.ts';

const ACTIVATIONS = [
  'linear',
  'relu',
  'relu6',
  'sigmoid',
  'tanh',
  'softplus',
  'elu',
  'selu',
  'silu',
  'gelu',
  'softmax',
] as const;

const params = z.strictObject({
  units: z.number().int().min(1).max(1_000_000),
  activation: z.enum(ACTIVATIONS).default('linear'),
  use_bias: z.boolean().default(true),
  seed: z
    .number()
    .int()
    .min(0)
    .max(2 ** 32 - 1)
    .default(0),
});

/** Keras's dense layer: `activation(x @ kernel + bias)` with variables of the node's own. */
export const dense = composite<z.output<typeof params>>({
  name: 'dense',
  aliases: ['Dense'],
  doc:
    '`activation(x @ kernel + bias)`. The node owns the variables `<node>/kernel:0` of shape `[inputs, units]` and ' +
    '`<node>/bias:0` of shape `[units]`; without values they begin as Keras begins them: glorot_uniform from `seed`, and zeros.',
  operands: [operand('x', 'float')],
  variadic: false,
  broadcast: false,
  params,
  build: (b, [x], { units, activation, use_bias, seed }, scope) => {
    const { dtype, shape } = x.type;
    const inputs = shape.at(-1);
    if (inputs === undefined) throw new TypeMismatch(0, 'a tensor of rank 1 or more');
    const kernelType: TensorType = { dtype, shape: [inputs, units] };
    const kernel = scope.variable(`${scope.node}/kernel:0`, kernelType, () => glorotUniform(kernelType, seed));
    const product = dotGeneral(b, x, kernel, {
      lhs_contract: [shape.length - 1],
      rhs_contract: [0],
      lhs_batch: [],
      rhs_batch: [],
    });
    const biasType: TensorType = { dtype, shape: [units] };
    const preActivation = use_bias
      ? add(
          b,
          product,
          broadcastTo(
            b,
            scope.variable(`${scope.node}/bias:0`, biasType, () => allocateArray(dtype, units)),
            { shape: product.type.shape },
          ),
        )
      : product;
    if (activation === 'linear') return preActivation;
    return scope.apply(activation, [preActivation]);
  },
  cases: [],
  samples: [],
});

/** Uniform on ±sqrt(6 / (inputs + units)), Glorot and Bengio 2010; the same numbers from the same seed. */
export function glorotUniform({ dtype, shape }: TensorType, seed: number): TypedArray {
  const [inputs, units] = shape as readonly [number, number];
  const limit = Math.sqrt(6 / (inputs + units));
  const next = splitMix32(seed);
  const data = allocateArray(dtype as 'float32' | 'float64', inputs * units);
  for (let i = 0; i < data.length; i++) data[i] = (2 * next() - 1) * limit;
  return data;
}

/** Uniform numbers in [0, 1): the 32-bit SplitMix generator. */
function splitMix32(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let z = state ^ (state >>> 16);
    z = Math.imul(z, 0x21f0aaad);
    z ^= z >>> 15;
    z = Math.imul(z, 0x735a2d97);
    z ^= z >>> 15;
    return (z >>> 0) / 2 ** 32;
  };
}
