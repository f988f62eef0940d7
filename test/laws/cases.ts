/** @file Worked cases as programs with inputs, and whether results are the oracle's numbers. */
import type { Case, CaseTensor } from '../../engine/ops/op.ts';
import type { Program } from '../../engine/program/program.ts';
import { arrayFrom, type DType, isFloat, type Tensor, type TensorType, type TypedArray } from '../../engine/types.ts';
import { type Entry, node, typeOf } from './table.ts';

/** How far a result may be from the oracle's number, which is right to the last digit of its dtype. */
export interface Relative {
  readonly float32: number;
  readonly float64: number;
  /** What any result may be off by: for devices without subnormal numbers. */
  readonly absolute: number;
}

/** What backends on the host are held to. */
export const RELATIVE: Relative = { float32: 1e-6, float64: 1e-14, absolute: 0 };

/** The program of a case and its inputs, its floats in another dtype if one is given. */
export function inputsOf(
  entry: Entry,
  worked: Case,
  dtype: DType | undefined,
): { readonly program: Program; readonly inputs: readonly TypedArray[] } {
  const types = worked.inputs.map(({ type }) => typeIn(typeOf(type), dtype));
  const inputs = worked.inputs.map((tensor, i) => elementsOf(tensor, (types[i] as TensorType).dtype));
  return { program: node(entry, types, worked.params), inputs };
}

function typeIn(type: TensorType, dtype: DType | undefined): TensorType {
  return dtype !== undefined && isFloat(type.dtype) ? { dtype, shape: type.shape } : type;
}

/** The elements as the case's own dtype holds them, in another. */
function elementsOf({ type, data }: CaseTensor, dtype: DType): TypedArray {
  return arrayFrom(dtype, arrayFrom(typeOf(type).dtype, data));
}

/** The other float dtype, when all inputs are the same numbers in it. */
export function otherDtypes({ inputs, params }: Case): DType[] {
  const floats = inputs.filter(({ type }) => isFloat(typeOf(type).dtype));
  const dtypes = new Set(floats.map(({ type }) => typeOf(type).dtype));
  // A case of mixed dtypes, or one that names a dtype, is about those dtypes.
  if (dtypes.size !== 1 || params?.dtype !== undefined) return [];
  if (dtypes.has('float32')) return ['float64'];
  return floats.every(({ data }) => data.every((x) => Object.is(Math.fround(Number(x)), Number(x)))) ? ['float32'] : [];
}

/** Throws unless the outputs are the case's, in the dtype it was computed in. */
export function expectCase(
  worked: Case,
  actual: readonly Tensor[],
  dtype: DType | undefined,
  relative: Relative,
): void {
  if (actual.length !== worked.outputs.length)
    throw new Error(`${actual.length} outputs, expected ${worked.outputs.length}`);
  actual.forEach((tensor, i) => {
    const expected = worked.outputs[i] as CaseTensor;
    const type = typeIn(typeOf(expected.type), dtype);
    if (tensor.type.dtype !== type.dtype || tensor.type.shape.join() !== type.shape.join())
      throw new Error(
        `output ${i} is ${tensor.type.dtype}[${tensor.type.shape}], expected ${type.dtype}[${type.shape}]`,
      );
    expectElements(tensor, expected, `output ${i}`, relative);
  });
}

function expectElements(
  { type, data }: Tensor,
  { type: text, data: numbers }: CaseTensor,
  what: string,
  relative: Relative,
): void {
  if (data.length !== numbers.length) throw new Error(`${what}: ${data.length} elements, expected ${numbers.length}`);
  const own = typeOf(text).dtype;
  // What one of the two dtypes cannot tell from the other's number is no difference.
  const coarse = own === 'float32' || type.dtype === 'float32' ? 'float32' : 'float64';
  const round = (x: number): number => (coarse === 'float32' ? Math.fround(x) : x);
  numbers.forEach((number, i) => {
    const exact = arrayFrom(own, [number])[0] as number | bigint;
    const element = data[i] as number | bigint;
    const [e, a] = [round(Number(exact)), round(Number(element))];
    const isRight = isFloat(type.dtype)
      ? Object.is(a, e) || Math.abs(a - e) <= relative[coarse] * Math.abs(e) + relative.absolute
      : BigInt(element) === BigInt(exact);
    if (!isRight || (e === 0 && a === 0 && !Object.is(a, e)))
      throw new Error(`${what}, element ${i}: ${signed(a)}, expected ${signed(e)} of ${numbers[i]}`);
  });
}

function signed(x: number): string {
  return Object.is(x, -0) ? '-0' : String(x);
}
