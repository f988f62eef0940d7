import { isFloating, type Lanes, type Value } from '../ir.ts';
import { constant, formatOf } from './float.ts';

/** The smaller: NaN if either is, and -0 of both zeros. */
export function min(v: Lanes, x: Value, y: Value): Value {
  if (!isFloating(x)) return v.select(v.compare('lt', x, y), x, y);
  return ofEither(v, x, y, v.select(v.compare('lt', x, y), x, y), v.select(v.compare('lt', y, x), y, x), 'or');
}

/** The larger: NaN if either is, and +0 of both zeros. */
export function max(v: Lanes, x: Value, y: Value): Value {
  if (!isFloating(x)) return v.select(v.compare('gt', x, y), x, y);
  return ofEither(v, x, y, v.select(v.compare('gt', x, y), x, y), v.select(v.compare('gt', y, x), y, x), 'and');
}

/** The choices differ only in a NaN, and in the sign of zeros, where the bits that either or both have are right. */
function ofEither(v: Lanes, x: Value, y: Value, first: Value, second: Value, both: 'or' | 'and'): Value {
  const { element, integer } = formatOf(x);
  const chosen = v.bitcast(v[both](v.bitcast(first, integer), v.bitcast(second, integer)), element);
  return v.select(v.or(v.isNaN(x), v.isNaN(y)), constant(v, x, NaN), chosen);
}
