/**
 * @file From the document to the program. In: a graph document, untrusted, and the types of the values sent with it.
 * Out: a typed program in which broadcasting and dtype promotion are equations, with the client's names beside it.
 */

import { didYouMean, EngineError, nearest, type Where } from '../errors.ts';
import { decodeTensor } from '../formats/tensor.ts';
import { isInterruption, poll } from '../interrupt.ts';
import { checkLimit, type Limits } from '../limits.ts';
import { CATALOGUE, type Entry, entryOf } from '../ops/catalogue.ts';
import { constant } from '../ops/constant.ts';
import type { DocumentScope, Vars } from '../ops/op.ts';
import {
  bytesOf,
  type DType,
  formatType,
  type Shape,
  sameShape,
  sizeOf,
  type TensorType,
  type TypedArray,
} from '../types.ts';
import { bindValue } from './bind.ts';
import { Builder, inClientsNames } from './builder.ts';
import {
  type Operand as DocumentOperand,
  type GraphDocument,
  type GraphNode,
  NAME,
  readSubgraph,
  type Subgraph,
} from './document.ts';
import { checkArity, Fitting, operandAt } from './fit.ts';
import type { Params, Program, Var } from './program.ts';
import { type Binding, rename, Scope } from './scope.ts';
import type { Value } from './value.ts';
import { violationsOf } from './violations.ts';

/** An input of a checked graph: what must have a value before it runs. */
export interface GraphInput {
  readonly name: string;
  readonly variable: Var;
  readonly role: 'input' | 'variable';
  /** Whether gradients are taken with respect to it unless the request says otherwise. */
  readonly trainable: boolean;
  /** Makes its elements where a node brought the variable and the client sent no value. */
  readonly initial?: () => TypedArray;
}

/** A checked graph: a program with the client's names. */
export interface Graph {
  /** Inputs in the order of `inputs`; outputs in the order of `outputs`. */
  readonly program: Program;
  readonly inputs: readonly GraphInput[];
  readonly outputs: readonly { readonly name: string; readonly variable: Var }[];
  /** Every name that can be a target or source, `node:1` for a second output included. */
  readonly names: ReadonlyMap<string, Var>;
  /** What holds a constant's value. */
  readonly constants: ReadonlySet<Var>;
  /** The new values of variables that nodes write, by the variable's name. */
  readonly writes: ReadonlyMap<string, Var>;
  /** What chooses among branches, outside all sub-graphs. */
  readonly selectors: readonly Var[];
}

/** Checks a document against the values sent with it; throws an `EngineError` in the client's names. */
export function build(document: GraphDocument, values: ReadonlyMap<string, Value>, limits: Limits): Graph {
  return new Checker(document, values, limits).check();
}

class Checker {
  readonly #document: GraphDocument;
  readonly #values: ReadonlyMap<string, Value>;
  readonly #limits: Limits;
  readonly #floatDtype: 'float32' | 'float64';
  readonly #inputs: GraphInput[] = [];
  readonly #constants = new Set<Var>();
  readonly #writes = new Map<string, Var>();
  readonly #root: Scope;
  #names = 0;
  #nodes = 0;
  #constantElements = 0;
  #depth = 0;

  constructor(document: GraphDocument, values: ReadonlyMap<string, Value>, limits: Limits) {
    this.#document = document;
    this.#values = values;
    this.#limits = limits;
    this.#floatDtype = document.dtype ?? 'float32';
    this.#root = new Scope(new Builder(limits.equations));
  }

  check(): Graph {
    const { nodes, inputs, variables, constants } = this.#document;
    const entries = [Object.entries(inputs), Object.entries(variables), Object.entries(constants)] as const;
    this.#countNames(entries[0].length + entries[1].length + entries[2].length, { pointer: '/graph' });
    const indices = namesUsedAsIndices(nodes);
    for (const [name, declared] of entries[0]) this.#declare(name, declared, 'input', true, indices);
    for (const [name, declared] of entries[1])
      this.#declare(name, declared, 'variable', declared.trainable ?? true, indices);
    this.#bindConstants(this.#root, constants, indices, '/graph/constants');
    this.#checkNodes(this.#root, nodes, '/graph/nodes');
    const outputs = this.#outputs();
    const inputNames = new Set(this.#inputs.map(({ name }) => name));
    for (const name of this.#values.keys()) if (!inputNames.has(name)) this.#failUnexpected(name);
    const names = new Map<string, Var>();
    for (const [name, binding] of this.#root.names) names.set(name, this.#materialize(this.#root, binding));
    // A variable's name means the variable, not what was written to it last: gradients are taken with respect to it.
    for (const { name, variable } of this.#inputs) names.set(name, variable);
    const { eqns } = this.#root.builder;
    return {
      selectors: eqns.filter(({ op }) => op.lower.kind === 'branch').map(({ inputs }) => inputs[0] as Var),
      program: this.#root.builder.build(outputs.map(({ variable }) => variable)),
      inputs: this.#inputs,
      outputs,
      names,
      constants: this.#constants,
      writes: this.#writes,
    };
  }

  #declare(
    name: string,
    declared: { dtype?: DType | undefined; shape?: Shape | undefined },
    role: GraphInput['role'],
    trainable: boolean,
    indices: ReadonlySet<string>,
  ): void {
    const pointer = `/graph/${role}s/${name}`;
    const value = this.#values.get(name);
    const shape = declared.shape ?? value?.shape;
    if (!shape)
      throw new EngineError('missing_value', `'${name}' has no value and no declared shape; send one in 'values'`, {
        input: name,
        pointer,
      });
    if (value && !sameShape(value.shape, shape))
      throw new EngineError('type_mismatch', `the value of '${name}' has shape [${value.shape}], declared [${shape}]`, {
        input: name,
        pointer: `/values/${name}`,
      });
    const dtype = declared.dtype ?? this.#dtypeOf(value, indices.has(name));
    const type = this.#checkType({ dtype, shape }, { input: name, pointer });
    this.#addInput({ name, variable: this.#root.builder.input(type, name), role, trainable });
  }

  /** The dtype of a value that nothing declares one for: whole numbers that some op reads as indices are int32. */
  #dtypeOf(value: Value | undefined, isIndex: boolean): DType {
    if (value?.dtype !== undefined) return value.dtype;
    return isIndex && value && isIntegral(value) ? 'int32' : this.#floatDtype;
  }

  #addInput(input: GraphInput): void {
    this.#inputs.push(input);
    this.#define(this.#root, input.name, input.variable, { input: input.name });
  }

  #bindConstants(
    scope: Scope,
    constants: Readonly<Record<string, unknown>>,
    indices: ReadonlySet<string>,
    pointer: string,
  ): void {
    for (const [name, json] of Object.entries(constants)) {
      const where: Where = { input: name, pointer: `${pointer}/${name}` };
      if (typeof json === 'number' || typeof json === 'boolean') {
        const variable = this.#materialize(scope, { literal: json }, name);
        this.#define(scope, name, { literal: json, variable }, where);
        continue;
      }
      const value = decodeTensor(json, where, this.#limits);
      this.#constantElements += value.data.length;
      const found = (): string =>
        `the constants up to '${name}' have ${this.#constantElements} elements, send large ones as values`;
      this.#limit('constant_elements', this.#constantElements, found, where);
      const dtype = this.#dtypeOf(value, indices.has(name));
      const type = this.#checkType({ dtype, shape: value.shape }, where);
      const bound = bindValue(value, type, name, where);
      // A graph is kept longer than the request that a decoded value came in.
      const tensor = { type, data: bound === (json as Partial<Value>).data ? bound.slice() : bound };
      const made = scope.builder.emit(constant, [], { tensor }, [name])[0] as Var;
      this.#constants.add(made);
      this.#define(scope, name, made, where);
    }
  }

  #checkNodes(scope: Scope, nodes: readonly GraphNode[], pointer: string): void {
    this.#nodes += nodes.length;
    this.#limit('nodes', this.#nodes, () => `the graph has ${this.#nodes} nodes or more`, { pointer });
    nodes.forEach((node, i) => {
      poll();
      scope.builder.node = node.name;
      this.#checkNode(scope, node, `${pointer}/${i}`);
    });
  }

  #checkNode(scope: Scope, node: GraphNode, pointer: string): void {
    const where: Where = { node: node.name, op: node.op, pointer };
    const entry = entryOf(node.op, where);
    const { length } = node.inputs;
    this.#limit('inputs_per_node', length, () => `node '${node.name}' has ${length} inputs`, where);
    const operands = node.inputs.map((input) => this.#resolve(scope, input, where));
    checkArity(entry, operands.length, where);
    const inputs = new Fitting(entry, operands, scope.builder, this.#floatDtype, where).fit();
    const before = scope.builder.eqns.length;
    const outputs = this.#emit(scope, entry, node, inputs, where);
    if (outputs.length === 0) throw new EngineError('invalid_graph', `node '${node.name}' has no outputs`, where);
    for (const { type } of outputs) this.#checkType(type, where);
    for (const { op, params } of scope.builder.eqns.slice(before)) {
      if (op.lower.kind !== 'loop') continue;
      const { trips } = op.lower.loop(params);
      this.#limit('trips', trips, () => `node '${node.name}' takes ${trips} steps`, where);
    }
    this.#define(scope, node.name, outputs[0] as Var, where);
    outputs.slice(1).forEach((output, i) => this.#define(scope, `${node.name}:${i + 1}`, output, where));
    if ('writes' in entry && entry.writes !== undefined)
      this.#write(scope, node.inputs[entry.writes] as DocumentOperand, outputs[0] as Var, where);
  }

  #emit(scope: Scope, entry: Entry, node: GraphNode, inputs: readonly Var[], where: Where): readonly Var[] {
    const surface = 'build' in entry ? entry : entry.surface;
    const schema = surface?.params ?? entry.params;
    const parsed = schema.safeParse(node.params);
    if (!parsed.success) {
      const violations = violationsOf(parsed.error, node.params, schema, `${where.pointer}/params`);
      const [{ detail, pointer }] = violations;
      const param = pointer.slice(`${where.pointer}/params/`.length).split('/')[0];
      throw new EngineError(
        'invalid_params',
        `${detail} (node '${node.name}', op ${node.op})`,
        { ...where, pointer, ...(param ? { param } : {}) },
        violations,
      );
    }
    try {
      const made = surface
        ? surface.build(scope.builder, inputs as unknown as Vars, parsed.data, this.#documentScope(scope, node, where))
        : scope.builder.emit(entry as Exclude<Entry, { build: unknown }>, inputs, parsed.data as Params);
      const outputs = 'type' in made ? [made] : made;
      return outputs.map((output, i) => named(scope.builder, output, i === 0 ? node.name : `${node.name}:${i}`));
    } catch (reason) {
      if (isInterruption(reason)) throw reason;
      const explained = inClientsNames(reason, { ...entry, name: node.op }, inputs, node.name);
      throw explained instanceof EngineError ? atParam(explained, node, where) : explained;
    }
  }

  #documentScope(scope: Scope, node: GraphNode, where: Where): DocumentScope {
    return {
      node: node.name,
      arity: node.inputs.length,
      floatDtype: this.#floatDtype,
      apply: (op, x) => this.#emit(scope, entryOf(op), { ...node, params: {} }, x, where)[0] as Var,
      subgraph: (param, types) => {
        const pointer = `${where.pointer}/params/${param}`;
        const json = param.split('/').reduce<unknown>((at, key) => (at as Record<string, unknown>)[key], node.params);
        return this.#subgraph(scope, readSubgraph(json, this.#limits, pointer), types, { ...where, param, pointer });
      },
      variable: (name, type, initial) => {
        if (scope !== this.#root)
          throw new EngineError(
            'invalid_graph',
            `node '${node.name}' makes variables, which a sub-graph cannot`,
            where,
          );
        const known = this.#root.names.get(name);
        if (known && !('literal' in known)) return known;
        this.#countNames(1, where);
        const variable = scope.builder.input(this.#checkType(type, where), name);
        this.#addInput({ name, variable, role: 'variable', trainable: true, initial });
        return variable;
      },
    };
  }

  #subgraph(
    outer: Scope,
    subgraph: Subgraph,
    types: readonly TensorType[],
    where: Where,
  ): { program: Program; captures: readonly Var[] } {
    if (subgraph.inputs.length !== types.length)
      throw new EngineError(
        'wrong_arity',
        `the sub-graph '${where.param}' has ${subgraph.inputs.length} inputs, expected ${types.length} (node '${where.node}', op ${where.op})`,
        where,
      );
    this.#depth++;
    const found = (): string => `node '${where.node}' holds a sub-graph at level ${this.#depth}`;
    this.#limit('subgraph_depth', this.#depth, found, where);
    const scope = new Scope(new Builder(this.#limits.equations), outer);
    const inputs = subgraph.inputs.map((name, i) => {
      const input: Var = { type: types[i] as TensorType, name };
      this.#define(scope, name, input, { ...where, input: name });
      return input;
    });
    const indices = namesUsedAsIndices(subgraph.nodes);
    this.#countNames(Object.keys(subgraph.constants).length, where);
    this.#bindConstants(scope, subgraph.constants, indices, `${where.pointer}/constants`);
    this.#checkNodes(scope, subgraph.nodes, `${where.pointer}/nodes`);
    scope.builder.node = where.node;
    const outputs = subgraph.outputs.map((output) => this.#materialize(scope, this.#resolve(scope, output, where)));
    this.#depth--;
    return {
      program: { inputs: [...scope.captures.values(), ...inputs], eqns: scope.builder.eqns, outputs },
      captures: [...scope.captures.keys()],
    };
  }

  #write(scope: Scope, target: DocumentOperand, value: Var, where: Where): void {
    const variable = this.#inputs.find((input) => input.name === target && input.role === 'variable');
    if (!variable || scope !== this.#root)
      throw new EngineError(
        'type_mismatch',
        scope === this.#root
          ? `'${target}' is not a variable; op ${where.op} writes its first input (node '${where.node}')`
          : `a sub-graph cannot write variables (node '${where.node}')`,
        { ...where, input: String(target) },
      );
    scope.names.set(variable.name, value);
    this.#writes.set(variable.name, value);
  }

  #outputs(): { name: string; variable: Var }[] {
    const { nodes, outputs } = this.#document;
    const last = nodes.at(-1)?.name;
    const wanted = outputs ?? (last === undefined ? [] : [last]);
    const found = (): string => `the graph has ${wanted.length} outputs`;
    this.#limit('outputs', wanted.length, found, { pointer: '/graph/outputs' });
    return wanted.map((name, i) => ({
      name,
      variable: this.#materialize(this.#root, this.#resolve(this.#root, name, { pointer: `/graph/outputs/${i}` })),
    }));
  }

  #materialize(scope: Scope, binding: Binding, name?: string): Var {
    if (!('literal' in binding)) return binding;
    if (binding.variable) return binding.variable;
    const dtype = typeof binding.literal === 'boolean' ? 'bool' : this.#floatDtype;
    const made = scope.builder.full(Number(binding.literal), { dtype, shape: [] });
    if (name !== undefined) rename(made, name);
    this.#constants.add(made);
    return made;
  }

  #resolve(scope: Scope, operand: DocumentOperand, where: Where): Binding {
    if (typeof operand !== 'string') return { literal: operand };
    const found = scope.find(operand) ?? (operand.endsWith(':0') ? scope.find(operand.slice(0, -2)) : undefined);
    if (found === undefined) {
      const place = where.node === undefined ? '' : ` (node '${where.node}')`;
      throw new EngineError(
        'unknown_name',
        `'${operand.slice(0, 128)}' is not defined before it is read${place}.${didYouMean(operand, scope.visible())}`,
        { ...where, input: operand.slice(0, 128) },
      );
    }
    return found;
  }

  #define(scope: Scope, name: string, binding: Binding, where: Where): void {
    if (!NAME.test(name) && !name.includes(':'))
      throw new EngineError('invalid_graph', `'${name}' is not a name`, where);
    const { length } = name;
    this.#limit('name_length', length, () => `the name '${name.slice(0, 40)}…' has ${length} characters`, where);
    if (scope.names.has(name)) throw new EngineError('duplicate_name', `'${name}' is defined twice`, where);
    scope.names.set(name, binding);
  }

  #checkType(type: TensorType, where: Where): TensorType {
    const place = where.node === undefined ? `'${where.input}'` : `node '${where.node}'`;
    const { rank, elements } = { rank: type.shape.length, elements: sizeOf(type.shape) };
    this.#limit('rank', rank, () => `${place} has ${rank} dimensions`, where);
    if (where.node === undefined) {
      this.#limit('elements', elements, () => `${place} is ${formatType(type)}, ${elements} elements`, where);
    } else if (elements > this.#limits.elements) {
      // What a client declares is over a limit; what follows from it costs too much.
      throw new EngineError(
        'cost_exceeded',
        `${place} would be ${formatType(type)}, ${elements} elements of ${bytesOf(type)} bytes; the limit 'elements' is ${this.#limits.elements}`,
        where,
      );
    }
    return type;
  }

  #limit(name: keyof Limits, count: number, found: () => string, where: Where = {}): void {
    checkLimit(this.#limits, name, count, found, where);
  }

  #countNames(more: number, where: Where): void {
    this.#names += more;
    const found = (): string => `the graph has ${this.#names} inputs, variables and constants or more`;
    this.#limit('names', this.#names, found, where);
  }

  #failUnexpected(name: string): never {
    throw new EngineError(
      'unexpected_value',
      `the graph has no input or variable '${name}'.${didYouMean(
        name,
        this.#inputs.map((input) => input.name),
      )}`,
      { input: name, pointer: `/values/${name}` },
    );
  }
}

/** The output under the node's name; an input or another node's tensor that an op passed through keeps its own. */
function named(b: Builder, output: Var, name: string): Var {
  if (output.name === undefined && b.producer(output)) rename(output, name);
  return output;
}

/** Names that some node reads as indices: an untyped list of whole numbers there is int32. */
function namesUsedAsIndices(nodes: readonly GraphNode[]): ReadonlySet<string> {
  const used = new Set<string>();
  for (const node of nodes) {
    poll();
    const entry = CATALOGUE.get(node.op);
    node.inputs.forEach((input, i) => {
      if (typeof input === 'string' && entry && operandAt(entry, i)?.kind === 'integer') used.add(input);
    });
  }
  return used;
}

/** An error of a node at its place, or at the place of the param it is about, by the spelling that the client used. */
function atParam(error: EngineError, { params }: GraphNode, where: Where): EngineError {
  const { param, pointer } = error.where;
  const given = param === undefined || Object.hasOwn(params, param) ? param : nearest(param, Object.keys(params));
  if (given === undefined || pointer !== undefined) return error.at(where);
  const place = { ...where, ...error.where, param: given, pointer: `${where.pointer}/params/${given}` };
  return new EngineError(error.code, error.message, place, error.violations);
}

function isIntegral(value: Value): boolean {
  return (value.data as Float64Array).every((element) => Number.isInteger(element));
}
