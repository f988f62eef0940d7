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
  if (Array.isArray(tree)) return mapValues(tree, (item) => replaceTensors(item, replace));
  const entries = tree instanceof Map ? [...tree] : Object.entries(tree);
  let changed = tree instanceof Map;
  for (const entry of entries) {
    const value = replaceTensors(entry[1], replace);
    changed ||= value !== entry[1];
    entry[1] = value;
  }
  // fromEntries defines a key named __proto__ like any other.
  return changed ? Object.fromEntries(entries) : tree;
}

function mapValues(list: readonly unknown[], map: (item: unknown) => unknown): readonly unknown[] {
  const mapped = list.map(map);
  return mapped.some((item, index) => item !== list[index]) ? mapped : list;
}

function isTensor(tree: object): tree is Tensor {
  return 'data' in tree && ArrayBuffer.isView(tree.data);
}
