/** @file Matrix products in native code: tiles of the output in registers, panels of the right operand in the cache. */
import type { Routine, Windows } from '../../../compile/routine.ts';
import { sizeOf, type TensorType } from '../../../types.ts';
import type { Element, Module } from '../ir.ts';
import type { NativeRoutine, Phase, RoutineRenderer } from '../routine.ts';
import type { Target } from '../target.ts';
import { ELEMENTS, eachElement, Integers, loop, loopOnce, UNIT_ELEMENTS } from './code.ts';
import { addDots } from './dot-tiles.ts';
import { type MatmulSizes, type Plan, planMatmul } from './matmul-plan.ts';
import { addPack } from './panels.ts';
import { addPhase, type Product, partOf, partsOf, productOf } from './product.ts';
import { addTiles } from './tiles.ts';

/** `matmul` of numbers: sums are accumulated in the dtype of the operands. */
export const matmul: RoutineRenderer = (routine, types, module, name, target) => {
  const output = types.outputs[0]!;
  const sizes = matmulSizes(routine);
  return renderProduct(routine, output, module, name, target, (element) => ({
    plan: planMatmul(sizes, element, target),
  }));
};

/** Adds the functions of a product by its plan; those of an empty one without. */
export function renderProduct(
  { sizes: { k, strided } }: Routine,
  output: TensorType,
  module: Module,
  name: string,
  target: Target,
  planFor: (element: Element) => { readonly plan: Plan; readonly windows?: Windows },
): NativeRoutine | undefined {
  const element = ELEMENTS[output.dtype];
  if (!element || !strided) return undefined;
  const size = sizeOf(output.shape);
  if (size === 0) return { scratchBytes: 0, phases: [] };
  if (k === 0) return { scratchBytes: 0, phases: [addZeros(element, size, module, name, target)] };
  const { plan, windows } = planFor(element);
  return renderPlan(productOf(plan, module, name, target, windows), output);
}

/** The sizes that the routine tells. */
export function matmulSizes({ sizes }: Routine): MatmulSizes {
  return sizes as unknown as MatmulSizes;
}

function renderPlan(product: Product, output: TensorType): NativeRoutine {
  const { plan } = product;
  const pack = plan.kernel.kind === 'tile' ? addPack(product, plan.kernel) : undefined;
  const multiply = addMultiply(product);
  const combine = plan.grid.chunks > 1 ? addCombine(product) : undefined;
  const rows = rowsOfUnit(plan, output);
  const last = combine ?? multiply;
  const phases = [pack, combine && multiply, rows === undefined ? last : { ...last, rows }];
  return { scratchBytes: product.scratch.size, phases: phases.filter((phase) => phase !== undefined) };
}

function addMultiply(product: Product): Phase {
  const { plan, module, name } = product;
  const { sizes, grid, kernel } = plan;
  const writePart = kernel.kind === 'tile' ? addTiles(product, kernel) : addDots(product, kernel);
  const parts = partsOf(sizes, grid);
  addPhase(module, `${name}_multiply`, (body) => {
    const integers = new Integers(body);
    const first = integers.mul('%begin', grid.group);
    const end = grid.group === 1 ? '%end' : integers.min(integers.mul('%end', grid.group), parts);
    loop(body, first, end, 1, (index) => writePart(body, partOf(integers, index, product)));
  });
  const { batch, m, n, k } = sizes;
  return { name: `${name}_multiply`, units: Math.ceil(parts / grid.group), flops: 2 * batch * m * n * k };
}

/** The rows that one unit of the last phase writes, if those of every unit follow one another. */
function rowsOfUnit(plan: Plan, { shape }: TensorType): number | undefined {
  const last = shape.at(-1) ?? 1;
  const elements = elementsOfUnit(plan);
  return elements !== undefined && elements % last === 0 ? elements / last : undefined;
}

function elementsOfUnit({ sizes, grid }: Plan): number | undefined {
  const { batch, m, n } = sizes;
  const { chunks, rowBlocks, blockRows, columnBlocks, blockColumns, group } = grid;
  if (chunks > 1) return UNIT_ELEMENTS;
  if (rowBlocks * columnBlocks === 1) return group * m * n;
  if (columnBlocks === 1) return batch === 1 || m % blockRows === 0 ? blockRows * n : undefined;
  return m === 1 && (batch === 1 || n % blockColumns === 0) ? blockColumns : undefined;
}

function addZeros(element: Element, size: number, module: Module, name: string, target: Target): Phase {
  const phase = { name: `${name}_zeros`, units: Math.ceil(size / UNIT_ELEMENTS), flops: size };
  addPhase(module, phase.name, (body) =>
    eachElement(body, element, size, target, (memory, offset) =>
      memory.store(memory.lanes.const(element, 0), new Integers(body).at('%out', offset)),
    ),
  );
  return phase;
}

/** Adds the chunks' results, first to last. */
function addCombine({ plan, bytes, scratch, module, name, target }: Product): Phase {
  const { sizes, grid, element } = plan;
  const size = sizes.batch * sizes.m * sizes.n;
  const phase = { name: `${name}_combine`, units: Math.ceil(size / UNIT_ELEMENTS), flops: size * grid.chunks };
  addPhase(module, phase.name, (body) =>
    eachElement(body, element, size, target, (memory, offset) => {
      const integers = new Integers(body);
      const first = integers.at(integers.at('%scratch', scratch.partial), offset);
      const carried = [{ type: memory.lanes.type(element), first: memory.load(element, first).text }];
      const [sum] = loopOnce(body, [1, grid.chunks, 1], carried, (chunk, [before]) => {
        const next = memory.load(element, integers.at(first, integers.mul(chunk, size * bytes)));
        return [memory.lanes.add({ element, text: before! }, next).text];
      });
      memory.store({ element, text: sum! }, integers.at('%out', offset));
    }),
  );
  return phase;
}
