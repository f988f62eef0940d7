import { z } from 'zod';
import { indexAtLinear } from '../compile/index-space.ts';
import { shapeSchema } from '../program/document.ts';
import { formatType, sameShape, sizeOf, type TensorType } from '../types.ts';
import { movement } from './movement.ts';
import { type Op, ParamMismatch } from './op.ts';

const params = z.strictObject({ shape: shapeSchema });

const size = z
  .number()
  .int()
  .min(-1)
  .max(2 ** 31 - 1);

/** The same elements in row-major order under another shape. */
export const reshape: Op<z.output<typeof params>> = movement({
  name: 'reshape',
  doc: 'The elements of `x` in row-major order under another `shape` of the same size; one size may be -1 and follows from the others.',
  params,
  surface: {
    params: z.strictObject({ shape: z.union([size, z.array(size).max(8).readonly()]) }),
    positional: ['shape'],
    build: (b, [x], { shape }) =>
      reshape(b, x, { shape: resolved(typeof shape === 'number' ? [shape] : shape, sizeOf(x.type.shape)) }),
  },
  type: (x, { shape }) => {
    if (sizeOf(x.shape) !== sizeOf(shape))
      throw new ParamMismatch(
        'shape',
        `${formatType(x)} has ${sizeOf(x.shape)} elements, shape [${shape}] has ${sizeOf(shape)}`,
      );
    return shape;
  },
  transpose: (b, ct, { x: [x] }) => reshape(b, ct, { shape: x.type.shape }),
  batch: (b, x, { shape }, size) => reshape(b, x, { shape: [size, ...shape] }),
  simplify: (b, x, { shape }) => {
    if (sameShape(x.type.shape, shape)) return x;
    const inner = b.producer(x);
    return inner?.op === reshape ? reshape(b, inner.inputs[0] as typeof x, { shape }) : null;
  },
  source: (e, at, { x: [x] }) => indexAtLinear(e, (x as TensorType).shape, at.linear()),
  cases: [
    {
      inputs: [{ type: 'f32[2,3]', data: [1, 2, 3, 4, 5, 6] }],
      params: { shape: [3, -1] },
      outputs: [{ type: 'f32[3,2]', data: [1, 2, 3, 4, 5, 6] }],
      source: 'numpy',
    },
    {
      inputs: [{ type: 'i32[1]', data: [1] }],
      params: { shape: [] },
      outputs: [{ type: 'i32', data: [1] }],
      source: 'numpy',
    },
  ],
  samples: [
    { types: ['f64[2,3]'], params: { shape: [6] } },
    { types: ['i32[4]'], params: { shape: [2, 1, 2] } },
  ],
});

function resolved(shape: readonly number[], elements: number): readonly number[] {
  const open = shape.filter((size) => size < 0);
  if (open.length === 0) return shape;
  const known = sizeOf(shape.filter((size) => size >= 0));
  if (open.length > 1 || known === 0 || elements % known !== 0)
    throw new ParamMismatch('shape', `the -1 in shape [${shape}] has no one size that makes ${elements} elements`);
  return shape.map((size) => (size < 0 ? elements / known : size));
}
