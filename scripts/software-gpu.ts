/** @file Finds SwiftShader, a gpu that is a program, where Debian's package chromium-common or a Chrome has brought it. */
import { existsSync } from 'node:fs';

const FOLDERS = ['/usr/lib/chromium', '/usr/lib64/chromium', '/usr/lib/chromium-browser', '/opt/google/chrome'];

/** The file for the Vulkan loader's `VK_DRIVER_FILES`. */
export function findSoftwareDriver(): string | undefined {
  return FOLDERS.map((folder) => `${folder}/vk_swiftshader_icd.json`).find((path) => existsSync(path));
}

if (import.meta.main) process.stdout.write(`${findSoftwareDriver() ?? ''}\n`);
