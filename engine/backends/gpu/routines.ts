/**
 * @file Routines on the device, as WGSL of their own: gpu.js' language has no tiles that a workgroup shares. The text is
 * made of these templates and of sizes. A routine that is not here runs on the host, by its own definition.
 */
import type { Routine, Stride, Windows } from '../../compile/routine.ts';
import type { DType } from '../../types.ts';
import { spread } from './device.ts';
import { type Element, elementOf } from './kernel.ts';
import { GROUP } from './translate.ts';

/** A routine as a module: its inputs are bound in order, then its output. */
export interface DeviceRoutine {
  readonly wgsl: string;
  readonly groups: readonly number[];
}

/** What suits a device. */
export interface RoutineOptions {
  /**
   * Whether workgroups copy tiles to memory that they share: a device that is a program on the processor has caches
   * instead, and takes seconds to compile barriers.
   */
  readonly sharesTiles: boolean;
}

type Sizes = Readonly<Record<string, number>>;

/** The routine on the device, if there is one for inputs of these dtypes. */
export function deviceRoutine(
  routine: Routine,
  inputs: readonly DType[],
  { sharesTiles }: RoutineOptions,
): DeviceRoutine | undefined {
  const { name, sizes } = routine;
  const elements = inputs.map(elementOf);
  const axes = Object.values(routine.windows ?? {}).flat() as readonly Stride[];
  for (const size of [...Object.values(sizes), ...axes.flatMap(({ size, step }) => [size, step])])
    if (typeof size !== 'boolean' && !Number.isSafeInteger(size)) throw new Error(`${size} is no size`);
  switch (name) {
    case 'matmul':
      return product(sizes, matrixOf(sizes as Sizes), elements, sharesTiles);
    case 'conv':
      return product(sizes, windowsOf(routine.windows as Windows), elements, sharesTiles);
    case 'scatter_add':
      return scatterAdd(sizes as Sizes, elements);
    default:
      return undefined;
  }
}

/** Where tiles are shared, a workgroup is 16 by 16 invocations. */
const SIDE = 16;
/** Terms of the sums that a workgroup reads at once. */
const DEPTH = 16;
const MAX_GROUPS = 65535;

/** Where an element of the right operand lies, as WGSL: the sum of what its matrix, its term and its column say. */
interface Right {
  matrix(z: string): string;
  term(t: string): string;
  column(j: string): string;
  /** Whether neighbouring columns are mostly neighbours in memory. */
  readonly isRowMajor: boolean;
  /** Which input it is. */
  readonly input: 0 | 1;
}

/** The sizes of a matrix product, the strides of its left operand, and where its right one lies. */
interface Product extends Readonly<Record<'batch' | 'm' | 'n' | 'k' | 'lhs_batch' | 'lhs_m' | 'lhs_k', number>> {
  readonly right: Right;
  readonly element: 'f32' | 'i32';
}

function matrixOf({ rhs_batch, rhs_k, rhs_n }: Sizes): Right {
  return {
    matrix: (z) => `${z} * ${rhs_batch}`,
    term: (t) => `${t} * ${rhs_k}`,
    column: (j) => `${j} * ${rhs_n}`,
    isRowMajor: rhs_n === 1,
    input: 1,
  };
}

function windowsOf({ batch, terms, columns }: Windows): Right {
  return {
    matrix: (z) => placeOf(batch, z),
    term: (t) => placeOf(terms, t),
    column: (j) => placeOf(columns, j),
    isRowMajor: true,
    input: 0,
  };
}

/** Where the element of a number lies that counts along axes. */
function placeOf(axes: readonly Stride[], index: string): string {
  let inner = 1;
  const digits: string[] = [];
  for (const [i, { size, step }] of [...axes].reverse().entries()) {
    const above = inner === 1 ? index : `(${index}) / ${inner}`;
    if (size > 1) digits.push(i === axes.length - 1 ? `(${above}) * ${step}` : `((${above}) % ${size}) * ${step}`);
    inner *= size;
  }
  return digits.length === 0 ? '0' : digits.join(' + ');
}

/** C = A B, each invocation summing some rows by some columns in registers. */
function product(
  sizes: Routine['sizes'],
  right: Right,
  [element]: readonly Element[],
  sharesTiles: boolean,
): DeviceRoutine | undefined {
  if (!sizes.strided || (element !== 'f32' && element !== 'i32')) return undefined;
  const form = { ...(sizes as object), right, element } as Product;
  const { batch, m, n } = form;
  if (batch * m * n === 0 || batch > MAX_GROUPS || m > MAX_GROUPS * SIDE || n > MAX_GROUPS * SIDE) return undefined;
  return sharesTiles ? tiledProduct(form) : plainProduct(form);
}

const HEADER = (
  element: string,
  { input }: Right,
): string => `@group(0) @binding(${1 - input}) var<storage, read> a : array<${element}>;
@group(0) @binding(${input}) var<storage, read> b : array<${element}>;
@group(0) @binding(2) var<storage, read_write> c : array<${element}>;`;

function each(count: number, text: (i: number) => string): string {
  return Array.from({ length: count }, (_, i) => text(i)).join('\n');
}

/** Operands are read where they lie; rows and columns beyond the end are the last ones, and are not written. */
function plainProduct({ element, batch, m, n, k, right, ...s }: Product): DeviceRoutine {
  const rows = Math.min(4, m);
  const columns = Math.min(4, n);
  const [tall, wide] = [Math.ceil(m / rows), Math.ceil(n / columns)];
  const points = batch * tall * wide;
  const cells = (text: (i: number, j: number) => string): string => each(rows, (i) => each(columns, (j) => text(i, j)));
  const [x, y] = spread(Math.ceil(points / GROUP));
  const wgsl = `${HEADER(element, right)}
@compute @workgroup_size(${GROUP})
fn main(
@builtin(workgroup_id) group : vec3<u32>,
@builtin(num_workgroups) groups : vec3<u32>,
@builtin(local_invocation_index) local : u32
) {
let point = (group.x + group.y * groups.x) * ${GROUP}u + local;
if (point >= ${points}u) { return; }
let own = i32(point);
let column0 = (own % ${wide}) * ${columns};
let row0 = ((own / ${wide}) % ${tall}) * ${rows};
let z = own / ${tall * wide};
${each(rows, (i) => `var pa${i} = z * ${s.lhs_batch} + min(row0 + ${i}, ${m - 1}) * ${s.lhs_m};`)}
${each(columns, (j) => `let column${j + 1} = min(column0 + ${j}, ${n - 1});`)}
${each(columns, (j) => `let pb${j} = ${right.matrix('z')} + ${right.column(`column${j + 1}`)};`)}
${cells((i, j) => `var c${i}x${j} = ${element}(0);`)}
for (var t = 0; t < ${k}; t = t + 1) {
${each(rows, (i) => `let a${i} = a[pa${i}]; pa${i} = pa${i} + ${s.lhs_k};`)}
let term = ${right.term('t')};
${each(columns, (j) => `let b${j} = b[pb${j} + term];`)}
${cells((i, j) => `c${i}x${j} = c${i}x${j} + a${i} * b${j};`)}
}
${cells(
  (i, j) =>
    `if (row0 + ${i} < ${m} && column0 + ${j} < ${n}) { c[(z * ${m} + row0 + ${i}) * ${n} + column0 + ${j}] = c${i}x${j}; }`,
)}
}`;
  return { wgsl, groups: [x, y, 1] };
}

/** A workgroup copies a tile of each operand to memory that it shares before its invocations sum. */
function tiledProduct({ element, batch, m, n, k, right, ...s }: Product): DeviceRoutine {
  const rows = m > 2 * SIDE ? 4 : 1;
  const columns = n > 2 * SIDE ? 4 : 1;
  const [height, width] = [rows * SIDE, columns * SIDE];
  // Neighbouring invocations read neighbours: along the rows or the columns, as the operand lies.
  const loadA = tileLoad('ta', height, DEPTH, s.lhs_k === 1, (i, j) => ({
    index: `base_a + (row0 + ${i}) * ${s.lhs_m} + (t + ${j}) * ${s.lhs_k}`,
    inside: `row0 + ${i} < ${m} && t + ${j} < ${k}`,
    // Transposed, so that an invocation's rows are neighbours.
    place: `${j} * ${height} + ${i}`,
    buffer: 'a',
  }));
  const loadB = tileLoad('tb', DEPTH, width, right.isRowMajor, (i, j) => ({
    index: `base_b + ${right.term(`(t + ${i})`)} + ${right.column(`(column0 + ${j})`)}`,
    inside: `t + ${i} < ${k} && column0 + ${j} < ${n}`,
    place: `${i} * ${width} + ${j}`,
    buffer: 'b',
  }));
  const cells = (text: (i: number, j: number) => string): string => each(rows, (i) => each(columns, (j) => text(i, j)));
  const zero = `${element}(0)`;
  const wgsl = `${HEADER(element, right)}
var<workgroup> ta : array<${element}, ${height * DEPTH}>;
var<workgroup> tb : array<${element}, ${DEPTH * width}>;
@compute @workgroup_size(${SIDE * SIDE})
fn main(@builtin(workgroup_id) group : vec3<u32>, @builtin(local_invocation_index) local : u32) {
let own = i32(local);
let row0 = i32(group.y) * ${height};
let column0 = i32(group.x) * ${width};
let base_a = i32(group.z) * ${s.lhs_batch};
let base_b = ${right.matrix('i32(group.z)')};
let y = own / ${SIDE};
let x = own % ${SIDE};
${cells((i, j) => `var c${i}x${j} = ${zero};`)}
for (var t = 0; t < ${k}; t = t + ${DEPTH}) {
${loadA(zero)}
${loadB(zero)}
workgroupBarrier();
for (var d = 0; d < ${DEPTH}; d = d + 1) {
${each(rows, (i) => `let a${i} = ta[d * ${height} + y + ${i * SIDE}];`)}
${each(columns, (j) => `let b${j} = tb[d * ${width} + x + ${j * SIDE}];`)}
${cells((i, j) => `c${i}x${j} = c${i}x${j} + a${i} * b${j};`)}
}
workgroupBarrier();
}
let base_c = i32(group.z) * ${m * n};
${cells(
  (i, j) =>
    `if (row0 + y + ${i * SIDE} < ${m} && column0 + x + ${j * SIDE} < ${n}) { c[base_c + (row0 + y + ${i * SIDE}) * ${n} + column0 + x + ${j * SIDE}] = c${i}x${j}; }`,
)}
}`;
  return { wgsl, groups: [Math.ceil(n / width), Math.ceil(m / height), batch] };
}

interface Cell {
  readonly index: string;
  readonly inside: string;
  readonly place: string;
  readonly buffer: string;
}

/** Statements that copy a tile, zeros beyond the operand's end. */
function tileLoad(
  tile: string,
  rows: number,
  columns: number,
  isRowMajor: boolean,
  cell: (row: string, column: string) => Cell,
): (zero: string) => string {
  const threads = SIDE * SIDE;
  return (zero) =>
    Array.from({ length: Math.ceil((rows * columns) / threads) }, (_, step) => {
      const e = `(own + ${step * threads})`;
      const [row, column] = isRowMajor
        ? [`(${e} / ${columns})`, `(${e} % ${columns})`]
        : [`(${e} % ${rows})`, `(${e} / ${rows})`];
      const { index, inside, place, buffer } = cell(row, column);
      // Beyond the end nothing is read: an index is clamped before it is used.
      return `${tile}[${place}] = select(${zero}, ${buffer}[select(0, ${index}, ${inside})], ${inside});`;
    }).join('\n');
}

/** More comparisons of positions than this are not worth it. */
const MOST_PICKS = 2 ** 33;

/** Each invocation adds to one element, in the order of the positions, what they say. */
function scatterAdd(sizes: Sizes, [element, index]: readonly Element[]): DeviceRoutine | undefined {
  if ((element !== 'f32' && element !== 'i32') || index !== 'i32') return undefined;
  const { outer, middle, size, inner, picks } = sizes as Record<
    'outer' | 'middle' | 'size' | 'inner' | 'picks',
    number
  >;
  const total = outer * middle * size * inner;
  if (total === 0 || total >= 2 ** 31 || total * picks > MOST_PICKS) return undefined;
  const groups = spread(Math.ceil(total / 64));
  const wgsl = `@group(0) @binding(0) var<storage, read> x : array<${element}>;
@group(0) @binding(1) var<storage, read> places : array<i32>;
@group(0) @binding(2) var<storage, read> updates : array<${element}>;
@group(0) @binding(3) var<storage, read_write> sums : array<${element}>;
@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group : vec3<u32>,
  @builtin(num_workgroups) groups : vec3<u32>,
  @builtin(local_invocation_index) local : u32
) {
let point = (group.x + group.y * groups.x) * 64u + local;
if (point >= ${total}u) { return; }
let own = i32(point);
let i = own % ${inner};
let row = (own / ${inner}) % ${size};
let block = own / ${inner * size};
let batch = block / ${middle};
var sum = x[own];
for (var pick = 0; pick < ${picks}; pick = pick + 1) {
let given = places[batch * ${picks} + pick];
let place = clamp(select(given, given + ${size}, given < 0), 0, ${size - 1});
if (place == row) { sum = sum + updates[(block * ${picks} + pick) * ${inner} + i]; }
}
sums[own] = sum;
}`;
  return { wgsl, groups: [...groups] };
}
