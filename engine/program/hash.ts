/** @file The identity of a program: the SHA-256 of its canonical text. */
import { createHash } from 'node:crypto';
import { print } from './print.ts';
import type { Program } from './program.ts';

/** `sha256:` and 64 hexadecimal digits; equal for programs that differ in names alone. */
export function hashProgram(program: Program): string {
  return `sha256:${createHash('sha256').update(print(program)).digest('hex')}`;
}
