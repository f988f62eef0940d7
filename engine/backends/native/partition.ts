/**
 * @file A module's text as several of about the same length: to be compiled at the same time, and none of them for long.
 * Functions call those of other parts by names that no other module has.
 */

import { poll } from '../../interrupt.ts';

/** A function of a module: its text, and how others declare it. */
interface Part {
  readonly name: string;
  readonly text: string;
  readonly declaration: string;
}

/** Texts shorter than this are not worth a second module. */
const SMALLEST = 12_000;
/** LLVM takes less than a tenth of a second for one this long, and cannot be interrupted. */
const LARGEST = 200_000;

/**
 * The texts that make up the module: `wanted` of them unless it is short or very long. `prefix` goes before the names of
 * functions they share.
 */
export function partition(ir: string, wanted: number, prefix: string): string[] {
  const count = Math.max(Math.min(wanted, Math.floor(ir.length / SMALLEST)), Math.ceil(ir.length / LARGEST));
  if (count <= 1) return [ir];
  const { functions, declarations } = read(ir);
  const bins = Array.from({ length: count }, (): { length: number; functions: Part[] } => ({
    length: 0,
    functions: [],
  }));
  // The longest first, each to where there is least.
  for (const each of [...functions].sort((a, b) => b.text.length - a.text.length)) {
    poll();
    const bin = bins.reduce((least, other) => (other.length < least.length ? other : least));
    bin.functions.push(each);
    bin.length += each.text.length;
  }
  const byName = new Map(functions.map((each) => [each.name, each]));
  return bins.map((bin) => {
    poll();
    const own = new Set(bin.functions.map(({ name }) => name));
    const text = bin.functions.map((each) => each.text.replace(/^define internal/, 'define')).join('\n');
    const called = namesIn(text);
    const others = [...called].flatMap((name) => (own.has(name) ? [] : (byName.get(name)?.declaration ?? [])));
    const outside = declarations.filter(({ name }) => called.has(name)).map((each) => each.text);
    return renamed(`${[text, ...others, ...outside].join('\n')}\n`, byName, prefix);
  });
}

function read(ir: string): { functions: Part[]; declarations: { name: string; text: string }[] } {
  const functions: Part[] = [];
  const declarations: { name: string; text: string }[] = [];
  for (const text of topLevel(ir)) {
    poll();
    const [header = ''] = text.split('\n', 1);
    // A constant is small: each part that reads it has its own.
    const [, constant] = /^@([\w.]+) = internal constant /.exec(header) ?? [];
    if (constant !== undefined) declarations.push({ name: constant, text: text.trimEnd() });
    const [, result, name, parameters] =
      /^(?:define|declare)(?: internal)? (.+?) @([\w.]+)\((.*?)\)/.exec(header) ?? [];
    if (name === undefined) continue;
    if (header.startsWith('declare')) declarations.push({ name, text: text.trimEnd() });
    else {
      const types = (parameters ?? '').split(', ').map((parameter) => parameter.replace(/ ?%[\w.]+$/, ''));
      functions.push({ name, text: text.trimEnd(), declaration: `declare ${result} @${name}(${types.join(', ')})` });
    }
  }
  return { functions, declarations };
}

/** The functions, declarations and constants of a text, one by one. */
function* topLevel(ir: string): Generator<string> {
  let from = 0;
  for (const { index } of ir.matchAll(/\n(?=define |declare |@)/g)) {
    yield ir.slice(from, index);
    from = index + 1;
  }
  yield ir.slice(from);
}

function namesIn(text: string): Set<string> {
  return new Set(text.matchAll(/@([\w.]+)/g).map(([, name]) => name as string));
}

function renamed(text: string, functions: ReadonlyMap<string, Part>, prefix: string): string {
  return text.replace(/@([\w.]+)/g, (whole, name: string) => {
    poll();
    return functions.has(name) ? `@${prefix}${name}` : whole;
  });
}
