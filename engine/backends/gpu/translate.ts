/**
 * @file From gpu.js kernel source text to a WGSL module: gpu.js translates the statements, and the module around them is
 * made here, with a buffer for each input and output.
 */
import { createRequire } from 'node:module';
import { FUNCTIONS, libraryOf, type NativeFunction, SPECIAL_BITS, WGSL_TYPES } from './functions.ts';
import { type Element, LANES, NATIVE_TYPES, type Pass } from './kernel.ts';

/** Invocations of a workgroup whose invocations share nothing. */
export const GROUP = 64;

/** How a buffer of a pass is bound: alone, not at all, or as a part, from a word on, of one that holds several. */
export type Binding =
  | { readonly kind: 'own' }
  | { readonly kind: 'unused' }
  | { readonly kind: 'packed'; readonly offset: number };

/** What gpu.js' translator is to this file: its package says less of it in types. */
interface WgslNode {
  astVariableDeclaration(node: DeclarationNode, out: string[]): string[];
  astGeneric(node: unknown, out: string[]): string[];
  castLiteralToInteger(node: unknown, out: string[]): string[];
  getDeclaration(id: unknown): { valueType: string };
  getType(node: unknown): string;
  toString(): string;
}
interface DeclarationNode {
  readonly declarations: readonly { readonly id: { readonly name: string }; readonly init: unknown }[];
}
interface Registry {
  lookupReturnType(name: string, ast: unknown, node: unknown): string;
  lookupFunctionArgumentTypes(name: string): readonly string[];
}
interface GpuJs {
  readonly FunctionBuilder: new (settings: object) => Registry;
  readonly WGSLFunctionNode: new (source: string, settings: object) => WgslNode;
}

let loaded: GpuJs | undefined;

/** gpu.js takes a while to load, and not every process has a gpu. */
function gpuJs(): GpuJs {
  loaded ??= createRequire(import.meta.url)('gpu.js') as GpuJs;
  return loaded;
}

/** A pass as a WGSL module; `reads` and `writes` say how its buffers are bound. */
export function wgslOf(pass: Pass, reads: readonly Binding[], writes: readonly Binding[]): string {
  const natives = nativesOf(pass);
  const statements = translate(pass.source, natives);
  const used = new Set([...statements.matchAll(/\bfn_(\w+)\(/g)].map(([, name]) => name as string));
  return [
    ...buffers('a', pass.reads, reads, 0),
    ...buffers('o', pass.writes, writes, bound(reads)),
    ...pass.shared.map((element, i) => `var<workgroup> shared${i} : array<${SHARED[element]}, ${LANES}>;`),
    'var<private> threadGid : vec3<u32>;',
    'var<private> own_lane : i32;',
    SPECIAL_BITS,
    libraryOf([...used].filter((name) => name in FUNCTIONS)),
    ...pass.reads.flatMap((element, i) => {
      const binding = reads[i] as Binding;
      return binding.kind === 'unused' ? [] : [readerOf(element, i, binding)];
    }),
    ...pass.writes.map((element, i) => writerOf(element, i, writes[i] as Binding)),
    ...(pass.lanes > 1 ? lanesOf(pass) : []),
    entryOf(pass, statements),
  ].join('\n');
}

/** The buffers that are bound: those on their own, then the one that holds the others. */
export function bound(bindings: readonly Binding[]): number {
  return bindings.filter(({ kind }) => kind === 'own').length + Number(bindings.some(({ kind }) => kind === 'packed'));
}

/** Bools are stored as integers. */
const STORED = { f32: 'f32', i32: 'i32', bool: 'i32', pair: 'vec2<f32>' } as const satisfies Record<Element, string>;
const SHARED = { ...STORED, bool: 'bool' } as const;

function buffers(
  prefix: 'a' | 'o',
  elements: readonly Element[],
  bindings: readonly Binding[],
  first: number,
): string[] {
  const access = prefix === 'a' ? 'read' : 'read_write';
  const lines: string[] = [];
  const declare = (name: string, type: string): void => {
    lines.push(`@group(0) @binding(${first + lines.length}) var<storage, ${access}> ${name} : array<${type}>;`);
  };
  bindings.forEach(({ kind }, i) => {
    if (kind === 'own') declare(`${prefix}${i}`, STORED[elements[i] as Element]);
  });
  if (bindings.some(({ kind }) => kind === 'packed')) declare(`${prefix}p`, 'u32');
  return lines;
}

function readerOf(element: Element, i: number, binding: Binding): string {
  const type = WGSL_TYPES[NATIVE_TYPES[element]];
  const stored = binding.kind === 'packed' ? unpacked(element, binding.offset) : `a${i}[i]`;
  return `fn fn_a${i}(i : i32) -> ${type} { return ${element === 'bool' ? `${stored} != 0` : stored}; }`;
}

function unpacked(element: Element, offset: number): string {
  if (element !== 'pair') return `bitcast<${STORED[element]}>(ap[i + ${offset}])`;
  return `bitcast<vec2<f32>>(vec2<u32>(ap[2 * i + ${offset}], ap[2 * i + ${offset + 1}]))`;
}

function writerOf(element: Element, i: number, binding: Binding): string {
  const type = WGSL_TYPES[NATIVE_TYPES[element]];
  const value = element === 'bool' ? 'select(0, 1, x)' : 'x';
  const statement = binding.kind === 'packed' ? packed(element, value, binding.offset) : `o${i}[i] = ${value};`;
  return `fn fn_o${i}(i : i32, x : ${type}) -> bool { ${statement} return true; }`;
}

function packed(element: Element, value: string, offset: number): string {
  if (element !== 'pair') return `op[i + ${offset}] = bitcast<u32>(${value});`;
  return `op[2 * i + ${offset}] = bitcast<u32>(x.x); op[2 * i + ${offset + 1}] = bitcast<u32>(x.y);`;
}

/** What lanes exchange: `s0(x)` shows x to the others, `g0(d)` is what the lane d further on has shown. */
function lanesOf({ shared }: Pass): string[] {
  return [
    'fn fn_lane() -> i32 { return own_lane; }',
    'fn fn_sync() -> bool { workgroupBarrier(); return true; }',
    ...shared.flatMap((element, i) => {
      const type = WGSL_TYPES[NATIVE_TYPES[element]];
      return [
        `fn fn_s${i}(x : ${type}) -> bool { shared${i}[own_lane] = x; return true; }`,
        `fn fn_g${i}(d : i32) -> ${type} { return shared${i}[(own_lane + d) % ${LANES}]; }`,
      ];
    }),
  ];
}

function entryOf({ points, lanes }: Pass, statements: string): string {
  const group = lanes > 1 ? lanes : GROUP;
  const linear = '(group.x + group.y * groups.x)';
  return `@compute @workgroup_size(${group})
fn main(
  @builtin(workgroup_id) group : vec3<u32>,
  @builtin(num_workgroups) groups : vec3<u32>,
  @builtin(local_invocation_index) local : u32
) {
  let point = ${lanes > 1 ? linear : `${linear} * ${group}u + local`};
  if (point >= ${points}u) { return; }
  threadGid = vec3<u32>(point, 0u, 0u);
  own_lane = i32(local);
  zero_bits = groups.z - 1u;
${statements}}`;
}

/** What the text of a pass may call. */
function nativesOf(pass: Pass): Readonly<Record<string, NativeSignature>> {
  const natives: Record<string, NativeSignature> = { ...FUNCTIONS };
  pass.reads.forEach((element, i) => {
    natives[`a${i}`] = { takes: ['Integer'], gives: NATIVE_TYPES[element] };
  });
  pass.writes.forEach((element, i) => {
    natives[`o${i}`] = { takes: ['Integer', NATIVE_TYPES[element]], gives: 'Boolean' };
  });
  pass.shared.forEach((element, i) => {
    natives[`s${i}`] = { takes: [NATIVE_TYPES[element]], gives: 'Boolean' };
    natives[`g${i}`] = { takes: ['Integer'], gives: NATIVE_TYPES[element] };
  });
  natives.lane = { takes: [], gives: 'Integer' };
  natives.sync = { takes: [], gives: 'Boolean' };
  return natives;
}

type NativeSignature = Pick<NativeFunction, 'takes' | 'gives'>;

/** The statements of a gpu.js kernel in WGSL. */
function translate(source: string, natives: Readonly<Record<string, NativeSignature>>): string {
  const { FunctionBuilder, WGSLFunctionNode } = gpuJs();
  const registry = new FunctionBuilder({
    nativeFunctions: Object.entries(natives).map(([name, { takes, gives }]) => ({
      name,
      argumentTypes: takes,
      returnType: gives,
      source: '',
    })),
  });
  const node = new WGSLFunctionNode(source, {
    isRootKernel: true,
    output: [1],
    argumentNames: [],
    argumentTypes: [],
    constants: {},
    constantTypes: {},
    lookupReturnType: (...args: [string, unknown, unknown]) => registry.lookupReturnType(...args),
    lookupFunctionArgumentTypes: (name: string) => registry.lookupFunctionArgumentTypes(name),
    needsArgumentType: () => false,
  });
  // gpu.js declares integers as floats, which hold 24 bits of them.
  node.astVariableDeclaration = ({ declarations }, out) => {
    for (const { id, init } of declarations) {
      const type = node.getType(init);
      const native = type === 'LiteralInteger' ? 'Integer' : type;
      node.getDeclaration(id).valueType = native;
      out.push(`var user_${id.name} : ${WGSL_TYPES[native as keyof typeof WGSL_TYPES]} = `);
      if (type === 'LiteralInteger') node.castLiteralToInteger(init, out);
      else node.astGeneric(init, out);
      out.push(';');
    }
    return out;
  };
  return node.toString();
}
