/** @file What the operators and module constants of Python mean in the catalogue's names. */
import { DTYPES } from '../../types.ts';

/** The op of each binary operator that is no comparison. */
export const BINARY: ReadonlyMap<string, string> = new Map([
  ['+', 'add'],
  ['-', 'sub'],
  ['*', 'mul'],
  ['/', 'div'],
  ['//', 'floor_divide'],
  ['%', 'remainder'],
  ['**', 'pow'],
  ['@', 'matmul'],
  ['&', 'logical_and'],
  ['|', 'logical_or'],
  ['^', 'logical_xor'],
]);

/** The op of each comparison; comparisons chain. */
export const COMPARISON: ReadonlyMap<string, string> = new Map([
  ['==', 'eq'],
  ['!=', 'ne'],
  ['<', 'lt'],
  ['<=', 'le'],
  ['>', 'gt'],
  ['>=', 'ge'],
]);

/** The op of each unary operator; `+x` is `x`. */
export const UNARY: ReadonlyMap<string, string> = new Map([
  ['-', 'neg'],
  ['~', 'logical_not'],
]);

/** What to write in place of Python's words for truth values, which do not broadcast. */
export const INSTEAD: ReadonlyMap<string, string> = new Map([
  ['and', '&'],
  ['or', '|'],
  ['not', '~'],
]);

/** Names that stand for a module before a dot: `np.sin(x)` is `sin(x)`. */
export const MODULES: ReadonlySet<string> = new Set(
  'np numpy jnp jax lax nn tf tensorflow torch keras scipy math'.split(' '),
);

/** What `np.pi` and its like are; dtypes are named by strings. */
export const MODULE_CONSTANTS: ReadonlyMap<string, number | string | null> = new Map<string, number | string | null>([
  ['pi', Math.PI],
  ['e', Math.E],
  ['inf', Infinity],
  ['nan', NaN],
  ['newaxis', null],
  ...DTYPES.map((dtype) => [dtype, dtype] as const),
]);

const FOLDS: ReadonlyMap<string, (a: number, b: number) => number> = new Map([
  ['add', (a: number, b: number) => a + b],
  ['sub', (a: number, b: number) => a - b],
  ['mul', (a: number, b: number) => a * b],
  ['div', (a: number, b: number) => a / b],
  ['floor_divide', floorDivide],
  ['remainder', remainder],
  ['pow', (a: number, b: number) => a ** b],
]);

/** The number an operator makes of plain numbers; `undefined` where the engine must decide, as for `1 / 0`. */
export function fold(op: string, operands: readonly unknown[]): number | undefined {
  const [a, b] = operands;
  if (typeof a !== 'number') return undefined;
  if (op === 'neg') return -a;
  const value = typeof b === 'number' ? FOLDS.get(op)?.(a, b) : undefined;
  return Number.isFinite(value) ? value : undefined;
}

/** Python's `%`: the result has the divisor's sign. */
function remainder(a: number, b: number): number {
  const rest = a % b;
  return rest !== 0 && rest < 0 !== b < 0 ? rest + b : rest;
}

/** Python's `//`, which agrees with its `%` where `floor(a / b)` rounds up. */
function floorDivide(a: number, b: number): number {
  return Math.round((a - remainder(a, b)) / b);
}

/** The number a Python literal writes; `undefined` for a complex, ambiguous or inexact one. */
export function parseNumber(literal: string): number | undefined {
  const digits = literal.replaceAll('_', '');
  // Python refuses 010, which is 8 to some readers and 10 to others.
  if (/^0\d*[1-9]\d*$/.test(digits)) return undefined;
  const value = Number(digits);
  if (Number.isNaN(value)) return undefined;
  const integer = /^\d+$|^0[xob]/i.test(digits);
  return integer && !Number.isSafeInteger(value) ? undefined : value;
}

/** The characters of a Python string literal; `undefined` for one with a prefix, an escape or triple quotes. */
export function parseString(literal: string): string | undefined {
  const match = /^(?:'([^'\\\n]*)'|"([^"\\\n]*)")$/.exec(literal);
  return match ? (match[1] ?? match[2]) : undefined;
}
