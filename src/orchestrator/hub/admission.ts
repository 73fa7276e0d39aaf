/** What a Hello is answered with. Pure. */

import type { Hello__Output } from '../../protocol/gen/sluice/agent/v1/Hello.ts';
import { LIMITS, PROTOCOL_MAX, PROTOCOL_MIN } from '../../protocol/service.ts';

/** What both sides agreed on. */
export interface Terms {
  protocol: number;
  /** Operations in flight. */
  credit: number;
  maxMessageBytes: number;
  /** Operation kinds the agent can do. */
  capabilities: ReadonlySet<string>;
}

export type Admission = { terms: Terms } | { refused: string };

/** Takes the newest protocol both speak, and the smaller of each limit. A limit that is not given is ours. */
export function admit(hello: Hello__Output): Admission {
  const protocol = Math.min(hello.protocolMax, PROTOCOL_MAX);
  if (protocol < Math.max(hello.protocolMin, PROTOCOL_MIN)) {
    return {
      refused: `The agent ${hello.agentVersion} speaks protocol ${hello.protocolMin} to ${hello.protocolMax}, this orchestrator ${PROTOCOL_MIN} to ${PROTOCOL_MAX}. Upgrade the ${hello.protocolMax < PROTOCOL_MIN ? 'agent' : 'orchestrator'}.`,
    };
  }
  const smaller = (theirs: number, ours: number): number => (theirs > 0 ? Math.min(theirs, ours) : ours);
  return {
    terms: {
      protocol,
      credit: smaller(hello.credit, LIMITS.credit),
      maxMessageBytes: smaller(hello.maxMessageBytes, LIMITS.maxMessageBytes),
      capabilities: new Set(hello.capabilities),
    },
  };
}
