/** What a Hello is answered with. Pure. */

import type { Hello__Output } from '../../protocol/gen/sluice/agent/v1/Hello.ts';
import { LIMITS, PROTOCOL_MAX, PROTOCOL_MIN } from '../../protocol/service.ts';

/** What both sides agreed on. */
export interface Terms {
  protocol: number;
  /** Operations in flight. */
  credit: number;
  maxMessageBytes: number;
  /** Of a message in chunks, either way; 0: an agent that knows no chunks. */
  maxTotalBytes: number;
  /** Operation kinds the agent can do. */
  capabilities: ReadonlySet<string>;
}

export type Admission = { terms: Terms } | { code: 'VERSION' | 'FENCED'; refused: string };

/** Chunks are known from this version on. */
const CHUNKS_SINCE = 2;
/** An agent that claims to have seen a higher epoch would leave its account no numbers to count on with. */
const HIGHEST_EPOCH = 2 ** 52;

/** Takes the newest protocol both speak, and the smaller of each limit. A limit that is not given is ours. */
export function admit(hello: Hello__Output): Admission {
  const protocol = Math.min(hello.protocolMax, PROTOCOL_MAX);
  if (protocol < Math.max(hello.protocolMin, PROTOCOL_MIN)) {
    return {
      code: 'VERSION',
      refused: `The agent ${hello.agentVersion} speaks protocol ${hello.protocolMin} to ${hello.protocolMax}, this orchestrator ${PROTOCOL_MIN} to ${PROTOCOL_MAX}. Upgrade the ${hello.protocolMax < PROTOCOL_MIN ? 'agent' : 'orchestrator'}.`,
    };
  }
  if (hello.lastEpoch > HIGHEST_EPOCH) {
    return {
      code: 'FENCED',
      refused: `The agent says that it has seen epoch ${hello.lastEpoch}, which none was ever given. Restart it.`,
    };
  }
  const smaller = (theirs: number, ours: number): number => (theirs > 0 ? Math.min(theirs, ours) : ours);
  return {
    terms: {
      protocol,
      credit: smaller(hello.credit, LIMITS.credit),
      maxMessageBytes: smaller(hello.maxMessageBytes, LIMITS.maxMessageBytes),
      maxTotalBytes: protocol >= CHUNKS_SINCE ? LIMITS.maxTotalBytes : 0,
      capabilities: new Set(hello.capabilities),
    },
  };
}
