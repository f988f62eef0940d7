/** @file The family of composites that fill a shape with one value. */
import { z } from 'zod';
import { operand } from '../ops/op.ts';
import { shapeOrSizeSchema, sizesFrom } from '../ops/sizes.ts';
import { dtypeSchema } from '../program/document.ts';
import { type Composite, composite } from './composite.ts';

type Parts = Pick<Composite, 'name' | 'doc' | 'cases'>;

/** A composite that fills a `shape` with a value. */
export function filled(value: number, parts: Parts): Composite {
  return composite({
    ...parts,
    operands: [],
    variadic: false,
    broadcast: false,
    params: z.strictObject({ shape: shapeOrSizeSchema, dtype: dtypeSchema.optional() }),
    positional: ['shape', 'dtype'],
    build: (b, _, { shape, dtype }, { floatDtype }) =>
      b.full(value, { dtype: dtype ?? floatDtype, shape: sizesFrom(shape) }),
    samples: [
      { types: [], params: { shape: [2, 3] } },
      { types: [], params: { shape: 4, dtype: 'int64' } },
      { types: [], params: { shape: [], dtype: 'bool' } },
    ],
  });
}

/** A composite that fills the shape of its input with a value. */
export function filledLike(value: number, parts: Parts): Composite {
  return composite({
    ...parts,
    operands: [operand('x', 'any')],
    variadic: false,
    broadcast: false,
    params: z.strictObject({ dtype: dtypeSchema.optional() }),
    positional: ['dtype'],
    build: (b, [x], { dtype }) => b.full(value, { dtype: dtype ?? x.type.dtype, shape: x.type.shape }),
    samples: [
      { types: ['f64[2,3]'], params: {} },
      { types: ['bool[2]'], params: { dtype: 'float32' } },
    ],
  });
}
