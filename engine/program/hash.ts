/** @file Identities: of a program, by its canonical text, and of anything that is JSON. */
import { createHash } from 'node:crypto';
import { print } from './print.ts';
import type { Program } from './program.ts';

/** `sha256:` and 64 hexadecimal digits; equal for programs that differ in names alone. */
export function hashProgram(program: Program): string {
  return `sha256:${createHash('sha256').update(print(program)).digest('hex')}`;
}

/** A short key for anything that is JSON. */
export function digest(json: unknown): string {
  const text = JSON.stringify(json);
  return text.length < 512 ? text : createHash('sha256').update(text).digest('base64');
}
