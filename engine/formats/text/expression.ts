/** @file Expressions of the text graph language to the tensors and literals that they stand for. */
import type { SyntaxNode } from '@lezer/common';
import type { EngineError } from '../../errors.ts';
import { poll } from '../../interrupt.ts';
import type { Limits } from '../../limits.ts';
import { NAME } from '../../program/document.ts';
import type { Argument, Draft, Literal, Tensor } from './draft.ts';
import {
  BINARY,
  COMPARISON,
  fold,
  INSTEAD,
  MODULE_CONSTANTS,
  MODULES,
  parseNumber,
  parseString,
  UNARY,
} from './operators.ts';
import { children, fault, quote, split, textOf, unsupported } from './source.ts';

/** The param that an op's literal argument at a position is for; `undefined` for a tensor's position. */
export type PositionalParam = (op: string, index: number) => string | undefined;

/** Characters of an op's or a param's name. */
const MAX_WORD = 64;

const NUMBERS = 'numbers are real, integers are at most 2^53 - 1 and start with no 0';

/** What reading one text needs. */
export interface Reading {
  readonly text: string;
  readonly limits: Limits;
  readonly draft: Draft;
  readonly positional: PositionalParam;
}

/** What an expression stands for. */
export type Value = Tensor | Literal | readonly Value[];

/** Reads an expression, adding its nodes to the draft. */
export function readExpression(reading: Reading, node: SyntaxNode): Value {
  poll();
  const { text, draft } = reading;
  switch (node.name) {
    case 'VariableName':
      return draft.read(readName(reading, node));
    case 'Number':
      return parseNumber(textOf(text, node)) ?? refuse(reading, node, `is not accepted: ${NUMBERS}`);
    case 'String':
      return parseString(textOf(text, node)) ?? refuse(reading, node, 'must be a plain string without escapes');
    case 'Boolean':
      return textOf(text, node) === 'True';
    case 'None':
      return null;
    case 'ParenthesizedExpression':
      return readExpression(reading, elements(node)[0]!);
    case 'TupleExpression':
    case 'ArrayExpression':
      return elements(node).map((element) => readExpression(reading, element));
    case 'UnaryExpression':
      return readUnary(reading, node);
    case 'BinaryExpression':
      return readBinary(reading, node);
    case 'ConditionalExpression':
      return readConditional(reading, node);
    case 'CallExpression':
      return readCall(reading, node);
    case 'MemberExpression':
      return node.getChild('.') ? readAttribute(reading, node) : readSubscript(reading, node);
    default:
      throw unsupported(text, node);
  }
}

/** Reads a name that is bound or read: of the document's form, and none that means something else. */
export function readName(reading: Reading, node: SyntaxNode): string {
  const { text, limits } = reading;
  const name = readWord(reading, node, limits.name_length);
  if (!MODULES.has(name)) return name;
  throw fault(text, node, `'${name}' stands for a module, as in '${name}.pi'; give the tensor another name`);
}

/** Whether a value is a tensor. */
export function isTensor(value: unknown): value is Tensor {
  return typeof value === 'object' && value !== null && 'definition' in value;
}

/** Whether a value is written out in the text, with no tensor in it. */
export function isLiteral(value: Value): value is Literal {
  return Array.isArray(value) ? value.every(isLiteral) : !isTensor(value);
}

/** The expressions between the brackets of a tuple, list or parenthesis. */
export function elements(node: SyntaxNode): SyntaxNode[] {
  return children(node)
    .slice(1, -1)
    .filter(({ name }) => name !== ',');
}

/** Applies an operator's op: to plain numbers at once, to anything else as a node. */
export function operate(reading: Reading, op: string, operands: readonly Operand[]): Argument {
  const inputs = operands.map(({ value, node }) => argument(reading, value, node));
  return fold(op, inputs) ?? reading.draft.node(op, inputs);
}

/** A value and where it is written. */
export interface Operand {
  readonly value: Value;
  readonly node: SyntaxNode;
}

function readOperand(reading: Reading, node: SyntaxNode): Operand {
  return { value: readExpression(reading, node), node };
}

function readWord({ text }: Reading, node: SyntaxNode, length: number): string {
  const word = textOf(text, node);
  if (NAME.test(word) && word.length <= length && word !== '__proto__') return word;
  const why =
    word.length > length
      ? `it has ${word.length} characters; the limit 'name_length' is ${length}`
      : `names have at most ${length} letters (a to z), digits and _`;
  throw fault(text, node, `${quote(word)} cannot be a name: ${why}`);
}

function refuse({ text }: Reading, node: SyntaxNode, why: string): never {
  throw fault(text, node, `${quote(textOf(text, node))} ${why}`);
}

/** A value as a node reads it. */
function argument(reading: Reading, value: Value, node: SyntaxNode): Argument {
  if (isTensor(value) || typeof value === 'number' || typeof value === 'boolean') return value;
  const hint = Array.isArray(value) ? "; assign a list of numbers to a name first, as in 'c = [1, 2]'" : '';
  return refuse(reading, node, `is no tensor${hint}`);
}

function readUnary(reading: Reading, node: SyntaxNode): Value {
  const [operator, operand] = children(node) as [SyntaxNode, SyntaxNode];
  const symbol = textOf(reading.text, operator);
  const op = UNARY.get(symbol);
  if (op === undefined && symbol !== '+') throw notAnOperator(reading, operator);
  const read = readOperand(reading, operand);
  return op === undefined ? argument(reading, read.value, operand) : operate(reading, op, [read]);
}

function readBinary(reading: Reading, node: SyntaxNode): Value {
  const [left, operator, right] = children(node) as [SyntaxNode, SyntaxNode, SyntaxNode];
  if (isComparison(reading, node)) return readComparison(reading, node);
  const op = BINARY.get(textOf(reading.text, operator));
  if (op === undefined) throw notAnOperator(reading, operator);
  return operate(reading, op, [readOperand(reading, left), readOperand(reading, right)]);
}

/** `a < b < c` is `(a < b) & (b < c)`, with `b` computed once. */
function readComparison(reading: Reading, node: SyntaxNode): Value {
  const links: { readonly op: string; readonly right: SyntaxNode }[] = [];
  let head = node;
  while (isComparison(reading, head)) {
    const [left, operator, right] = children(head) as [SyntaxNode, SyntaxNode, SyntaxNode];
    links.push({ op: COMPARISON.get(textOf(reading.text, operator))!, right });
    head = left;
  }
  let left = readOperand(reading, head);
  let verdict: Argument | undefined;
  for (const { op, right: next } of links.reverse()) {
    const right = readOperand(reading, next);
    const holds = operate(reading, op, [left, right]);
    verdict = verdict === undefined ? holds : reading.draft.node('logical_and', [verdict, holds]);
    left = right;
  }
  return verdict!;
}

function isComparison({ text }: Reading, node: SyntaxNode): boolean {
  const operator = node.name === 'BinaryExpression' ? node.getChild('CompareOp') : null;
  return operator !== null && COMPARISON.has(textOf(text, operator));
}

function notAnOperator({ text }: Reading, operator: SyntaxNode): EngineError {
  const instead = INSTEAD.get(operator.name);
  if (instead === undefined) return unsupported(text, operator);
  return fault(
    text,
    operator,
    `'${operator.name}' does not work on tensors; use ${instead}, with parentheses around comparisons`,
  );
}

function readConditional(reading: Reading, node: SyntaxNode): Value {
  const [yes, , condition, , no] = children(node) as [SyntaxNode, SyntaxNode, SyntaxNode, SyntaxNode, SyntaxNode];
  return operate(
    reading,
    'where',
    [condition, yes, no].map((operand) => readOperand(reading, operand)),
  );
}

/** `x.T`, and module constants such as `np.pi`. */
function readAttribute(reading: Reading, node: SyntaxNode): Value {
  const { text, draft } = reading;
  const [object, , property] = children(node) as [SyntaxNode, SyntaxNode, SyntaxNode];
  const attribute = textOf(text, property);
  if (isModule(reading, object)) {
    const constant = MODULE_CONSTANTS.get(attribute);
    return constant === undefined
      ? refuse(reading, node, `is not known; there are ${[...MODULE_CONSTANTS.keys()].join(', ')}`)
      : constant;
  }
  if (attribute !== 'T')
    throw fault(
      text,
      property,
      `${quote(`.${attribute}`)} is not known; the one attribute is .T, and methods are called: x.sum()`,
    );
  return draft.node('transpose', [argument(reading, readExpression(reading, object), object)]);
}

/** Whether a node is `np`, `tf.math` or the like. */
function isModule(reading: Reading, node: SyntaxNode): boolean {
  if (node.name === 'VariableName') return MODULES.has(textOf(reading.text, node));
  return node.name === 'MemberExpression' && node.getChild('.') !== null && isModule(reading, node.firstChild!);
}

/** `op(x, axis=1)`, `np.op(x, axis=1)` and `x.op(axis=1)`, which are the same. */
function readCall(reading: Reading, node: SyntaxNode): Tensor {
  const [callee, list] = children(node) as [SyntaxNode, SyntaxNode];
  const { word, receiver } = readCallee(reading, callee);
  const call: Call = { op: readWord(reading, word, MAX_WORD), inputs: [], params: new Map() };
  const parts = split(children(list).slice(1, -1), ',');
  if (receiver) parts.unshift([receiver]);
  parts.forEach((part, index) => {
    const [first] = part as [SyntaxNode];
    if (part.length === 1 && parts[index - 1]?.length === 3) refuse(reading, first, 'must come before the keywords');
    readCallPart(reading, call, part, index);
  });
  return reading.draft.node(call.op, call.inputs, call.params);
}

/** A call as far as it is read. */
interface Call {
  readonly op: string;
  readonly inputs: Argument[];
  readonly params: Map<string, Literal>;
}

/** The op's name, and the expression before it if it is called as a method. */
function readCallee(reading: Reading, callee: SyntaxNode): { word: SyntaxNode; receiver?: SyntaxNode } {
  if (callee.name === 'VariableName') return { word: callee };
  const [receiver, dot, word] = children(callee) as [SyntaxNode, SyntaxNode, SyntaxNode];
  if (callee.name !== 'MemberExpression' || dot.name !== '.') return refuse(reading, callee, 'is no op to be called');
  return isModule(reading, receiver) ? { word } : { word, receiver };
}

function readCallPart(reading: Reading, call: Call, part: readonly SyntaxNode[], index: number): void {
  const [first, , value] = part as [SyntaxNode, SyntaxNode?, SyntaxNode?];
  // Stars, comprehensions and the walrus.
  const stray = part.find((node) => /^[a-z*]/.test(node.name) || textOf(reading.text, node) === ':=');
  if (stray) throw unsupported(reading.text, stray);
  if (value) addKeyword(reading, call, first, readOperand(reading, value));
  else addPositional(reading, call, index, readOperand(reading, first));
}

/** A tensor is an input, and so are those of a list; a literal is the param of its position, or else an input. */
function addPositional(reading: Reading, { op, inputs, params }: Call, index: number, { value, node }: Operand): void {
  if (isTensor(value)) inputs.push(value);
  else if (!isLiteral(value)) inputs.push(...value.map((item) => argument(reading, item, node)));
  else {
    const param = reading.positional(op, index);
    if (param !== undefined) params.set(param, value);
    else if (typeof value === 'number' || typeof value === 'boolean') inputs.push(value);
    else refuse(reading, node, `is no tensor; if it is a param give its name, as in ${op}(..., name=...)`);
  }
}

function addKeyword(reading: Reading, { params }: Call, key: SyntaxNode, { value, node }: Operand): void {
  const param = readWord(reading, key, MAX_WORD);
  if (params.has(param)) throw fault(reading.text, key, `param '${param}' is given twice`);
  if (!isLiteral(value))
    refuse(reading, node, `is no literal, which param '${param}' must be; pass tensors by position`);
  params.set(param, value);
}

/** One item of a subscript, in the form that op `index` takes it. */
type Item = number | null | '...' | { readonly slice: readonly (number | null)[] };

/** `x[1:3, ..., None]` is op `index`; `x[i]` with a tensor `i` is op `take` along axis 0. */
function readSubscript(reading: Reading, node: SyntaxNode): Tensor {
  const { draft } = reading;
  const [object, , ...inside] = children(node) as [SyntaxNode, SyntaxNode, ...SyntaxNode[]];
  const subject = argument(reading, readExpression(reading, object), object);
  const [lead, ...rest] = split(inside.slice(0, -1), ',').map((part, place) => readItem(reading, part, place));
  const items = rest as Item[];
  if (!isTensor(lead)) return draft.node('index', [subject], new Map([['items', [lead, ...items]]]));
  // The plain items come first, while axis 0 is still the one that the tensor picks from.
  const whole: Item = { slice: [null, null, null] };
  const picked = items.length === 0 ? subject : draft.node('index', [subject], new Map([['items', [whole, ...items]]]));
  return draft.node('take', [picked, lead], new Map([['axis', 0]]));
}

/** A tensor is an item only in the first place: further on, NumPy's rules depend on ranks not known here. */
function readItem(reading: Reading, part: readonly SyntaxNode[], place: number): Item | Tensor {
  const [first] = part as [SyntaxNode];
  if (part.some(({ name }) => name === ':')) return { slice: readSlice(reading, part) };
  if (first.name === 'Ellipsis') return '...';
  const value = readExpression(reading, first);
  if (value === null || isInteger(value)) return value;
  if (isTensor(value) && place === 0) return value;
  return refuse(reading, first, 'cannot be an index here; for a tensor index write take(x, i, axis=1)');
}

function readSlice(reading: Reading, part: readonly SyntaxNode[]): (number | null)[] {
  const bounds: (number | null)[] = [null, null, null];
  let slot = 0;
  for (const node of part) {
    if (node.name === ':') slot++;
    else {
      const value = readExpression(reading, node);
      bounds[slot] =
        value === null || isInteger(value) ? value : refuse(reading, node, 'is no integer, which slice bounds must be');
    }
  }
  return bounds;
}

function isInteger(value: Value): value is number {
  return Number.isInteger(value);
}
