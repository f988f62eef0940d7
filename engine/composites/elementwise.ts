/** @file The family of composites that act element by element. */
import { noParams } from '../ops/elementwise.ts';
import type { NoParams, Sample } from '../ops/op.ts';
import { type Composite, composite } from './composite.ts';

interface Elementwise<W>
  extends Pick<Composite<W>, 'name' | 'doc' | 'operands' | 'build' | 'cases'>,
    Partial<Pick<Composite<W>, 'aliases' | 'params' | 'positional'>> {
  /** For each operand, the open interval on which it is smooth, for the laws. */
  readonly domain?: Sample['domain'];
}

/** A composite that acts element by element. */
export function elementwiseComposite<W = NoParams>(parts: Elementwise<W>): Composite<W> {
  const { domain, ...rest } = parts;
  return composite<W>({
    params: noParams as Composite<W>['params'],
    ...rest,
    variadic: false,
    broadcast: true,
    samples: ['f64[2,3]', 'f32[2,3]'].map((type) => ({
      types: parts.operands.map(() => type),
      ...(domain ? { domain } : {}),
    })),
  });
}
