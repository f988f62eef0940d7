/** @file Identities: of a program, by its canonical text, and of anything that is JSON. */
import { hash } from 'node:crypto';
import { print } from './print.ts';
import type { Program } from './program.ts';

/** `sha256:` and 64 hexadecimal digits; equal for programs that differ in names alone. */
export function hashProgram(program: Program): string {
  return `sha256:${hash('sha256', print(program))}`;
}

/** A short key for anything that is JSON. */
export function digest(json: unknown): string {
  const text = JSON.stringify(json);
  return text.length < 512 ? text : hash('sha256', text, 'base64');
}
