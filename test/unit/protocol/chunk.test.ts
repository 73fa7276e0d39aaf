/** Messages in chunks: what is cut is joined whole whatever passes between, and a faulty sender is found out within bounds. */

import { randomBytes } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ChunkJoiner, splitMessage } from '../../../src/protocol/chunk.ts';
import type { Chunk } from '../../../src/protocol/gen/sluice/agent/v1/Chunk.ts';
import type { Chunk__Output } from '../../../src/protocol/gen/sluice/agent/v1/Chunk.ts';
import { LIMITS, decodeAgentMessage, encodeAgentMessage } from '../../../src/protocol/service.ts';

const PIECE = 4 * 1024;
const PROTOCOL = expect.objectContaining({ code: 'PROTOCOL' });

/** As it is after the wire. */
function received(chunk: Chunk): Chunk__Output {
  const decoded = decodeAgentMessage(encodeAgentMessage({ body: 'chunk', chunk })).chunk;
  if (!decoded) throw new Error('no chunk came back');
  return decoded;
}

function pieces(bytes: number, id = 'm'): Chunk__Output[] {
  return splitMessage(randomBytes(bytes), id, PIECE).map(received);
}

describe('any messages, cut and sent in turns', () => {
  it('come out whole, each with its last piece', () => {
    const lengths = fc.array(fc.integer({ min: 0, max: 5 * PIECE }), { minLength: 1, maxLength: 8 });
    const turns = fc.array(fc.nat(), { maxLength: 60 });
    fc.assert(
      fc.property(lengths, turns, (sizes, order) => {
        const messages = sizes.map((size) => randomBytes(size));
        const left = messages.map((message, index) => splitMessage(message, String(index), PIECE));
        const joiner = new ChunkJoiner();
        const out: Buffer[] = messages.map(() => Buffer.from('none'));
        const rest = left.flatMap((chunks, index) => chunks.map(() => index));
        for (const turn of [...order.map((each) => each % messages.length), ...rest]) {
          const chunk = left[turn]?.shift();
          if (!chunk) continue;
          const whole = joiner.take(received(chunk));
          expect(whole !== undefined).toBe(left[turn]?.length === 0);
          if (whole) out[turn] = whole;
        }
        expect(out).toEqual(messages);
        expect(joiner.unfinished).toBe(0);
      }),
      { numRuns: 60 },
    );
  });

  it('fit into the messages of the link, at the size the protocol names', () => {
    const chunks = splitMessage(randomBytes(LIMITS.maxTotalBytes), 'm');
    expect(chunks).toHaveLength(32);
    for (const chunk of chunks) {
      const encoded = encodeAgentMessage({ body: 'chunk', chunk });
      expect(encoded.byteLength).toBeLessThan(LIMITS.chunkBytes + 100);
    }
  });

  it('may have the id of one that is done', () => {
    const joiner = new ChunkJoiner();
    for (let round = 0; round < 20; round++) {
      const [first, second] = pieces(PIECE + 1);
      if (!first || !second) throw new Error('two were asked for');
      expect(joiner.take(first)).toBeUndefined();
      expect(joiner.take(second)).toHaveLength(PIECE + 1);
    }
  });
});

describe('a sender that errs is found out', () => {
  function taking(chunks: Chunk__Output[], limits = {}): () => void {
    const joiner = new ChunkJoiner(limits);
    return () => chunks.forEach((chunk) => joiner.take(chunk));
  }

  it('by a piece that is missing, repeated, swapped, or of the wrong message', () => {
    const [a, b, c] = pieces(3 * PIECE) as [Chunk__Output, Chunk__Output, Chunk__Output];
    for (const order of [[a, c], [b], [a, a], [a, b, b], [b, a]]) expect(taking(order)).toThrow(PROTOCOL);
    const other = pieces(3 * PIECE)[1] as Chunk__Output;
    expect(taking([a, other, c])).toThrow(PROTOCOL);
  });

  it('by a sum that is absent or of something else', () => {
    const [a, b] = pieces(2 * PIECE) as [Chunk__Output, Chunk__Output];
    expect(taking([a, { ...b, sha256: Buffer.alloc(0) }])).toThrow(PROTOCOL);
    expect(taking([a, { ...b, sha256: randomBytes(32) }])).toThrow(PROTOCOL);
    expect(taking([a, b])).not.toThrow();
  });

  it('by a message larger than agreed, before it is whole', () => {
    const endless = Array.from({ length: 9 }, (_, index) => ({ ...(pieces(2 * PIECE)[0] as Chunk__Output), index }));
    expect(taking(endless, { maxTotalBytes: 8 * PIECE })).toThrow(expect.objectContaining({ code: 'TOO_LARGE' }));
  });

  it('by tiny pieces, which cost more to hold than what they carry', () => {
    const tiny = splitMessage(randomBytes(100), 'm', 10).map(received);
    expect(taking(tiny)).toThrow(PROTOCOL);
  });

  it('by more messages begun than are held at once', () => {
    const begun = Array.from({ length: 9 }, (_, index) => pieces(2 * PIECE, String(index))[0] as Chunk__Output);
    expect(taking(begun.slice(0, 8))).not.toThrow();
    expect(taking(begun)).toThrow(PROTOCOL);
  });
});
