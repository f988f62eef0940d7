/** @file A program in double precision, where differences of float32 values would drown in their rounding, and in single. */
import { Builder, Env } from '../../engine/program/builder.ts';
import { isProgram, isTensor, type Param, type Program } from '../../engine/program/program.ts';
import { arrayFrom, type TensorType } from '../../engine/types.ts';

type Float = 'float32' | 'float64';

/** The program with float64 in the place of float32, in params and sub-programs too. */
export function widened(program: Program): Program {
  return retyped(program, 'float32', 'float64');
}

/** The program with float32 in the place of float64, in params and sub-programs too. */
export function narrowed(program: Program): Program {
  return retyped(program, 'float64', 'float32');
}

function retyped(program: Program, from: Float, to: Float): Program {
  const b = new Builder();
  const env = new Env();
  env.bind(
    program.inputs,
    program.inputs.map(({ type, name }) => b.input(retypedType(type, from, to), name)),
  );
  for (const { op, inputs, params, outputs } of program.eqns) {
    const others = Object.fromEntries(
      Object.entries(params).map(([name, param]) => [name, retypedParam(param, from, to)]),
    );
    env.bind(outputs, b.emit(op, env.all(inputs), others));
  }
  return b.build(env.all(program.outputs));
}

function retypedType(type: TensorType, from: Float, to: Float): TensorType {
  return type.dtype === from ? { dtype: to, shape: type.shape } : type;
}

function retypedParam(param: Param, from: Float, to: Float): Param {
  if (param === from) return to;
  if (isProgram(param)) return retyped(param, from, to);
  if (Array.isArray(param)) return param.map((each) => retypedParam(each, from, to));
  if (isTensor(param)) {
    const type = retypedType(param.type, from, to);
    return { type, data: arrayFrom(type.dtype, param.data) };
  }
  return param;
}
