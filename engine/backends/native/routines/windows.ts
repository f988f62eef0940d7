/** @file Panels that are filled from windows over a tensor: element after element by where the window's places are. */
import type { Routine, Stride, Windows } from '../../../compile/routine.ts';
import { sizeOf, type TensorType } from '../../../types.ts';
import type { Body, Element, Lanes, Value } from '../ir.ts';
import { addFunction, bytesOf, type Carried, Integers, lanesOf, loop, loopOnce, Memory } from './code.ts';
import type { TileKernel } from './matmul-plan.ts';
import type { Fill } from './panels.ts';
import { operandsOf, type Product } from './product.ts';

/** Places are counted in 32 bits. */
const LARGEST = 2 ** 31 - 1;

/** How a routine reads windows, where places in its tensor can be counted. */
export function windowsOf({ windows }: Routine, { shape }: TensorType): Windows | undefined {
  if (!windows || sizeOf(shape) > LARGEST) return undefined;
  const { batch, terms, columns } = windows;
  return { batch: joined(batch), terms: joined(terms), columns: joined(columns) };
}

/** Axes that follow one another without a gap are one. */
function joined(axes: readonly Stride[]): Stride[] {
  const found: Stride[] = [];
  for (const { size, step } of axes) {
    if (size === 1) continue;
    const last = found.at(-1);
    if (last && last.step === size * step) found[found.length - 1] = { size: last.size * size, step };
    else found.push({ size, step });
  }
  return found;
}

/** Adds the function that fills a panel; what lies beyond the last column is a copy of it. */
export function addWindows(product: Product, { vectors }: TileKernel, windows: Windows): Fill {
  const { plan, bytes, module, name, target } = product;
  const { element } = plan;
  const params = ['ptr %to', 'ptr %from', 'i64 %term', 'i64 %terms', 'i64 %column', 'i32 %columns'];
  addFunction(module, `${name}_windows`, params, (body) => {
    const lanes = lanesOf(body, element, target);
    const places = addPlaces(body, lanes, vectors, windows.columns);
    eachTerm(body, windows.terms, (term, offset) => {
      const integers = new Integers(body);
      const from = integers.at('%from', integers.mul(offset, bytes));
      const to = integers.at('%to', integers.mul(term, vectors * lanes.count * bytes));
      for (const [v, place] of places.entries()) {
        const at = integers.at(to, v * lanes.count * bytes);
        new Memory(lanes).store(loadPlaces(body, lanes, element, from, place), at);
      }
    });
  });
  const [, right] = operandsOf(plan);
  return (body, to, { matrix, term, column }, terms, columns) => {
    const integers = new Integers(body);
    const from = integers.at(right, integers.mul(offsetOf(integers, windows.batch, matrix), bytes));
    body.line(
      `call void @${name}_windows(ptr ${to}, ptr ${from}, i64 ${term}, i64 ${terms}, i64 ${column}, i32 ${columns})`,
    );
  };
}

/** Where the element of a number lies, in elements. */
function offsetOf(integers: Integers, axes: readonly Stride[], index: string): string {
  let offset = '0';
  let rest = index;
  for (const [i, { size, step }] of [...axes].reverse().entries()) {
    const [digit, above] = i === axes.length - 1 ? [rest, '0'] : integers.divide(rest, size);
    offset = integers.add(offset, integers.mul(digit, step));
    rest = above;
  }
  return offset;
}

/** A register's columns: where the first is, where all are, and whether they are neighbours in memory. */
interface Places {
  readonly first: string;
  readonly all: Value;
  readonly isRun: string;
}

function addPlaces(body: Body, lanes: Lanes, vectors: number, axes: readonly Stride[]): Places[] {
  const integers = new Integers(body);
  const width = vectors * lanes.count;
  const table = body.value(`alloca [${width} x i32], align 64`);
  const last = integers.sub(body.value('zext i32 %columns to i64'), 1);
  loop(body, 0, width, 1, (j) => {
    const column = integers.add('%column', integers.min(j, last));
    const place = integers.narrow(offsetOf(integers, axes, column));
    body.line(`store i32 ${place}, ptr ${integers.at(table, integers.mul(j, 4))}, align 4`);
  });
  return Array.from({ length: vectors }, (_, v) => {
    const at = integers.at(table, v * lanes.count * 4);
    const all = new Memory(lanes).load('i32', at);
    const first = body.value(`load i32, ptr ${at}, align 4`);
    const run = lanes.add(
      lanes.splat('i32', first),
      lanes.each('i32', (lane) => lane),
    );
    const bits = body.value(`bitcast ${lanes.type('i1')} ${lanes.compare('eq', all, run).text} to i${lanes.count}`);
    const isRun = body.value(`icmp eq i${lanes.count} ${bits}, -1`);
    return { first: body.value(`sext i32 ${first} to i64`), all, isRun };
  });
}

/** The elements at the places of a register. */
function loadPlaces(body: Body, lanes: Lanes, element: Element, from: string, { first, all, isRun }: Places): Value {
  const type = lanes.type(element);
  const align = bytesOf(element);
  const [run, others, after] = [body.label(), body.label(), body.label()];
  body.line(`br i1 ${isRun}, label %${run}, label %${others}`);
  body.begin(run);
  const loaded = body.value(
    `load ${type}, ptr ${body.value(`getelementptr ${element}, ptr ${from}, i64 ${first}`)}, align ${align}`,
  );
  body.line(`br label %${after}`);
  body.begin(others);
  const [pointers, mask] = [`<${lanes.count} x ptr>`, lanes.type('i1')];
  const name = `@llvm.masked.gather.${lanes.suffix(element)}.v${lanes.count}p0`;
  body.module.declare(`${type} ${name}(${pointers}, i32, ${mask}, ${type})`);
  const places = body.value(`getelementptr ${element}, ptr ${from}, ${lanes.type('i32')} ${all.text}`);
  const gathered = body.value(
    `call ${type} ${name}(${pointers} ${places}, i32 ${align}, ${mask} ${lanes.const('i1', 1).text}, ${type} zeroinitializer)`,
  );
  body.line(`br label %${after}`);
  body.begin(after);
  return { element, text: body.value(`phi ${type} [ ${loaded}, %${run} ], [ ${gathered}, %${others} ]`) };
}

/** The terms `%term` to `%term + %terms - 1`, and where each lies: counted on from the last, as an odometer counts. */
function eachTerm(body: Body, axes: readonly Stride[], each: (term: string, offset: string) => void): void {
  const integers = new Integers(body);
  const inner = [...axes].reverse();
  let rest = '%term';
  const digits: Carried[] = inner.map(({ size }, i) => {
    const [digit, above] = i === inner.length - 1 ? [rest, '0'] : integers.divide(rest, size);
    rest = above;
    return { type: 'i64', first: digit };
  });
  const carried = [...digits, { type: 'i64', first: offsetOf(integers, axes, '%term') }];
  loopOnce(body, ['0', '%terms', 1], carried, (term, values) => {
    const offset = values.at(-1)!;
    each(term, offset);
    const next: string[] = [];
    let step = '0';
    let carry = 'true';
    let wound = 0;
    for (const [i, { size, step: own }] of inner.entries()) {
      // Turning this digit takes back what the digits before it have wound.
      step = body.value(`select i1 ${carry}, i64 ${own - wound}, i64 ${step}`);
      const turned = integers.add(values[i]!, body.value(`zext i1 ${carry} to i64`));
      wound = (size - 1) * own + wound;
      if (i === inner.length - 1) {
        next.push(turned);
        break;
      }
      const isFull = body.value(`icmp eq i64 ${turned}, ${size}`);
      next.push(integers.pick(isFull, 0, turned));
      carry = isFull;
    }
    return [...next, integers.add(offset, step)];
  });
}
