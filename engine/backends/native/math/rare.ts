/** @file What few lanes need, out of the way of the others. */
import { Body, type Element, Lanes, type Value } from '../ir.ts';

/** A function that writes its code, for every lane. */
export type Lanewise = (v: Lanes, ...operands: readonly Value[]) => Value;

/**
 * `usual`, but `rare` of the operands where `isRare`: one branch, not taken unless a lane needs it, to a function of its
 * own, as what is rare is long. `name` is unique to the rare computation.
 */
export function patchRare(
  v: Lanes,
  isRare: Value,
  usual: Value,
  name: string,
  rare: Lanewise,
  ...operands: readonly Value[]
): Value {
  const { body } = v;
  const { element } = usual;
  const type = v.type(element);
  const slow = outlined(v, name, rare, element, operands.length);
  const before = body.block;
  const [patch, after] = [body.label(), body.label()];
  body.line(`br i1 ${unlikely(v, anyLane(v, isRare))}, label %${patch}, label %${after}`);
  body.begin(patch);
  const call = `call ${type} ${slow}(${operands.map(({ text }) => `${type} ${text}`).join(', ')})`;
  const patched = v.select(isRare, { element, text: body.value(call) }, usual);
  body.line(`br label %${after}`);
  body.begin(after);
  return { element, text: body.value(`phi ${type} [${usual.text}, %${before}], [${patched.text}, %${patch}]`) };
}

/** Whether a mask is set in any lane: a scalar. */
export function anyLane(v: Lanes, mask: Value): string {
  if (v.count === 1) return mask.text;
  const name = `@llvm.vector.reduce.or.${v.suffix('i1')}`;
  v.body.module.declare(`i1 ${name}(${v.type('i1')})`);
  return v.body.value(`call i1 ${name}(${v.type('i1')} ${mask.text})`);
}

function unlikely(v: Lanes, condition: string): string {
  v.body.module.declare('i1 @llvm.expect.i1(i1, i1)');
  return v.body.value(`call i1 @llvm.expect.i1(i1 ${condition}, i1 false)`);
}

function outlined(v: Lanes, rare: string, compute: Lanewise, element: Element, arity: number): string {
  const { module } = v.body;
  const name = `@rare.${rare}.${v.suffix(element)}`;
  const type = v.type(element);
  module.define(name, () => {
    const lanes = new Lanes(new Body(module), v.count, v.features);
    const operands = Array.from({ length: arity }, (_, i): Value => ({ element, text: `%x${i}` }));
    const result = compute(lanes, ...operands);
    const parameters = operands.map(({ text }) => `${type} ${text}`).join(', ');
    // It reads and writes no memory, or no load could be moved across the branch.
    const header = `define internal ${type} ${name}(${parameters}) noinline cold nounwind readnone willreturn`;
    return `${header} {\nentry:\n${lanes.body}\n  ret ${type} ${result.text}\n}`;
  });
  return name;
}
