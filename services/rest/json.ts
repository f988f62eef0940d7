/** @file Request bodies as JSON: bounded in depth, free of keys that reach for prototypes. */
import { isUtf8 } from 'node:buffer';
import { EngineError } from '../../engine/errors.ts';
import { joinPointer } from '../../engine/formats/tensor.ts';
import { JSON_LIMITS } from '../api/limits.ts';

/** The bounds of a body's structure; each is inclusive. */
type JsonLimits = { readonly [Name in keyof typeof JSON_LIMITS]: number };

/** The JSON value that a body holds; throws `invalid_json`. */
export function parseJson(body: Buffer): unknown {
  if (body.length === 0) throw new EngineError('invalid_json', 'the body is empty, expected a JSON object');
  if (!isUtf8(body)) throw new EngineError('invalid_json', 'the body is not UTF-8 text');
  const excess = findExcess(body);
  if (excess !== undefined) throw new EngineError('invalid_json', excess);
  const text = body.toString();
  const json = parseText(text);
  if (mayHoldForbiddenKey(text)) refuseForbiddenKeys(json, '');
  return json;
}

function parseText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (reason) {
    throw new EngineError('invalid_json', (reason as SyntaxError).message);
  }
}

/** For each level, the members counted so far. */
const MEMBERS = new Uint32Array(JSON_LIMITS.depth + 1);

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Which limit a body is over, in words, found without parsing; malformed text is left to the parser. */
export function findExcess(body: Buffer, limits: JsonLimits = JSON_LIMITS): string | undefined {
  const words = wordsOf(body);
  const members = limits === JSON_LIMITS ? MEMBERS : new Uint32Array(limits.depth + 1);
  members[0] = 0;
  let depth = 0;
  let objects = 0;
  for (let i = 0; i < body.length; i++) {
    if (i % 4 === 0) i = skipNumbers(words, i);
    const byte = body[i] as number;
    if (byte === QUOTE) {
      i = endOfString(body, i);
      if (!isKey(body, i)) continue;
      members[depth] = (members[depth] ?? 0) + 1;
      if ((members[depth] ?? 0) > limits.members)
        return `an object in the body has more than ${limits.members} members`;
    } else if (byte > 0x5a) {
      // '[' and '{', ']' and '}' differ in one bit; nothing else but the letters of literals comes this high.
      if ((byte | 0x20) === 0x7d) depth--;
      if ((byte | 0x20) !== 0x7b) continue;
      if (++depth > limits.depth) return `the body nests more than ${limits.depth} lists and objects`;
      members[depth] = 0;
      if (byte === 0x7b && ++objects > limits.objects) return `the body has more than ${limits.objects} objects`;
    }
  }
  return undefined;
}

/** Whether the string that ends at `end` is a key: a colon comes next. */
function isKey(body: Buffer, end: number): boolean {
  let next = end + 1;
  while (next < body.length && (body[next] as number) <= 0x20) next++;
  return body[next] === 0x3a;
}

/** The body four bytes at a time, without its last few; nothing where the bytes do not lie on words. */
function wordsOf(body: Buffer): Int32Array {
  const aligned = body.byteOffset % 4 === 0;
  return new Int32Array(body.buffer, aligned ? body.byteOffset : 0, aligned ? body.length >> 2 : 0);
}

/** The place from `start` on, in steps of a word, where a word has a bracket, letter or quote in it: numbers have none. */
function skipNumbers(words: Int32Array, start: number): number {
  let at = start >> 2;
  for (; at < words.length; at++) {
    const word = words[at] as number;
    // Bit 6 tells brackets and letters from digits and commas; the sum carries into bit 7 of a byte that is a quote.
    const quotes = word ^ 0x22222222;
    if (((word & 0x40404040) | ((quotes - 0x01010101) & ~quotes & 0x80808080)) !== 0) break;
  }
  return Math.max(start, at << 2);
}

/** The place of the quote that ends the string which begins at `start`; the end of the body when none does. */
function endOfString(body: Buffer, start: number): number {
  for (let i = start + 1; i < body.length; i++) {
    const byte = body[i];
    if (byte === QUOTE) return i;
    if (byte === BACKSLASH) i++;
    else if (i === start + 128 && body.indexOf(BACKSLASH, i) < 0) return body.indexOf(QUOTE, i) >>> 0;
  }
  return body.length;
}

/** Whether the text is worth searching; an escape may spell any key. */
function mayHoldForbiddenKey(text: string): boolean {
  return text.includes('__proto__') || text.includes('"constructor"') || text.includes('\\u');
}

/** Throws at a key that would reach a prototype if the object were ever copied key by key. */
function refuseForbiddenKeys(json: unknown, pointer: string): void {
  if (typeof json !== 'object' || json === null) return;
  if (Array.isArray(json)) {
    // Most lists are numbers by the million: nothing is made for those.
    for (let i = 0; i < json.length; i++)
      if (typeof json[i] === 'object') refuseForbiddenKeys(json[i], joinPointer(pointer, i));
    return;
  }
  for (const [key, value] of Object.entries(json)) {
    const at = joinPointer(pointer, key);
    if (key === '__proto__' || (key === 'constructor' && holdsPrototype(value)))
      throw new EngineError('invalid_request', `the key '${key}' is not allowed`, { pointer: at });
    refuseForbiddenKeys(value, at);
  }
}

function holdsPrototype(json: unknown): boolean {
  return typeof json === 'object' && json !== null && Object.hasOwn(json, 'prototype');
}
