import { z } from 'zod';
import { method } from '../method.ts';

/** A kind of device that computes, as clients see it. */
export const deviceSchema = z
  .object({
    device: z.enum(['cpu', 'gpu']).meta({ description: 'What `options.device` calls it.' }),
    name: z.string().meta({ description: "The processor's or the adapter's." }),
    backend: z.string(),
    api: z.string().meta({ description: 'Through what it computes: llvm, javascript, webgpu or webgl.' }),
    software: z.boolean().meta({ description: 'Whether an adapter is emulated by the processor.' }),
    dtypes: z.array(z.string()).meta({ description: 'What it computes; other graphs are for other devices.' }),
    workers: z.number().meta({ description: 'Processes that compute on it; 0 is the process that serves.' }),
    ready: z.number().meta({ description: 'Those that can be given work now.' }),
    restarts: z.number().meta({ description: 'How often such a process ended and another took its place.' }),
  })
  .meta({ id: 'DeviceInfo' });

/** What computes. */
export const listDevices = method({
  name: 'ListDevices',
  summary: 'What computes here: processors and adapters, and the processes on them.',
  verb: 'GET',
  path: '/v1/devices',
  request: z.strictObject({}),
  response: z.object({ devices: z.array(deviceSchema) }),
  examples: [],
  handle: (_, { engines }) => ({ devices: engines.devices() }),
});
