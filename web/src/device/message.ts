/** A file that left the device, read for its user: what its header says, in the words of the page. */

import type { SentFile } from "../types.gen";

/** One model of the file, or what stands for it. */
export interface SentModel {
  readonly name: string;
  /** Types of its numbers, as in `F32`. */
  readonly types: readonly string[];
  /** How many numbers. */
  readonly numbers: number;
  readonly bytes: number;
}

export interface SentMessage {
  readonly models: readonly SentModel[];
  /** The JSON that the device wrote about its round, line by line. */
  readonly report: string;
  /** All bytes that are no numbers of models. */
  readonly otherBytes: number;
}

interface Tensor {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

const METADATA = "__metadata__";

/** The format is safetensors: an object of tensors by name, `{model}/{tensor}`, and metadata. Our own device wrote it. */
export function readMessage({ bytes, header }: SentFile): SentMessage {
  const { [METADATA]: metadata, ...tensors } = JSON.parse(header) as Record<string, Tensor> & {
    readonly [METADATA]?: { readonly update?: string };
  };
  const models = new Map<string, SentModel>();
  for (const [key, tensor] of Object.entries(tensors as Record<string, Tensor>)) {
    const name = key.slice(0, key.lastIndexOf("/"));
    const before = models.get(name) ?? { name, types: [], numbers: 0, bytes: 0 };
    const [start, end] = tensor.data_offsets;
    models.set(name, {
      name,
      types: before.types.includes(tensor.dtype) ? before.types : [...before.types, tensor.dtype],
      numbers: before.numbers + tensor.shape.reduce((product, length) => product * length, 1),
      bytes: before.bytes + end - start,
    });
  }
  const list = [...models.values()];
  const ofModels = list.reduce((sum, model) => sum + model.bytes, 0);
  const report: unknown = JSON.parse(metadata?.update ?? "{}");
  return { models: list, report: JSON.stringify(report, null, 1), otherBytes: bytes - ofModels };
}
