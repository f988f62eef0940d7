/** @file A program in double precision: where differences of float32 values would drown in their rounding. */
import { Builder, Env } from '../../engine/program/builder.ts';
import { isProgram, isTensor, type Param, type Program } from '../../engine/program/program.ts';
import { arrayFrom, type TensorType } from '../../engine/types.ts';

/** The program with float64 in the place of float32, in params and sub-programs too. */
export function widened(program: Program): Program {
  const b = new Builder();
  const env = new Env();
  env.bind(
    program.inputs,
    program.inputs.map(({ type, name }) => b.input(wide(type), name)),
  );
  for (const { op, inputs, params, outputs } of program.eqns) {
    const wider = Object.fromEntries(Object.entries(params).map(([name, param]) => [name, wideParam(param)]));
    env.bind(outputs, b.emit(op, env.all(inputs), wider));
  }
  return b.build(env.all(program.outputs));
}

function wide(type: TensorType): TensorType {
  return type.dtype === 'float32' ? { dtype: 'float64', shape: type.shape } : type;
}

function wideParam(param: Param): Param {
  if (param === 'float32') return 'float64';
  if (isProgram(param)) return widened(param);
  if (Array.isArray(param)) return param.map(wideParam);
  if (isTensor(param)) {
    const type = wide(param.type);
    return { type, data: arrayFrom(type.dtype, param.data) };
  }
  return param;
}
