/** @file Programs as text: the canonical form that `parse` reads back and `hash` is taken of. */
import { poll } from '../interrupt.ts';
import { formatType, type Tensor } from '../types.ts';
import { isProgram, isTensor, type Param, type Params, type Program, type Var } from './program.ts';

/**
 * A program as text. Variables are numbered in order, so that programs that differ in their clients' names alone print
 * the same.
 *
 * ```
 * program(%0: f32[2,3]) {
 *   %1: f32[2] = sum[axes=[1]](%0)
 *   return (%1)
 * }
 * ```
 */
export function print(program: Program, indent = ''): string {
  const numbers = new Map<Var, number>();
  const define = (variable: Var): string => {
    numbers.set(variable, numbers.size);
    return `%${numbers.size - 1}: ${formatType(variable.type)}`;
  };
  const use = (variable: Var): string => `%${numbers.get(variable) ?? '?'}`;
  const lines = [`program(${program.inputs.map(define).join(', ')}) {`];
  for (const eqn of program.eqns) {
    poll();
    const call = `${eqn.op.name}${printParams(eqn.params, `${indent}  `)}(${eqn.inputs.map(use).join(', ')})`;
    lines.push(`${indent}  ${eqn.outputs.map(define).join(', ')} = ${call}`);
  }
  lines.push(`${indent}  return (${program.outputs.map(use).join(', ')})`, `${indent}}`);
  return lines.join('\n');
}

function printParams(params: Params, indent: string): string {
  const names = Object.keys(params).sort();
  if (names.length === 0) return '';
  return `[${names.map((name) => `${name}=${printParam(params[name] as Param, indent)}`).join(', ')}]`;
}

function printParam(param: Param, indent: string): string {
  if (isProgram(param)) return print(param, indent);
  if (isTensor(param)) return printTensor(param);
  if (Array.isArray(param)) return `[${param.map((item) => printParam(item, indent)).join(',')}]`;
  if (typeof param === 'number') return Object.is(param, -0) ? '-0' : String(param);
  return JSON.stringify(param);
}

function printTensor({ type, data }: Tensor): string {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return `tensor<${formatType(type)}>"${bytes.toString('base64')}"`;
}
