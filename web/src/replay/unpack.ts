/** From the bytes of a file to its text, gzipped or not. */

import { Unplayable } from "./recording";

/** Of the file, and of the text in it. */
export const MOST_BYTES = 64 * 1024 * 1024;

const SLICE = 16 * 1024;

export interface Unpacked {
  readonly text: string;
  /** Whether the file ends too early. */
  readonly cut: boolean;
}

/** Throws `Unplayable`. */
export async function unpack(bytes: Uint8Array<ArrayBuffer>, most = MOST_BYTES): Promise<Unpacked> {
  if (bytes.length > most) throw tooLarge(most);
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return { text: new TextDecoder().decode(bytes), cut: false };
  return gunzip(bytes, most);
}

/** Slice by slice, so that what was unpacked before the place where a file breaks off is not lost. */
async function gunzip(bytes: Uint8Array<ArrayBuffer>, most: number): Promise<Unpacked> {
  const { readable, writable } = new DecompressionStream("gzip");
  const reader = readable.getReader();
  const writing = write(writable.getWriter(), bytes);
  const decoder = new TextDecoder();
  let text = "";
  let length = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return { text: text + decoder.decode(), cut: false };
      length += value.length;
      if (length > most) throw tooLarge(most);
      text += decoder.decode(value, { stream: true });
    }
  } catch (error) {
    if (error instanceof Unplayable) throw error;
    if (text === "") throw new Unplayable({ kind: "broken_gzip" });
    return { text, cut: true };
  } finally {
    // The writer has nothing to say that the reader has not heard.
    reader.cancel().catch(() => {});
    await writing.catch(() => {});
  }
}

async function write(writer: WritableStreamDefaultWriter<BufferSource>, bytes: Uint8Array<ArrayBuffer>) {
  for (let at = 0; at < bytes.length; at += SLICE) await writer.write(bytes.subarray(at, at + SLICE));
  await writer.close();
}

function tooLarge(most: number): Unplayable {
  return new Unplayable({ kind: "too_large", most });
}
