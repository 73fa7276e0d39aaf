/** How an agent is turned away. */

export const REFUSAL_CODES = ['VERSION', 'FENCED', 'RETRY', 'UNAUTHENTICATED', 'LIMIT'] as const;

export interface Refusal {
  code: (typeof REFUSAL_CODES)[number];
  message: string;
  /** 0: the agent's own schedule. */
  retryAfterMs: number;
}
