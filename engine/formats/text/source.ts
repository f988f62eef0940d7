/** @file Text to syntax tree, and faults that say at which line and column they lie. */
import type { SyntaxNode, SyntaxNodeRef, Tree } from '@lezer/common';
import { parser } from '@lezer/python';
import { EngineError } from '../../errors.ts';
import { poll } from '../../interrupt.ts';

/** Levels of syntax within one another; the readers recurse once a level, so this bounds their stack. */
const MAX_DEPTH = 300;

const LANGUAGE = 'a text graph is assignments and expressions of names, numbers, operators, calls and slices';

// Lezer repairs broken text by default, at a cost that hostile text can drive up. Strict mode stops instead.
const strict = parser.configure({ strict: true });

/** The syntax tree of a Python text; a broken or too deeply nested one is an `invalid_text` error. */
export function parseTree(text: string): Tree {
  try {
    return strictTree(text);
  } catch (error) {
    // Lezer bounds its recursion at some 2,500 levels, which a stack already in use may not hold.
    if (error instanceof RangeError) throw tooDeep(text, 0);
    throw error;
  }
}

function strictTree(text: string): Tree {
  const parse = strict.startParse(text);
  try {
    let tree = parse.advance();
    while (!tree) {
      poll();
      tree = parse.advance();
    }
    // Lezer cuts chains such as a + a + ... some 300 levels down, and only marks the cut with an error node.
    walk(tree, (node, depth) => {
      if (depth > MAX_DEPTH || node.type.isError) throw tooDeep(text, node.from);
    });
    return tree;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const at = parse.parsedPos;
    // It also stops at brackets nested too deeply for itself. What it read until there tells that from a mistake.
    walk(parser.parse(text.slice(0, at)), (node, depth) => {
      if (depth > MAX_DEPTH) throw tooDeep(text, node.from);
    });
    throw fault(text, at, unexpected(text.slice(at)));
  }
}

function walk(tree: Tree, visit: (node: SyntaxNodeRef, depth: number) => void): void {
  let depth = 0;
  tree.iterate({
    enter: (node) => {
      poll();
      visit(node, ++depth);
    },
    leave: () => void depth--,
  });
}

function tooDeep(text: string, at: number): EngineError {
  return fault(text, at, `nested more than ${MAX_DEPTH} levels deep; assign parts of it to names`);
}

/** The children of a node, in order, with punctuation and without comments. */
export function children(node: SyntaxNode): SyntaxNode[] {
  const nodes: SyntaxNode[] = [];
  for (let child = node.firstChild; child; child = child.nextSibling) if (child.name !== 'Comment') nodes.push(child);
  return nodes;
}

/** The runs of nodes between separators; a trailing separator opens no run. */
export function split(nodes: readonly SyntaxNode[], separator: string): SyntaxNode[][] {
  const runs: SyntaxNode[][] = [];
  let run: SyntaxNode[] = [];
  for (const node of nodes) {
    if (node.name === separator) {
      runs.push(run);
      run = [];
    } else run.push(node);
  }
  if (run.length > 0) runs.push(run);
  return runs;
}

/** The text of a node. */
export function textOf(text: string, node: SyntaxNode): string {
  return text.slice(node.from, node.to);
}

/** An `invalid_text` error at a node or offset. */
export function fault(text: string, at: SyntaxNode | number, detail: string): EngineError {
  const lines = text.slice(0, typeof at === 'number' ? at : at.from).split(/\r\n|\r|\n/);
  const column = (lines.at(-1) as string).length + 1;
  return new EngineError('invalid_text', `line ${lines.length}, column ${column}: ${detail}`);
}

/** The error for syntax that Python has and the text graph language has not. */
export function unsupported(text: string, node: SyntaxNode): EngineError {
  // Lezer names keywords by themselves and all else in capitals: the keyword tells more than the whole phrase.
  const culprit = children(node).find((child) => /^[a-z]+$/.test(child.name)) ?? node;
  return fault(text, culprit, `${quote(textOf(text, culprit))} is not part of the text graph language; ${LANGUAGE}`);
}

/** A piece of the client's text for a message: one short line, control characters escaped. */
export function quote(piece: string): string {
  const line = (piece.split(/[\r\n]/, 1)[0] as string).slice(0, 40);
  const escaped = line.replace(/\p{C}/gu, (character) => `\\u{${(character.codePointAt(0) as number).toString(16)}}`);
  const mark = escaped.includes("'") ? '"' : "'";
  return `${mark}${escaped}${line.length < piece.length ? '…' : ''}${mark}`;
}

function unexpected(rest: string): string {
  const token = /^[ \t\f]*(\w+|[^\s])/u.exec(rest)?.[1];
  if (token !== undefined) return `${quote(token)} is not expected here; ${LANGUAGE}`;
  return `the ${rest.trim() === '' ? 'text' : 'line'} ends where more is expected`;
}
