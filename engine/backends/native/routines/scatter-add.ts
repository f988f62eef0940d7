/** @file Sums at picked places in native code. */
import type { Routine } from '../../../compile/routine.ts';
import type { DType } from '../../../types.ts';
import type { Body, Element, Module } from '../ir.ts';
import type { Phase, RoutineRenderer } from '../routine.ts';
import type { Target } from '../target.ts';
import { addFunction, bytesOf, ELEMENTS, eachElement, eachVector, Integers, loop, UNIT_ELEMENTS } from './code.ts';

/** The sizes of routine `scatter_add`: `x` is `[outer, middle, size, inner]`, updates have `picks` in place of `size`. */
interface ScatterSizes {
  readonly outer: number;
  readonly middle: number;
  readonly size: number;
  readonly inner: number;
  readonly picks: number;
}

/** A routine whose functions are being written. */
interface Scatter {
  readonly sizes: ScatterSizes;
  readonly element: Element;
  readonly index: 'i32' | 'i64';
  readonly target: Target;
  /** Elements of `inner` that a part has. */
  readonly block: number;
  readonly blocks: number;
}

/** Elements of a row up to which it is not divided. */
const BLOCK = 64;

/** `scatter_add`: the sums of an element are added in the order of the positions, by one unit. */
export const scatterAdd: RoutineRenderer = (routine, { inputs }, module, name, target) => {
  const element = ELEMENTS[inputs[0]!.dtype];
  const index = indexOf(inputs[1]!.dtype);
  if (!element || !index) return undefined;
  const sizes = scatterSizes(routine);
  const { outer, middle, size, inner, picks } = sizes;
  const elements = outer * middle * size * inner;
  if (elements === 0) return { scratchBytes: 0, phases: [] };
  const block = blockOf(sizes);
  const scatter = { sizes, element, index, target, block, blocks: Math.ceil(inner / block) };
  const parts = outer * middle * scatter.blocks;
  // What is copied by one unit can be added to by the same.
  const isSmall = elements <= UNIT_ELEMENTS;
  const add: Phase = {
    name: `${name}_add`,
    units: isSmall ? 1 : parts,
    flops: outer * middle * picks * inner + (isSmall ? elements : 0),
  };
  addPhase(module, add.name, (body) => {
    if (isSmall) copyElements(body, scatter, elements);
    const [first, end] = isSmall ? ['0', String(parts)] : ['%begin', '%end'];
    loop(body, first, end, 1, (part) => writePart(body, scatter, part));
  });
  if (isSmall) return { scratchBytes: 0, phases: [add] };
  const copy = { name: `${name}_copy`, units: Math.ceil(elements / UNIT_ELEMENTS), flops: elements };
  addPhase(module, copy.name, (body) => copyElements(body, scatter, elements));
  return { scratchBytes: 0, phases: [copy, add] };
};

function indexOf(dtype: DType): 'i32' | 'i64' | undefined {
  return dtype === 'int32' ? 'i32' : dtype === 'int64' ? 'i64' : undefined;
}

function scatterSizes({ sizes }: Routine): ScatterSizes {
  return sizes as unknown as ScatterSizes;
}

/** Rows are divided where there are few of them. */
function blockOf({ outer, middle, inner }: ScatterSizes): number {
  const wanted = Math.ceil(32 / (outer * middle));
  return Math.max(Math.min(inner, BLOCK), Math.ceil(inner / wanted / BLOCK) * BLOCK);
}

function addPhase(module: Module, name: string, write: (body: Body) => void): void {
  const pointers = ['ptr %x', 'ptr %places', 'ptr %updates', 'ptr %out', 'ptr %scratch'];
  addFunction(module, name, [...pointers, 'i64 %begin', 'i64 %end'], write, '');
}

function copyElements(body: Body, { element, target }: Scatter, elements: number): void {
  const integers = new Integers(body);
  eachElement(body, element, elements, target, (memory, offset) =>
    memory.store(memory.load(element, integers.at('%x', offset)), integers.at('%out', offset)),
  );
}

/** Adds all updates to a part: one block of every row of one `[size, inner]`. */
function writePart(body: Body, { sizes, element, index, target, block, blocks }: Scatter, part: string): void {
  const { middle, size, inner, picks } = sizes;
  const integers = new Integers(body);
  const bytes = bytesOf(element);
  const [column, matrix] = integers.divide(part, blocks);
  const start = integers.mul(column, block * bytes);
  const count = blocks === 1 ? inner : integers.min(integers.sub(inner, integers.mul(column, block)), block);
  const batch = integers.mul(integers.div(matrix, middle), picks * bytesOf(index));
  const places = integers.at('%places', batch);
  const out = integers.at(integers.at('%out', integers.mul(matrix, size * inner * bytes)), start);
  const updates = integers.at(integers.at('%updates', integers.mul(matrix, picks * inner * bytes)), start);
  loop(body, '0', picks, 1, (pick) => {
    const place = placeOf(body, integers.at(places, integers.mul(pick, bytesOf(index))), index, size);
    const to = integers.at(out, integers.mul(place, inner * bytes));
    const from = integers.at(updates, integers.mul(pick, inner * bytes));
    eachVector(body, element, count, target, (memory, at) => {
      const offset = integers.mul(at, bytes);
      const sum = memory.load(element, integers.at(to, offset));
      const added = memory.load(element, integers.at(from, offset));
      memory.store(memory.lanes.add(sum, added), integers.at(to, offset));
    });
  });
}

/** A position brought into 0..size-1: negative ones count from the end, then those out of range are clamped. */
function placeOf(body: Body, pointer: string, index: 'i32' | 'i64', size: number): string {
  const integers = new Integers(body);
  const loaded = body.value(`load ${index}, ptr ${pointer}, align ${bytesOf(index)}`);
  const place = index === 'i64' ? loaded : body.value(`sext i32 ${loaded} to i64`);
  const isNegative = body.value(`icmp slt i64 ${place}, 0`);
  const wrapped = integers.pick(isNegative, integers.add(place, size), place);
  return integers.min(integers.max(wrapped, 0), size - 1);
}
