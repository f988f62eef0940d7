/**
 * @file The text graph format: statements in a subset of Python and NumPy, read into a graph document.
 *
 * `loss = mean((x @ w + b) ** 2)` has the inputs x, w and b, the nodes loss/matmul, loss/add, loss/pow and loss, and
 * the output loss. Nothing of the text is ever evaluated but arithmetic of plain numbers.
 */
import type { SyntaxNode } from '@lezer/common';
import { checkLimit, type Limits } from '../../limits.ts';
import type { GraphDocument } from '../../program/document.ts';
import { Draft, type Literal, type Output, type Tensor } from './draft.ts';
import {
  elements,
  isTensor,
  operate,
  type PositionalParam,
  type Reading,
  readExpression,
  readName,
  type Value,
} from './expression.ts';
import { BINARY } from './operators.ts';
import { children, fault, parseTree, quote, split, textOf, unsupported } from './source.ts';

/**
 * Reads a text graph; the names it reads before it assigns them are inputs, and its last statement gives the outputs.
 * `positional` says which param a literal argument stands for, as `(2, 3)` in `reshape(x, (2, 3))`.
 */
export function parseText(text: string, limits: Limits, positional: PositionalParam = () => undefined): GraphDocument {
  checkLimit(limits, 'text_length', text.length, () => `the text has ${text.length} characters`, { pointer: '/graph' });
  const reading: Reading = { text, limits, draft: new Draft(limits), positional };
  const statements = children(parseTree(text).topNode).flatMap(ungroup);
  const last = statements.pop();
  if (!last)
    throw fault(text, 0, "there is no statement; a text graph is for instance 'loss = mean((x @ w + b) ** 2)'");
  for (const statement of statements) readStatement(reading, statement);
  return reading.draft.document(readStatement(reading, last));
}

/** The statements of `a = 1; b = 2`. */
function ungroup(node: SyntaxNode): SyntaxNode[] {
  return node.name === 'StatementGroup' ? children(node).filter(({ name }) => name !== ';') : [node];
}

/** Reads a statement and returns what it gives, should it be the last. */
function readStatement(reading: Reading, node: SyntaxNode): Output[] {
  switch (node.name) {
    case 'AssignStatement':
      return readAssignment(reading, node);
    case 'UpdateStatement':
      return readUpdate(reading, node);
    case 'ExpressionStatement':
      return listed(children(node)).map((expression) => readResult(reading, expression));
    default:
      throw unsupported(reading.text, node);
  }
}

/** An expression by itself: a name gives what it is bound to, anything else is unnamed. */
function readResult(reading: Reading, node: SyntaxNode): Output {
  const tensor = readTensor(reading, node, undefined);
  return node.name === 'VariableName' ? readName(reading, node) : tensor;
}

/** `a = f(x)`, `a = b = f(x)`, `a, b = f(x)` and `a, b = f(x), g(x)`. */
function readAssignment(reading: Reading, node: SyntaxNode): Output[] {
  const { text, draft } = reading;
  const annotation = node.getChild('TypeDef');
  if (annotation) throw unsupported(text, annotation);
  const sides = split(children(node), 'AssignOp');
  const values = sides.pop() as SyntaxNode[];
  const targets = sides.map((side) => listed(side).map((target) => readTarget(reading, target)));
  // Every value is read before any name is bound, so that `a, b = b, a` swaps.
  const tensors = readValues(reading, values, targets[0] as string[]);
  return targets.flatMap((names) => {
    if (names.length !== tensors.length) throw fault(text, node, mismatch(names.length, tensors.length));
    names.forEach((name, place) => void draft.bind(name, tensors[place] as Tensor));
    return names;
  });
}

/** One tensor for each name: the values in turn, or the outputs of the one call that there is. */
function readValues(reading: Reading, side: readonly SyntaxNode[], names: readonly string[]): Tensor[] {
  const values = names.length === 1 ? side.filter(({ name }) => name !== ',') : listed(side);
  const [first] = values as [SyntaxNode];
  if (values.length === names.length) return values.map((value, place) => readTensor(reading, value, names[place]));
  if (values.length > 1 || first.name !== 'CallExpression')
    throw fault(reading.text, first, mismatch(names.length, values.length));
  const { definition } = readTensor(reading, first, names[0]);
  return names.map((_, output) => ({ definition, output }));
}

/** `x += 1` makes x another tensor; it writes no variable, which is what op assign_add does. */
function readUpdate(reading: Reading, node: SyntaxNode): Output[] {
  const { text, draft } = reading;
  const [target, operator, value, ...more] = children(node) as [SyntaxNode, SyntaxNode, SyntaxNode, ...SyntaxNode[]];
  const op = BINARY.get(textOf(text, operator).slice(0, -1));
  if (op === undefined) throw unsupported(text, operator);
  if (more.length > 0) throw fault(text, value, mismatch(1, 2));
  const name = readTarget(reading, target);
  const operands = [
    { value: draft.read(name), node: target },
    { value: readExpression(reading, value), node: value },
  ];
  // Only plain numbers fold, and a name never stands for one.
  const tensor = draft.conclude(operate(reading, op, operands) as Tensor, name);
  draft.bind(name, tensor);
  return [name];
}

function readTarget(reading: Reading, node: SyntaxNode): string {
  if (node.name === 'VariableName') return readName(reading, node);
  throw fault(reading.text, node, `${quote(textOf(reading.text, node))} cannot be assigned to; only names can`);
}

/** Reads a whole expression as a tensor; numbers become a constant. */
function readTensor(reading: Reading, node: SyntaxNode, label: string | undefined): Tensor {
  const { text, draft } = reading;
  const value = readExpression(reading, node);
  if (isTensor(value)) return draft.conclude(value, label);
  if (isNumeric(value)) return draft.conclude(draft.constant(value), label);
  const hint = Array.isArray(value) ? '; stack([a, b]) makes one of several' : '';
  throw fault(text, node, `${quote(textOf(text, node))} is no tensor${hint}`);
}

function isNumeric(value: Value): value is Literal {
  return Array.isArray(value) ? value.every(isNumeric) : typeof value === 'number' || typeof value === 'boolean';
}

/** The expressions of `a, b`, and of `(a, b)` where several are meant. */
function listed(nodes: readonly SyntaxNode[]): SyntaxNode[] {
  const items = nodes.filter(({ name }) => name !== ',');
  const [first, ...more] = items as [SyntaxNode, ...SyntaxNode[]];
  const nested = more.length === 0 && (first.name === 'TupleExpression' || first.name === 'ArrayExpression');
  return nested && elements(first).length > 0 ? elements(first) : items;
}

function mismatch(names: number, values: number): string {
  return `the numbers of names (${names}) and values (${values}) differ; only a call has several outputs to unpack`;
}
