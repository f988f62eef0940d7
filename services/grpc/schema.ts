/** @file The services and messages of proto/ and of the standard protocols, read from their committed descriptor. */
import { readFileSync } from 'node:fs';
import {
  createFileRegistry,
  type DescMessage,
  type DescMethod,
  type DescService,
  fromBinary,
} from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';

const set = fromBinary(FileDescriptorSetSchema, readFileSync(new URL('./descriptors.binpb', import.meta.url)));

/** Every file, message and service that this port knows. */
export const REGISTRY = createFileRegistry(set);

/** The package of our own messages. */
export const PACKAGE = 'adjoint.v1';

/** The services of our own, in the order of their names. */
export const SERVICES: readonly DescService[] = [...REGISTRY]
  .filter((type) => type.kind === 'service')
  .filter(({ file }) => file.proto.package === PACKAGE)
  .sort((a, b) => (a.name < b.name ? -1 : 1));

const RPCS: ReadonlyMap<string, DescMethod> = new Map(
  SERVICES.flatMap(({ methods }) => methods.map((rpc) => [rpc.name, rpc])),
);

/** The rpc of our own of that name, whatever its service. */
export function rpcNamed(name: string): DescMethod | undefined {
  return RPCS.get(name);
}

/** The message of that name; a missing one is a fault of the build. */
export function messageNamed(name: string): DescMessage {
  const found = REGISTRY.getMessage(name);
  if (found === undefined) throw new Error(`there is no message ${name}`);
  return found;
}

/** The service of that name; a missing one is a fault of the build. */
export function serviceNamed(name: string): DescService {
  const found = REGISTRY.getService(name);
  if (found === undefined) throw new Error(`there is no service ${name}`);
  return found;
}
