/** @file Responses as the binary extension writes them. */
import { encodeBytes, type TextEncoding, toJsonText } from '../../engine/formats/tensor.ts';
import { replaceTensors } from '../api/text.ts';

/** How the tensors of a response are written. */
export type Encoding = TextEncoding | 'binary';

/**
 * A response as the binary extension writes it: JSON, then the bytes of its tensors in the order it mentions them. Those
 * are where the tensors have them, wherever that can be.
 */
export function toBinary(response: unknown): { readonly pieces: readonly Uint8Array[]; readonly jsonLength: number } {
  const tails: Uint8Array[] = [];
  const json = replaceTensors(response, (tensor) => {
    const bytes = encodeBytes(tensor);
    tails.push(bytes);
    return { ...tensor.type, binary_data_size: bytes.length };
  });
  const text = Buffer.from(toJsonText(json));
  // Spaces after JSON mean nothing, and with them the first tensor lies where its elements are aligned.
  const padding = Buffer.alloc(-text.length & 7, ' ');
  return { pieces: [text, padding, ...tails], jsonLength: text.length + padding.length };
}
