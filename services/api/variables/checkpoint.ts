/** @file A session's variables as one safetensors file. */

/** The media type of a safetensors file. */
export const SAFETENSORS_TYPE = 'application/vnd.safetensors';

/** The file's text that lists, as JSON, the variables that are not trainable. */
export const NOT_TRAINABLE = 'not_trainable';
