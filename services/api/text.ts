/** @file Responses as JSON text, with every tensor in them written as was asked. */
import { checkTextSize, encodeTensor, type TextEncoding, textSize, toJsonText } from '../../engine/formats/tensor.ts';
import type { Tensor } from '../../engine/types.ts';

/** A response as JSON text; its tensors nested lists, flat lists or base64. */
export function toText(response: unknown, encoding: TextEncoding): string {
  let elements = 0;
  let bytes = 0;
  const json = replaceTensors(response, (tensor) => {
    elements += textSize(tensor);
    bytes += tensor.data.byteLength;
    checkTextSize(elements, bytes, encoding);
    return encodeTensor(tensor, encoding);
  });
  return toJsonText(json);
}

/** `tree` with every tensor replaced, and maps as objects; parts that hold neither are shared, not copied. */
export function replaceTensors(tree: unknown, replace: (tensor: Tensor) => unknown): unknown {
  if (typeof tree !== 'object' || tree === null) return tree;
  if (isTensor(tree)) return replace(tree);
  if (Array.isArray(tree)) return replaceItems(tree, replace);
  if (tree instanceof Map) {
    const object = {};
    for (const [key, value] of tree) define(object, key, replaceTensors(value, replace));
    return object;
  }
  let copy: object | undefined;
  for (const key of Object.keys(tree)) {
    const value = (tree as Record<string, unknown>)[key];
    const replaced = replaceTensors(value, replace);
    if (replaced === value) continue;
    copy ??= { ...tree };
    define(copy, key, replaced);
  }
  return copy ?? tree;
}

function replaceItems(list: readonly unknown[], replace: (tensor: Tensor) => unknown): readonly unknown[] {
  let copy: unknown[] | undefined;
  for (let i = 0; i < list.length; i++) {
    const replaced = replaceTensors(list[i], replace);
    if (replaced === list[i]) continue;
    copy ??= [...list];
    copy[i] = replaced;
  }
  return copy ?? list;
}

/** Assigning to a key named __proto__ would set the prototype. */
function define(object: object, key: string, value: unknown): void {
  if (key === '__proto__') Object.defineProperty(object, key, { value, enumerable: true, configurable: true });
  else (object as Record<string, unknown>)[key] = value;
}

function isTensor(tree: object): tree is Tensor {
  return 'data' in tree && ArrayBuffer.isView(tree.data);
}
