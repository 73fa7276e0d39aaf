/** Messages that are too large to go in one piece: cut at the sender, joined and checked at the receiver. Pure. */

import { createHash } from 'node:crypto';
import { SluiceError } from '../shared/errors.ts';
import type { Chunk, Chunk__Output } from './gen/sluice/agent/v1/Chunk.ts';
import { LIMITS } from './service.ts';

/**
 * Cuts one encoded message into pieces, in the order they are to be sent; other messages may pass between them.
 * @param encoded a whole AgentMessage or HubMessage. Not copied: it must not change until the pieces are encoded.
 * @param id unique among the chunked messages of this direction of the session.
 */
export function splitMessage(encoded: Buffer, id: string, pieceBytes: number = LIMITS.chunkBytes): Chunk[] {
  const count = Math.max(1, Math.ceil(encoded.byteLength / pieceBytes));
  return Array.from({ length: count }, (_, index) => {
    const data = encoded.subarray(index * pieceBytes, (index + 1) * pieceBytes);
    const last = index === count - 1;
    return { id, index, last, data, ...(last && { sha256: sha256(encoded) }) };
  });
}

export interface JoinerLimits {
  /** Of one message, joined. */
  maxTotalBytes: number;
  /** Messages begun and not whole, at once. With the line above it bounds what is held: 64 MiB as they stand. */
  maxUnfinished: number;
}

/** A piece that is not the last is at least this large: millions of tiny ones would cost more than what they carry. */
const SMALLEST_PIECE = 4 * 1024;

interface Unfinished {
  pieces: Buffer[];
  bytes: number;
}

/** Joins the pieces that come on one direction of one session. After an error the session is not to be trusted: end it. */
export class ChunkJoiner {
  readonly #limits: JoinerLimits;
  readonly #unfinished = new Map<string, Unfinished>();

  constructor(limits: Partial<JoinerLimits> = {}) {
    this.#limits = { maxTotalBytes: LIMITS.maxTotalBytes, maxUnfinished: 8, ...limits };
  }

  /** Messages begun and not whole. */
  get unfinished(): number {
    return this.#unfinished.size;
  }

  /**
   * @returns the encoded message with its last piece, undefined before it.
   * @throws SluiceError PROTOCOL (out of order, too many at once, a sum that does not fit), TOO_LARGE.
   */
  take(chunk: Chunk__Output): Buffer | undefined {
    const known = this.#unfinished.get(chunk.id) ?? this.#begin(chunk);
    if (chunk.index !== known.pieces.length) {
      throw fault(chunk, `piece ${chunk.index} came where ${known.pieces.length} was due`);
    }
    if (!chunk.last && chunk.data.byteLength < SMALLEST_PIECE) {
      throw fault(chunk, `piece ${chunk.index} has ${chunk.data.byteLength} bytes and is not the last`);
    }
    known.bytes += chunk.data.byteLength;
    if (known.bytes > this.#limits.maxTotalBytes) throw tooLarge(known.bytes, this.#limits.maxTotalBytes);
    known.pieces.push(chunk.data);
    if (!chunk.last) return undefined;
    this.#unfinished.delete(chunk.id);
    const whole = Buffer.concat(known.pieces, known.bytes);
    if (!sha256(whole).equals(chunk.sha256)) throw fault(chunk, 'its SHA-256 is not that of its pieces');
    return whole;
  }

  #begin(chunk: Chunk__Output): Unfinished {
    if (this.#unfinished.size >= this.#limits.maxUnfinished) {
      throw fault(chunk, `${this.#unfinished.size} others are not whole yet, and no more are held`);
    }
    const begun = { pieces: [], bytes: 0 };
    this.#unfinished.set(chunk.id, begun);
    return begun;
  }
}

function sha256(bytes: Buffer): Buffer {
  return createHash('sha256').update(bytes).digest();
}

function fault({ id }: Chunk__Output, what: string): SluiceError {
  return new SluiceError('PROTOCOL', `Message ${id.slice(0, 80)} in chunks: ${what}. This is a fault of the sender.`);
}

function tooLarge(bytes: number, maxBytes: number): SluiceError {
  return new SluiceError(
    'TOO_LARGE',
    `A message in chunks has ${bytes} bytes or more; the link carries at most ${maxBytes}. Narrow what is asked for.`,
  );
}
