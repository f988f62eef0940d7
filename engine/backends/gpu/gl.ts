/**
 * @file The second way to a gpu: gpu.js' kernels on headless GL, for machines with OpenGL and no Vulkan. Each kernel is
 * one draw an output, and its inputs and outputs are moved; it computes in float32 and bool alone.
 */
import { createRequire } from 'node:module';
import type { Kernel } from '../../compile/plan.ts';
import type { Var } from '../../program/program.ts';
import { sizeOf, type TypedArray } from '../../types.ts';
import type { Backend } from '../backend.ts';
import { type Code, stepwise } from '../stepwise.ts';
import type { DeviceReport } from './device.ts';
import { GLSL_NATIVES, glslSources } from './glsl.ts';
import { renderKernel } from './kernel.ts';
import type { Holds } from './refusal.ts';

/** What gpu.js is to this file. */
interface GlKernel {
  (...inputs: readonly Float32Array[]): Float32Array;
  readonly kernel: object;
  readonly context: GlContext;
  destroy(): void;
}
interface GlContext {
  readonly RENDERER: number;
  readonly VENDOR: number;
  readonly VERSION: number;
  getParameter(name: number): unknown;
}
interface GpuJs {
  readonly GPU: (new (
    settings: object,
  ) => {
    addNativeFunction(name: string, source: string, settings: object): void;
    createKernel(source: string, settings: object): GlKernel;
    destroy(): Promise<void>;
  }) & { readonly isHeadlessGLSupported: boolean };
  readonly HeadlessGLKernel: new () => object;
}

/** Positions are floats here, and one and a half must be told apart. */
export const WEBGL: Holds = { dtypes: ['float32', 'bool'], elements: 2 ** 22 };

/** GLSL's functions are the driver's, and sums are held in one float32. */
const TOLERANCE = { float32: 1e-4, float64: 0 } as const;

/** Kernels that are kept. */
const MAX_KERNELS = 512;

/** A GL that runs plans. */
export interface Gl {
  readonly backend: Backend;
  readonly device: DeviceReport;
  close(): void;
}

/** Opens headless GL, which needs gpu.js' optional package `gl` built and an X server; where it cannot, says why. */
export function openGl(): Gl | { readonly reason: string } {
  const { GPU, HeadlessGLKernel } = createRequire(import.meta.url)('gpu.js') as GpuJs;
  if (!GPU.isHeadlessGLSupported)
    return { reason: 'headless GL does not open: its package is not built, or there is no X server' };
  const gpu = new GPU({ mode: 'headlessgl' });
  for (const { name, source, argumentTypes } of GLSL_NATIVES)
    gpu.addNativeFunction(name, source, { argumentTypes, returnType: 'Number' });
  const made = new Map<string, GlKernel>();
  // Inputs of other sizes are textures of other shapes, which a kernel is made for.
  const kernelOf = (source: string, size: number, inputs: readonly Float32Array[]): GlKernel => {
    const key = `${size} ${inputs.map(({ length }) => length)} ${source}`;
    const known = made.get(key);
    if (known) return known;
    const kernel = gpu.createKernel(source, {
      output: [size],
      precision: 'single',
      loopMaxIterations: 2 ** 24,
      optimizeFloatMemory: false,
    });
    // gpu.js takes another mode without a word where this one fails.
    if (!(kernel.kernel instanceof HeadlessGLKernel)) throw new Error('gpu.js did not take headless GL');
    if (made.size >= MAX_KERNELS) {
      const [oldest, first] = made.entries().next().value as [string, GlKernel];
      made.delete(oldest);
      first.destroy();
    }
    made.set(key, kernel);
    return kernel;
  };
  const compile = (kernel: Kernel, reads: readonly Var[]): Code => {
    if (kernel.space.includes(0)) return () => {};
    const size = sizeOf(kernel.space);
    const sources = glslSources(renderKernel(kernel, reads, false));
    return (inputs, outputs) => {
      const given = inputs.map(floatsOf);
      // All before the first is written: an output may lie where an input does.
      const results = sources.map((source) => kernelOf(source, size, given)(...given));
      results.forEach((data, i) => (outputs[i] as Float32Array).set(data.subarray(0, size)));
    };
  };
  try {
    const given = [new Float32Array(1)] as const;
    const probe = kernelOf('function (a0) {\n  const l = this.thread.x;\n  return a0[l];\n}', 1, given);
    probe(...given);
    return {
      backend: stepwise({ name: 'gpu', tolerance: TOLERANCE, compile }),
      device: reportOf(probe.context),
      close: () => {
        for (const kernel of made.values()) kernel.destroy();
        made.clear();
      },
    };
  } catch (reason) {
    return { reason: `headless GL does not run: ${(reason as Error).message}` };
  }
}

/** Headless GL names itself and not the driver behind it: nothing tells that one from a program on the processor. */
function reportOf(context: GlContext): DeviceReport {
  const parameter = (name: number): string => String(context.getParameter(name));
  return {
    name: parameter(context.RENDERER),
    api: 'webgl',
    vendor: parameter(context.VENDOR),
    architecture: '',
    driver: parameter(context.VERSION),
    software: true,
    largestBuffer: 4 * WEBGL.elements,
  };
}

/** An array as a texture holds it; one of no elements would be no texture. */
function floatsOf(array: TypedArray): Float32Array {
  if (array.length === 0) return new Float32Array(1);
  return array instanceof Float32Array ? array : Float32Array.from(array as Uint8Array);
}
