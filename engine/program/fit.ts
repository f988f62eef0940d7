/** @file A node's operands fitted to its op, as equations: dtypes promoted, numbers typed, shapes broadcast. */
import { EngineError, type Where } from '../errors.ts';
import { broadcastTo } from '../ops/broadcast-to.ts';
import { cast } from '../ops/cast.ts';
import type { Entry } from '../ops/catalogue.ts';
import { dtypeFor, type Operand } from '../ops/op.ts';
import { type DType, formatType, isFloat, promoteDtypes, type Shape, sameShape } from '../types.ts';
import type { Builder } from './builder.ts';
import type { Var } from './program.ts';
import { type Binding, rename } from './scope.ts';

/** Fits a node's operands to its op: dtypes promoted as in NumPy, numbers typed by their neighbours, shapes broadcast. */
export class Fitting {
  readonly #entry: Entry;
  readonly #operands: readonly Binding[];
  readonly #b: Builder;
  readonly #floatDtype: 'float32' | 'float64';
  readonly #where: Where;

  constructor(entry: Entry, operands: readonly Binding[], b: Builder, floatDtype: 'float32' | 'float64', where: Where) {
    this.#entry = entry;
    this.#operands = operands;
    this.#b = b;
    this.#floatDtype = floatDtype;
    this.#where = where;
  }

  fit(): readonly Var[] {
    const common = this.#commonDtype();
    const shape = this.#entry.broadcast ? this.#commonShape() : undefined;
    return this.#operands.map((binding, i) => {
      const operand = operandAt(this.#entry, i) as Operand;
      if ('literal' in binding) {
        const dtype = this.#literalDtype(binding.literal, operand, common);
        if (binding.variable?.type.dtype === dtype)
          return shape && shape.length > 0 ? broadcastTo(this.#b, binding.variable, { shape }) : binding.variable;
        return this.#b.full(Number(binding.literal), { dtype, shape: shape ?? [] });
      }
      const dtype = operand.promoted && common ? common : dtypeFor(operand.kind, binding.type.dtype);
      const typed = binding.type.dtype === dtype ? binding : cast(this.#b, binding, { dtype });
      return shape && !sameShape(typed.type.shape, shape)
        ? broadcastTo(this.#b, typed, { shape })
        : withName(typed, binding);
    });
  }

  #commonDtype(): DType | undefined {
    let common: DType | undefined;
    let isFractional = false;
    this.#operands.forEach((binding, i) => {
      const operand = operandAt(this.#entry, i) as Operand;
      if (!operand.promoted) return;
      if ('literal' in binding) {
        isFractional ||= typeof binding.literal === 'number' && !Number.isInteger(binding.literal);
        return;
      }
      const dtype = dtypeFor(operand.kind, binding.type.dtype);
      common = common ? promoteDtypes(common, dtype) : dtype;
    });
    if (common && isFractional && !isFloat(common)) return this.#floatDtype;
    return common;
  }

  #literalDtype(literal: number | boolean, operand: Operand, common: DType | undefined): DType {
    if (operand.kind === 'bool' || operand.kind === 'integer') {
      const fits = operand.kind === 'bool' ? typeof literal === 'boolean' : Number.isInteger(literal);
      if (fits) return operand.kind === 'bool' ? 'bool' : 'int32';
      throw new EngineError(
        'type_mismatch',
        `${literal} given for '${operand.name}', expected ${operand.kind === 'bool' ? 'true or false' : 'an integer'} (node '${this.#where.node}', op ${this.#where.op})`,
        { ...this.#where, input: operand.name },
      );
    }
    if (operand.promoted && common) return common === 'bool' && typeof literal === 'number' ? 'int32' : common;
    if (typeof literal === 'boolean') return operand.kind === 'any' ? 'bool' : dtypeFor(operand.kind, 'bool');
    return this.#floatDtype;
  }

  #commonShape(): Shape {
    const shapes = this.#operands.flatMap((binding) => ('literal' in binding ? [] : [binding.type.shape]));
    const rank = Math.max(0, ...shapes.map((shape) => shape.length));
    const common = new Array<number>(rank).fill(1);
    for (const shape of shapes)
      shape.forEach((size, axis) => {
        const at = axis + rank - shape.length;
        const known = common[at] as number;
        if (known !== 1 && size !== 1 && known !== size) this.#failBroadcast();
        if (size !== 1) common[at] = size;
      });
    return common;
  }

  #failBroadcast(): never {
    const given = this.#operands.map((binding) =>
      'literal' in binding ? `${binding.literal}` : `'${binding.name ?? '?'}' ${formatType(binding.type)}`,
    );
    throw new EngineError(
      'type_mismatch',
      `${given.join(' and ')} do not broadcast together (node '${this.#where.node}', op ${this.#where.op})`,
      this.#where,
    );
  }
}

/** Messages about a cast tensor still use its own name. */
function withName(typed: Var, original: Var): Var {
  if (typed.name === undefined && original.name !== undefined) rename(typed, original.name);
  return typed;
}

/** The operand that input `i` of a node is; the last one of a variadic op repeats. */
export function operandAt(entry: Entry, i: number): Operand | undefined {
  return entry.operands[entry.variadic ? Math.min(i, entry.operands.length - 1) : i];
}

/** Throws `wrong_arity` unless the op takes that many inputs. */
export function checkArity(entry: Entry, count: number, where: Where): void {
  const wanted = entry.operands.length;
  const least = entry.minimum ?? wanted;
  if (count >= least && (entry.variadic || count <= wanted)) return;
  const range = entry.variadic ? `${least} or more` : least < wanted ? `${least} to ${wanted}` : `${wanted}`;
  const names = wanted > 0 ? ` (${entry.operands.map((operand) => operand.name).join(', ')})` : '';
  const takes = `op ${where.op} takes ${range} input${range === '1' ? '' : 's'}${names}`;
  throw new EngineError('wrong_arity', `${takes}, given ${count} (node '${where.node}')`, where);
}
