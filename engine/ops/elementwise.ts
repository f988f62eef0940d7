/** @file The family of ops that act element by element on inputs of one shape. */
import { z } from 'zod';
import type { Expr, Exprs, ScalarFn } from '../compile/expr.ts';
import { type DType, formatType, isFloat, isInteger, sameShape, type TensorType } from '../types.ts';
import {
  defineOp,
  type Form,
  type NoParams,
  type Op,
  type Operand,
  type OpRules,
  type Sample,
  TypeMismatch,
} from './op.ts';

/** The params of ops that have none. */
export const noParams: z.ZodType<NoParams> = z.strictObject({});

interface Elementwise<P>
  extends Pick<OpRules<P>, 'name' | 'doc' | 'operands' | 'jvp' | 'cases'>,
    Partial<Pick<OpRules<P>, 'aliases' | 'surface' | 'writes' | 'transpose' | 'simplify' | 'params' | 'samples'>> {
  /** The output's dtype; by default that of the first promoted operand. */
  readonly result?: (x: readonly TensorType[], params: P) => DType;
  /** The output element: a scalar function of the contract, or an expression over the inputs' elements. */
  readonly element: ScalarFn | ((e: Exprs, x: ScalarArgs, form: Form<P>) => Expr);
  /** For each float operand, the open interval on which the op is smooth, for the laws. */
  readonly domain?: readonly (readonly [number, number])[];
}

/** The inputs' elements; typed as if always three. */
export type ScalarArgs = readonly [Expr, Expr, Expr, ...Expr[]];

/** An op that acts element by element. */
export function elementwise<P = NoParams>(rules: Elementwise<P>): Op<P> {
  const { element, domain, result, ...rest } = rules;
  return defineOp<P>({
    params: noParams as unknown as z.ZodType<P>,
    samples: samplesOf(rules.operands, domain),
    ...rest,
    family: 'elementwise',
    variadic: false,
    broadcast: true,
    type: (x, params) => {
      checkElementwise(rules.operands, x);
      const dtype = result ? result(x, params) : (x[firstPromoted(rules.operands)] as TensorType).dtype;
      return [{ dtype, shape: (x[0] as TensorType).shape }];
    },
    batch: 'pointwise',
    lower: {
      kind: 'map',
      element: (e, read, at, form) => {
        const args = rules.operands.map((_, i) => read(i, at)) as unknown as ScalarArgs;
        return typeof element === 'string' ? e.apply(element, args) : element(e, args, form);
      },
    },
  });
}

function firstPromoted(operands: readonly Operand[]): number {
  return Math.max(
    0,
    operands.findIndex((operand) => operand.promoted),
  );
}

function checkElementwise(operands: readonly Operand[], x: readonly TensorType[]): void {
  const lead = firstPromoted(operands);
  operands.forEach((operand, i) => {
    const type = x[i] as TensorType;
    const first = x[0] as TensorType;
    if (!accepts(operand.kind, type.dtype)) throw new TypeMismatch(i, `a ${operand.kind} tensor`);
    const dtype = operand.promoted ? (x[lead] as TensorType).dtype : type.dtype;
    if (!sameShape(type.shape, first.shape) || type.dtype !== dtype)
      throw new TypeMismatch(i, formatType({ dtype, shape: first.shape }));
  });
}

/** Whether an operand kind takes a dtype. */
export function accepts(kind: Operand['kind'], dtype: DType): boolean {
  switch (kind) {
    case 'float':
      return isFloat(dtype);
    case 'number':
      return dtype !== 'bool';
    case 'bool':
      return dtype === 'bool';
    case 'integer':
      return isInteger(dtype);
    case 'any':
      return true;
    default:
      return kind satisfies never;
  }
}

function samplesOf(operands: readonly Operand[], domain: Sample['domain']): Sample[] {
  const typed = (dtype: string): Sample => ({
    types: operands.map(({ kind }) =>
      kind === 'bool' ? 'bool[2,3]' : kind === 'integer' ? 'i32[2,3]' : `${dtype}[2,3]`,
    ),
    ...(domain ? { domain } : {}),
  });
  const kinds = operands.filter(({ promoted }) => promoted).map(({ kind }) => kind);
  const dtypes = kinds.includes('float')
    ? ['f64', 'f32']
    : kinds.includes('number')
      ? ['f64', 'f32', 'i32', 'i64']
      : ['f64', 'i32', 'i64', 'bool'];
  return kinds.length === 0 ? [typed('f64')] : dtypes.map(typed);
}
