/** @file Text to syntax tree, and faults that say at which line and column they lie. */
import type { SyntaxNode, Tree } from '@lezer/common';
import { parser } from '@lezer/python';
import { EngineError } from '../../errors.ts';

/** Levels of syntax within one another; the readers recurse once a level, so this bounds their stack. */
export const MAX_DEPTH = 500;

const LANGUAGE = 'a text graph is assignments and expressions of names, numbers, operators, calls and slices';

// Lezer repairs broken text by default, at a cost that hostile text can drive up. Strict mode stops instead.
const strict = parser.configure({ strict: true });

/** The syntax tree of a Python text; a broken or too deeply nested one is an `invalid_text` error. */
export function parseTree(text: string): Tree {
  const parse = strict.startParse(text);
  try {
    let tree = parse.advance();
    while (!tree) tree = parse.advance();
    tooDeep(text, tree);
    return tree;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const at = parse.parsedPos;
    // Past its own depth limit Lezer also stops. What it read until then tells the two apart.
    tooDeep(text, parser.parse(text.slice(0, at)));
    throw fault(text, at, `${found(text, at)}; ${LANGUAGE}`);
  }
}

/** Throws at the first node that lies too deep. */
function tooDeep(text: string, tree: Tree): void {
  let depth = 0;
  tree.iterate({
    enter(node) {
      depth++;
      // Lezer cuts long left-leaning chains (`a + a + ...`) below level 300 and marks the cut with an error node.
      if (depth > MAX_DEPTH || (depth > 300 && node.type.isError))
        throw fault(text, node.from, `nested more than ${MAX_DEPTH} levels deep; assign parts of it to names`);
    },
    leave() {
      depth--;
    },
  });
}

/** The children of a node, in order, punctuation included. */
export function children(node: SyntaxNode): SyntaxNode[] {
  const nodes: SyntaxNode[] = [];
  for (let child = node.firstChild; child; child = child.nextSibling) nodes.push(child);
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
  return `'${escaped}${line.length < piece.length ? '…' : ''}'`;
}

function found(text: string, at: number): string {
  const token = /^\s*(\w+|\S)/u.exec(text.slice(at, at + 64))?.[1];
  return token === undefined ? 'the text ends where more is expected' : `${quote(token)} is not expected here`;
}
