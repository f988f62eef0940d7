/**
 * @file Routines on the device, as WGSL of their own: gpu.js' language has no tiles that a workgroup shares. The text is
 * made of these templates and of sizes. A routine that is not here runs on the host, by its own definition.
 */
import type { Routine } from '../../compile/routine.ts';
import type { DType } from '../../types.ts';
import { spread } from './device.ts';
import { type Element, elementOf } from './kernel.ts';

/** A routine as a module: its inputs are bound in order, then its output. */
export interface DeviceRoutine {
  readonly wgsl: string;
  readonly groups: readonly number[];
}

type Sizes = Readonly<Record<string, number>>;

/** The routine on the device, if there is one for inputs of these dtypes. */
export function deviceRoutine({ name, sizes }: Routine, inputs: readonly DType[]): DeviceRoutine | undefined {
  const elements = inputs.map(elementOf);
  for (const size of Object.values(sizes))
    if (typeof size !== 'boolean' && !Number.isSafeInteger(size)) throw new Error(`${size} is no size`);
  switch (name) {
    case 'matmul':
      return matmul(sizes, elements);
    case 'scatter_add':
      return scatterAdd(sizes as Sizes, elements);
    default:
      return undefined;
  }
}

/** Rows and columns of the output that an invocation sums, in registers; a workgroup is 16 by 16 invocations. */
const SIDE = 16;
/** Terms of the sums that a workgroup reads at once. */
const DEPTH = 16;
const MAX_BATCH = 65535;

/**
 * C = A B, in tiles: a workgroup copies a tile of each operand to memory that it shares, and each invocation sums
 * `rows` by `columns` elements of the output in registers.
 */
function matmul(given: Routine['sizes'], [element]: readonly Element[]): DeviceRoutine | undefined {
  if (!given.strided || (element !== 'f32' && element !== 'i32')) return undefined;
  const s = given as Sizes & typeof given;
  const { batch, m, n, k } = s as {
    readonly batch: number;
    readonly m: number;
    readonly n: number;
    readonly k: number;
  };
  if (batch * m * n === 0 || batch > MAX_BATCH) return undefined;
  const rows = m > 2 * SIDE ? 4 : 1;
  const columns = n > 2 * SIDE ? 4 : 1;
  const [height, width] = [rows * SIDE, columns * SIDE];
  const [tall, wide] = [Math.ceil(m / height), Math.ceil(n / width)];
  if (tall > 65535 || wide > 65535) return undefined;
  const type = element;
  const zero = element === 'f32' ? '0.0' : '0';
  // Neighbouring invocations read neighbours: along the rows or the columns, as the operand lies.
  const loadA = tileLoad('ta', height, DEPTH, s.lhs_k === 1, (i, j) => ({
    index: `base_a + (row0 + ${i}) * ${s.lhs_m} + (t + ${j}) * ${s.lhs_k}`,
    inside: `row0 + ${i} < ${m} && t + ${j} < ${k}`,
    // Transposed, so that an invocation's rows are neighbours.
    place: `${j} * ${height} + ${i}`,
    buffer: 'a',
  }));
  const loadB = tileLoad('tb', DEPTH, width, s.rhs_n === 1, (i, j) => ({
    index: `base_b + (t + ${i}) * ${s.rhs_k} + (column0 + ${j}) * ${s.rhs_n}`,
    inside: `t + ${i} < ${k} && column0 + ${j} < ${n}`,
    place: `${i} * ${width} + ${j}`,
    buffer: 'b',
  }));
  const each = (count: number, text: (i: number) => string): string =>
    Array.from({ length: count }, (_, i) => text(i)).join('\n');
  const cells = (text: (i: number, j: number) => string): string => each(rows, (i) => each(columns, (j) => text(i, j)));
  const wgsl = `@group(0) @binding(0) var<storage, read> a : array<${type}>;
@group(0) @binding(1) var<storage, read> b : array<${type}>;
@group(0) @binding(2) var<storage, read_write> c : array<${type}>;
var<workgroup> ta : array<${type}, ${height * DEPTH}>;
var<workgroup> tb : array<${type}, ${DEPTH * width}>;
@compute @workgroup_size(${SIDE * SIDE})
fn main(@builtin(workgroup_id) group : vec3<u32>, @builtin(local_invocation_index) local : u32) {
let own = i32(local);
let row0 = i32(group.y) * ${height};
let column0 = i32(group.x) * ${width};
let base_a = i32(group.z) * ${s.lhs_batch};
let base_b = i32(group.z) * ${s.rhs_batch};
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
  return { wgsl, groups: [wide, tall, batch] };
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
