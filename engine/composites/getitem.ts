import { z } from 'zod';
import { operand, ParamMismatch } from '../ops/op.ts';
import { reshape } from '../ops/reshape.ts';
import { boundSchema } from '../ops/slice.ts';
import { type Bounds, sliceAll } from '../ops/slicing.ts';
import type { Params } from '../program/program.ts';
import { composite } from './composite.ts';

const item = z.union([
  boundSchema.unwrap(),
  z.strictObject({ slice: z.array(boundSchema).max(3).readonly() }),
  z.null(),
  z.literal('...'),
]);

type Item = z.output<typeof item>;

/** Python's subscripts. */
export const index = composite({
  name: 'index',
  aliases: ['getitem'],
  doc: 'NumPy\'s `x[…]`. Each of `items` is an integer, `{slice: [start, stop, step]}` with `null` for what is left out, `null` for a new axis, or `"..."` for as many whole axes as are left.',
  operands: [operand('x', 'any')],
  variadic: false,
  broadcast: false,
  params: z.strictObject({ items: z.array(item).max(16).readonly() }),
  build: (b, [x], { items }) => {
    const { shape } = x.type;
    const bounds: Bounds[] = [];
    const places: (number | 'new' | 'dropped')[] = [];
    for (const entry of spread(items, shape.length)) {
      const axis = bounds.length;
      if (entry === null) places.push('new');
      else if (typeof entry === 'number') {
        bounds.push(oneOf(entry, axis, shape[axis]!));
        places.push('dropped');
      } else {
        bounds.push(entry.slice);
        places.push(axis);
      }
    }
    const taken = sliceAll(b, x, bounds, 'items');
    const sizes = places.flatMap((place) =>
      place === 'dropped' ? [] : [place === 'new' ? 1 : taken.type.shape[place]!],
    );
    return reshape(b, taken, { shape: sizes });
  },
  cases: [
    {
      inputs: [{ type: 'f32[2,3]', data: [1, 2, 3, 4, 5, 6] }],
      params: { items: [-1] },
      outputs: [{ type: 'f32[3]', data: [4, 5, 6] }],
      source: 'numpy',
    },
    {
      inputs: [{ type: 'f32[2,3]', data: [1, 2, 3, 4, 5, 6] }],
      params: { items: ['...', { slice: [null, null, -2] }, null] },
      outputs: [{ type: 'f32[2,2,1]', data: [3, 1, 6, 4] }],
      source: 'numpy',
    },
    {
      inputs: [{ type: 'f64[2,2,2]', data: [1, 2, 3, 4, 5, 6, 7, 8] }],
      params: { items: [{ slice: [] }, 0] },
      outputs: [{ type: 'f64[2,2]', data: [1, 2, 5, 6] }],
      source: 'numpy',
    },
    {
      inputs: [{ type: 'i32[5]', data: [1, 2, 3, 4, 5] }],
      params: { items: [{ slice: [-2, -99, -1] }] },
      outputs: [{ type: 'i32[4]', data: [4, 3, 2, 1] }],
      source: 'numpy',
    },
    {
      inputs: [{ type: 'i32[5]', data: [1, 2, 3, 4, 5] }],
      params: { items: [{ slice: [3, 1] }] },
      outputs: [{ type: 'i32[0]', data: [] }],
      source: 'numpy',
    },
  ],
  samples: [
    { types: ['f64[3,4]'], params: subscript(1) },
    { types: ['f64[3,4]'], params: subscript({ slice: [null, null, -1] }, -1) },
    { types: ['f64[2,3,4]'], params: subscript('...', null, { slice: [1, null, 2] }) },
    { types: ['f64[2,3,4]'], params: subscript(0, '...', -2) },
    { types: ['f32[5]'], params: subscript({ slice: [-3, 100, null] }, null) },
    { types: ['i32[5]'], params: subscript({ slice: [4, 1, -2] }) },
    { types: ['bool[2]'], params: subscript({ slice: [2] }) },
    { types: ['f64'], params: subscript(null) },
  ],
});

// A sample's params are typed as an equation's, which hold no objects.
function subscript(...items: readonly Item[]): Params {
  return { items } as unknown as Params;
}

const WHOLE: Item = { slice: [] };

/** The items with one for every axis; throws `ParamMismatch` for more than there are axes. */
function spread(items: readonly Item[], rank: number): Exclude<Item, '...'>[] {
  const used = items.filter((entry) => entry !== null && entry !== '...').length;
  if (used > rank) throw new ParamMismatch('items', `${used} items are too many for rank ${rank}`);
  const [first, second] = items.flatMap((entry, place) => (entry === '...' ? [place] : []));
  if (second !== undefined) throw new ParamMismatch('items', "'...' may occur only once");
  const at = first ?? items.length;
  const rest = new Array<Item>(rank - used).fill(WHOLE);
  return [...items.slice(0, at), ...rest, ...items.slice(at + 1)] as Exclude<Item, '...'>[];
}

/** The one position of an integer; throws `ParamMismatch` where there is none. */
function oneOf(position: number, axis: number, size: number): Bounds {
  if (position < -size || position >= size)
    throw new ParamMismatch('items', `index ${position} is out of range for axis ${axis} of size ${size}`);
  const place = position < 0 ? position + size : position;
  return [place, place + 1, 1];
}
