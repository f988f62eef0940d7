/**
 * @file LLVM IR as text: a module under construction, a function under construction, and vectors of lanes. The text is
 * what LLVM 15 to 22 all read (opaque pointers, no attribute newer than 15).
 */
import { poll } from '../../interrupt.ts';

/** The element types of values in registers; a comparison gives `i1`, memory holds bools as `i8`. */
export type Element = 'float' | 'double' | 'i1' | 'i8' | 'i32' | 'i64';

const SUFFIX = { float: 'f32', double: 'f64', i1: 'i1', i8: 'i8', i32: 'i32', i64: 'i64' } as const;

/** Bits of each element type. */
export const BITS = { float: 32, double: 64, i1: 1, i8: 8, i32: 32, i64: 64 } as const satisfies Record<
  Element,
  number
>;

/** A value in registers: a vector of lanes, or a scalar where there is one lane. */
export interface Value {
  /** How instructions name it: `%12`, or a constant. */
  readonly text: string;
  readonly element: Element;
}

/** A module under construction: functions, and what they declare. */
export class Module {
  readonly #declarations = new Map<string, string>();
  readonly #functions: string[] = [];
  readonly #defined = new Set<string>();

  /** Declares an external function once; `signature` is `double @fmod(double, double)`. */
  declare(signature: string): void {
    this.#declarations.set(signature, `declare ${signature}`);
  }

  /** Adds the function with this name, unless it was added. */
  define(name: string, text: () => string): void {
    if (this.#defined.has(name)) return;
    this.#defined.add(name);
    this.add(text());
  }

  /** Adds a finished function, or any other text at the top level. */
  add(text: string): void {
    this.#functions.push(text);
  }

  /** The module's text, in which only the function named is seen from outside. */
  exporting(name: string): string {
    const isHidden = (text: string): boolean =>
      text.startsWith('define void') && !text.startsWith(`define void @${name}(`);
    const functions = this.#functions.map((text) =>
      isHidden(text) ? text.replace('define', 'define internal') : text,
    );
    return `${[...functions, ...[...this.#declarations.values()].sort()].join('\n')}\n`;
  }

  /** The module's text. */
  toString(): string {
    return `${[...this.#functions, ...[...this.#declarations.values()].sort()].join('\n')}\n`;
  }
}

/** The instructions of one function under construction. */
export class Body {
  readonly module: Module;
  readonly #lines: string[] = [];
  #values = 0;
  #labels = 0;
  #block = 'entry';

  constructor(module: Module) {
    this.module = module;
  }

  /** The name of the basic block that instructions are added to. */
  get block(): string {
    return this.#block;
  }

  /** Adds an instruction without a result. */
  line(text: string): void {
    poll();
    this.#lines.push(`  ${text}`);
  }

  /** Adds an instruction and names its result. */
  value(text: string): string {
    poll();
    const name = `%v${this.#values++}`;
    this.#lines.push(`  ${name} = ${text}`);
    return name;
  }

  /** A name for a basic block that is not used yet. */
  label(): string {
    return `b${this.#labels++}`;
  }

  /** Begins the basic block with this name. */
  begin(label: string): void {
    this.#lines.push(`${label}:`);
    this.#block = label;
  }

  /** The place for a line that is known only later, such as a phi whose second value comes at the end of a loop. */
  reserve(): (text: string) => void {
    const at = this.#lines.push('') - 1;
    return (text) => {
      this.#lines[at] = `  ${text}`;
    };
  }

  /** A fresh name for a value whose instruction is written into a reserved line. */
  name(): string {
    return `%v${this.#values++}`;
  }

  /** The body's text. */
  toString(): string {
    return this.#lines.join('\n');
  }
}

/** Predicates of comparisons: of floats `eq lt le` are false and `ne` is true where either is NaN. */
export type Predicate = 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge';

/** What of the processor shows in the text. */
export interface VectorFeatures {
  /** Whether a multiplication and an addition are one instruction with one rounding. */
  readonly fma: boolean;
}

/** Arithmetic on vectors of a number of lanes, written into a body. */
export class Lanes {
  readonly body: Body;
  readonly count: number;
  readonly features: VectorFeatures;

  constructor(body: Body, count: number, features: VectorFeatures) {
    this.body = body;
    this.count = count;
    this.features = features;
  }

  /** The type of values of an element type: `<16 x float>`. */
  type(element: Element): string {
    return this.count === 1 ? element : `<${this.count} x ${element}>`;
  }

  /** A constant in every lane. Floats are written by their bits, so none is rounded by a reader. */
  const(element: Element, value: number | bigint): Value {
    const scalar = scalarText(element, value);
    return { element, text: this.count === 1 ? scalar : this.#splatText(element, scalar) };
  }

  /** A vector constant with one value a lane, given by its position. */
  each(element: Element, value: (lane: number) => number | bigint): Value {
    if (this.count === 1) return this.const(element, value(0));
    const parts = Array.from({ length: this.count }, (_, lane) => `${element} ${scalarText(element, value(lane))}`);
    return { element, text: `<${parts.join(', ')}>` };
  }

  /** A scalar in every lane. */
  splat(element: Element, scalar: string): Value {
    if (this.count === 1) return { element, text: scalar };
    const type = this.type(element);
    const first = this.body.value(`insertelement ${type} poison, ${element} ${scalar}, i32 0`);
    return this.#value(
      element,
      `shufflevector ${type} ${first}, ${type} poison, <${this.count} x i32> zeroinitializer`,
    );
  }

  add(x: Value, y: Value): Value {
    return this.#binary(isFloating(x) ? 'fadd' : 'add', x, y);
  }
  sub(x: Value, y: Value): Value {
    return this.#binary(isFloating(x) ? 'fsub' : 'sub', x, y);
  }
  mul(x: Value, y: Value): Value {
    return this.#binary(isFloating(x) ? 'fmul' : 'mul', x, y);
  }
  /** The quotient of floats. */
  div(x: Value, y: Value): Value {
    return this.#binary('fdiv', x, y);
  }
  /** The quotient of integers towards zero; of 0, and of the least integer by -1, the processor may trap. */
  divInteger(x: Value, y: Value): Value {
    return this.#binary('sdiv', x, y);
  }
  neg(x: Value): Value {
    if (!isFloating(x)) return this.sub(this.const(x.element, 0), x);
    return this.#value(x.element, `fneg ${this.type(x.element)} ${x.text}`);
  }
  /** x · y + z, rounded once where the processor can and twice where it cannot. */
  fma(x: Value, y: Value, z: Value): Value {
    return this.features.fma ? this.intrinsic('fma', x, y, z) : this.add(this.mul(x, y), z);
  }
  abs(x: Value): Value {
    return this.intrinsic('fabs', x);
  }
  sqrt(x: Value): Value {
    return this.intrinsic('sqrt', x);
  }
  floor(x: Value): Value {
    return this.intrinsic('floor', x);
  }
  ceil(x: Value): Value {
    return this.intrinsic('ceil', x);
  }
  trunc(x: Value): Value {
    return this.intrinsic('trunc', x);
  }
  /** To the nearest integer, halves to even. */
  roundEven(x: Value): Value {
    return this.intrinsic('roundeven', x);
  }
  /** The magnitude of `x` with the sign of `y`. */
  copysign(x: Value, y: Value): Value {
    return this.intrinsic('copysign', x, y);
  }

  and(x: Value, y: Value): Value {
    return this.#binary('and', x, y);
  }
  or(x: Value, y: Value): Value {
    return this.#binary('or', x, y);
  }
  xor(x: Value, y: Value): Value {
    return this.#binary('xor', x, y);
  }
  /** The complement of a mask or of an integer's bits. */
  not(x: Value): Value {
    return this.xor(x, this.const(x.element, x.element === 'i1' ? 1 : -1));
  }
  shiftLeft(x: Value, bits: number): Value {
    return this.#binary('shl', x, this.const(x.element, bits));
  }
  /** Shifts in zeros. */
  shiftRight(x: Value, bits: number): Value {
    return this.#binary('lshr', x, this.const(x.element, bits));
  }
  /** Shifts in the sign. */
  shiftRightSigned(x: Value, bits: number): Value {
    return this.#binary('ashr', x, this.const(x.element, bits));
  }

  /** A mask: `i1` in every lane. Integers compare as signed. */
  compare(predicate: Predicate, x: Value, y: Value): Value {
    const operation = isFloating(x) ? `fcmp ${FLOAT_PREDICATE[predicate]}` : `icmp ${INTEGER_PREDICATE[predicate]}`;
    return this.#value('i1', `${operation} ${this.type(x.element)} ${x.text}, ${y.text}`);
  }
  isNaN(x: Value): Value {
    return this.#value('i1', `fcmp uno ${this.type(x.element)} ${x.text}, ${x.text}`);
  }
  /** `x` where the mask is set, else `y`. */
  select(mask: Value, x: Value, y: Value): Value {
    return this.#value(
      x.element,
      `select ${this.type('i1')} ${mask.text}, ${this.type(x.element)} ${x.text}, ${this.type(x.element)} ${y.text}`,
    );
  }

  /** The same bits as another element type of the same width. */
  bitcast(x: Value, element: Element): Value {
    return this.#convert('bitcast', x, element);
  }
  /** A float as a wider or narrower one. */
  toFloat(x: Value, element: 'float' | 'double'): Value {
    if (x.element === element) return x;
    return this.#convert(element === 'double' ? 'fpext' : 'fptrunc', x, element);
  }
  /** A signed integer, or a mask as 0 or 1, as a float. */
  fromInteger(x: Value, element: 'float' | 'double'): Value {
    return this.#convert(x.element === 'i1' || x.element === 'i8' ? 'uitofp' : 'sitofp', x, element);
  }
  /** A float truncated to an integer; what does not fit gives any value. */
  toInteger(x: Value, element: 'i32' | 'i64'): Value {
    const converted = this.#convert('fptosi', x, element);
    return { element, text: this.body.value(`freeze ${this.type(element)} ${converted.text}`) };
  }
  /** A float truncated to an integer and clamped to its range; 0 of NaN. */
  saturate(x: Value, element: 'i32' | 'i64'): Value {
    const [from, to] = [this.type(x.element), this.type(element)];
    const name = `@llvm.fptosi.sat.${this.suffix(element)}.${this.suffix(x.element)}`;
    this.body.module.declare(`${to} ${name}(${from})`);
    return this.#value(element, `call ${to} ${name}(${from} ${x.text})`);
  }
  /** An integer, or a mask as 0 or 1, as an integer of another width. */
  resize(x: Value, element: 'i1' | 'i8' | 'i32' | 'i64'): Value {
    if (x.element === element) return x;
    if (BITS[element] < BITS[x.element]) return this.#convert('trunc', x, element);
    return this.#convert(x.element === 'i1' || x.element === 'i8' ? 'zext' : 'sext', x, element);
  }

  /** An intrinsic of LLVM whose operands and result are of one type. */
  intrinsic(name: string, ...args: readonly [Value, ...Value[]]): Value {
    const [{ element }] = args;
    const type = this.type(element);
    const full = `@llvm.${name}.${this.suffix(element)}`;
    this.body.module.declare(`${type} ${full}(${args.map(() => type).join(', ')})`);
    return this.#value(element, `call ${type} ${full}(${args.map(({ text }) => `${type} ${text}`).join(', ')})`);
  }

  /** The function of a scalar library applied lane by lane; slow, for what is rare. */
  scalarCall(name: string, ...args: readonly [Value, ...Value[]]): Value {
    const [{ element }] = args;
    const { module } = this.body;
    module.declare(`${element} @${name}(${args.map(() => element).join(', ')})`);
    const callee = this.count === 1 ? `@${name}` : this.#eachLane(name, element, args.length);
    const type = this.type(element);
    return this.#value(element, `call ${type} ${callee}(${args.map(({ text }) => `${type} ${text}`).join(', ')})`);
  }

  /** A function that calls another for each lane: a loop over lanes in memory is less to compile than as many calls. */
  #eachLane(name: string, element: Element, arity: number): string {
    const { module } = this.body;
    const callee = `@each.${name}.${this.suffix(element)}`;
    module.define(callee, () => {
      const body = new Body(module);
      const type = this.type(element);
      const slots = Array.from({ length: arity }, (_, i) => {
        const slot = body.value(`alloca ${type}`);
        body.line(`store ${type} %x${i}, ptr ${slot}`);
        return slot;
      });
      body.line('br label %head');
      body.begin('head');
      const lane = body.name();
      const write = body.reserve();
      const places = slots.map((slot) => body.value(`getelementptr ${element}, ptr ${slot}, i64 ${lane}`));
      const parts = places.map((place) => `${element} ${body.value(`load ${element}, ptr ${place}`)}`);
      body.line(`store ${element} ${body.value(`call ${element} @${name}(${parts.join(', ')})`)}, ptr ${places[0]}`);
      const next = body.value(`add i64 ${lane}, 1`);
      body.line(`br i1 ${body.value(`icmp ult i64 ${next}, ${this.count}`)}, label %head, label %exit`);
      write(`${lane} = phi i64 [ 0, %entry ], [ ${next}, %head ]`);
      body.begin('exit');
      body.line(`ret ${type} ${body.value(`load ${type}, ptr ${slots[0]}`)}`);
      const parameters = slots.map((_, i) => `${type} %x${i}`).join(', ');
      return `define internal ${type} ${callee}(${parameters}) nounwind {\nentry:\n${body}\n}`;
    });
    return callee;
  }

  /** How intrinsics name the type of values: `v16f32`. */
  suffix(element: Element): string {
    return this.count === 1 ? SUFFIX[element] : `v${this.count}${SUFFIX[element]}`;
  }

  #splatText(element: Element, scalar: string): string {
    return `<${Array.from({ length: this.count }, () => `${element} ${scalar}`).join(', ')}>`;
  }

  #binary(operation: string, x: Value, y: Value): Value {
    return this.#value(x.element, `${operation} ${this.type(x.element)} ${x.text}, ${y.text}`);
  }

  #convert(operation: string, x: Value, element: Element): Value {
    return this.#value(element, `${operation} ${this.type(x.element)} ${x.text} to ${this.type(element)}`);
  }

  #value(element: Element, text: string): Value {
    return { element, text: this.body.value(text) };
  }
}

const FLOAT_PREDICATE = { eq: 'oeq', ne: 'une', lt: 'olt', le: 'ole', gt: 'ogt', ge: 'oge' } as const;
const INTEGER_PREDICATE = { eq: 'eq', ne: 'ne', lt: 'slt', le: 'sle', gt: 'sgt', ge: 'sge' } as const;

/** Whether values of this element type are floats. */
export function isFloating({ element }: Value): boolean {
  return element === 'float' || element === 'double';
}

const bits = new DataView(new ArrayBuffer(8));

/** A scalar constant as LLVM reads it; a float is written as the double of the same value, by its bits. */
export function scalarText(element: Element, value: number | bigint): string {
  if (element === 'float' || element === 'double') {
    bits.setFloat64(0, element === 'float' ? Math.fround(Number(value)) : Number(value));
    return `0x${bits.getBigUint64(0).toString(16).toUpperCase().padStart(16, '0')}`;
  }
  if (element === 'i1') return value ? 'true' : 'false';
  return String(BigInt.asIntN(BITS[element], BigInt(value)));
}
