/** @file The gpu that tests run on: the machine's, or SwiftShader where a package has brought it. */
import { existsSync } from 'node:fs';
import { type Gpu, type GpuOptions, openGpu } from '../engine/backends/gpu/gpu.ts';
import { findSoftwareDriver } from '../scripts/software-gpu.ts';

/** The gpu, or why there is none. */
export async function openTestGpu(options?: GpuOptions): Promise<Gpu | { readonly reason: string }> {
  const { VK_DRIVER_FILES, VK_ICD_FILENAMES } = process.env;
  // The Vulkan loader reads its environment when the first device is opened.
  if (!VK_DRIVER_FILES && !VK_ICD_FILENAMES && !hasGpu()) {
    const driver = findSoftwareDriver();
    if (!driver) return { reason: 'no gpu here, and no SwiftShader: sh scripts/system-libraries.sh software-gpu' };
    process.env.VK_DRIVER_FILES = driver;
  }
  return openGpu({ apis: ['webgpu'], ...options });
}

function hasGpu(): boolean {
  return ['/dev/nvidiactl', '/dev/kfd', '/dev/dri/renderD128'].some((path) => existsSync(path));
}

/** Opens the gpu for a test file: with a name for its tests that says why they are skipped, where they are. */
export async function gpuForTests(
  options?: GpuOptions,
): Promise<{ readonly gpu: Gpu | undefined; readonly on: string }> {
  const opened = await openTestGpu(options);
  if ('reason' in opened) return { gpu: undefined, on: `on the gpu (skipped: ${opened.reason})` };
  return { gpu: opened, on: `on the gpu ${opened.device.name}` };
}
