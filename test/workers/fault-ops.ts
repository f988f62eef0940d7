/**
 * @file Ops that end the process they run in, each in a way of its own. They exist in a service only when a test has
 * this file loaded before it, by `NODE_OPTIONS`; no file of the product knows them.
 */
import { z } from 'zod';
import { Device } from '../../engine/backends/gpu/device.ts';
import type { Routine } from '../../engine/compile/routine.ts';
import { CATALOGUE, type Entry } from '../../engine/ops/catalogue.ts';
import { defineOp, operand } from '../../engine/ops/op.ts';
import type { TensorType, TypedArray } from '../../engine/types.ts';

let device: Device | undefined;
const open = Device.open.bind(Device);
Device.open = async () => {
  const opened = await open();
  if (typeof opened !== 'string') device = opened;
  return opened;
};

const FAULTS: Readonly<Record<string, () => void>> = {
  /** A fault in native code. */
  fault_segv: () => process.kill(process.pid, 'SIGSEGV'),
  /** Never ends, and hears nothing. */
  fault_hang: () => {
    for (;;);
  },
  /** Takes memory until somebody stops it. */
  fault_memory: () => {
    const taken: Uint8Array[] = [];
    for (;;) taken.push(new Uint8Array(2 ** 24).fill(1));
  },
  fault_exit: () => process.exit(7),
  /** The driver takes the gpu away. */
  fault_device: () => device?.gpu.destroy(),
};

for (const [name, fail] of Object.entries(FAULTS)) {
  const run = (inputs: readonly TypedArray[], outputs: readonly TypedArray[]): void => {
    (outputs[0] as Float32Array).set(inputs[0] as Float32Array);
    fail();
  };
  const routine = (): Routine => ({ name, sizes: {}, flops: 1, run });
  const op = defineOp({
    name,
    family: 'elementwise',
    doc: 'Ends the process that computes it.',
    operands: [operand('x')],
    variadic: false,
    broadcast: false,
    params: z.strictObject({}),
    type: ([x]) => [x as TensorType],
    jvp: ['no_gradient_defined'],
    batch: () => {
      throw new Error('not for batches');
    },
    lower: { kind: 'routine', routine },
    cases: [],
    samples: [],
  });
  (CATALOGUE as Map<string, Entry>).set(name, op as unknown as Entry);
}
