/** @file Requests and responses as bytes that no port's encoding shows in, for what the service keeps. */
import { createHash } from 'node:crypto';
import { deserialize, serialize } from 'node:v8';
import { toJsonText } from '../../engine/formats/tensor.ts';
import { Value } from '../../engine/program/value.ts';

/** The bytes of a tree of plain values, lists, objects, maps, tensors, `Value`s and byte arrays. */
export function toSnapshot(tree: unknown): Uint8Array {
  return serialize(tree);
}

/** The tree that `toSnapshot` was given; its arrays may be views of `bytes`. */
export function fromSnapshot(bytes: Uint8Array): unknown {
  return revive(deserialize(bytes));
}

/** What tells a request from every other, whatever the order of its members. */
export function fingerprintOf(method: string, request: unknown): string {
  return createHash('sha256')
    .update(method)
    .update('\0')
    .update(toJsonText(canonical(request)))
    .digest('hex');
}

/**
 * A tree that was serialized, with its `Value`s again: objects with a shape and elements in a typed array were that, for
 * JSON has no typed arrays, and tensors have a type.
 */
export function revive(tree: unknown): unknown {
  if (!isBranch(tree)) return tree;
  if (Array.isArray(tree)) {
    for (let i = 0; i < tree.length; i++) tree[i] = revive(tree[i]);
    return tree;
  }
  if (tree instanceof Map) {
    for (const [key, value] of tree) tree.set(key, revive(value));
    return tree;
  }
  const { dtype, shape, data } = tree as Partial<Value>;
  if (ArrayBuffer.isView(data) && shape !== undefined) return new Value(dtype, shape, data);
  for (const [key, value] of Object.entries(tree)) {
    const revived = revive(value);
    // Assigning to a key named __proto__ would set the prototype; what is the same needs no assignment.
    if (revived !== value) Object.defineProperty(tree, key, { value: revived, enumerable: true });
  }
  return tree;
}

function canonical(tree: unknown): unknown {
  if (ArrayBuffer.isView(tree)) {
    const bytes = new Uint8Array(tree.buffer, tree.byteOffset, tree.byteLength);
    return { elements: tree.constructor.name, digest: createHash('sha256').update(bytes).digest('hex') };
  }
  if (!isBranch(tree)) return tree;
  if (Array.isArray(tree)) return tree.map(canonical);
  const entries = tree instanceof Map ? [...tree] : Object.entries(tree);
  return Object.fromEntries(
    entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, value]) => [key, canonical(value)]),
  );
}

/** Whether there is something below; a list that begins with no object is numbers or texts, maybe by the million. */
function isBranch(tree: unknown): tree is object {
  if (typeof tree !== 'object' || tree === null || ArrayBuffer.isView(tree)) return false;
  return !Array.isArray(tree) || tree.some((item) => typeof item === 'object');
}
