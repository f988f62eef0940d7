/** @file Which device a computation is for: the one that is done with it sooner, by what was measured of both. */
import type { Backend } from '../../engine/backends/backend.ts';
import { calibrate, type GpuRates, secondsOnGpu } from '../../engine/backends/gpu/cost.ts';
import type { Plan } from '../../engine/compile/plan.ts';
import { bytesOf, type TensorType } from '../../engine/types.ts';

/** How much sooner another device must be, so that what is computed now here, now there, does not go to and fro. */
const MARGIN = 1.25;

/** What this process knows of the devices. */
export class Placement {
  readonly #backend: Backend;
  #gpu: GpuRates | undefined;
  #cpu: Promise<GpuRates> | undefined;
  #own: GpuRates | undefined;

  /** `backend` is what this process computes with. */
  constructor(backend: Backend) {
    this.#backend = backend;
  }

  /** Takes the rates of the gpu of another process; its own are measured when they are first needed. */
  async learn(gpu: GpuRates | undefined): Promise<void> {
    this.#gpu = gpu;
    if (gpu === undefined) return;
    this.#cpu ??= calibrate(this.#backend.settled ?? this.#backend, () => performance.now());
    this.#own = await this.#cpu;
  }

  /** Whether a plan is done sooner on the gpu of another process. */
  isForGpu(plan: Plan): boolean {
    if (this.#gpu === undefined || this.#own === undefined) return false;
    const moved = { up: total(plan.inputs), down: total(plan.outputs.map((id) => plan.buffers[id]!.type)) };
    const here = secondsOnGpu(plan, { up: 0, down: 0 }, this.#own);
    return secondsOnGpu(plan, moved, this.#gpu) * MARGIN < here;
  }
}

function total(types: readonly TensorType[]): number {
  return types.reduce((sum, type) => sum + bytesOf(type), 0);
}
