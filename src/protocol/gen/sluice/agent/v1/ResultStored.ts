// Original file: proto/sluice/agent/v1/agent.proto


/**
 * Hub, after it has stored terminal statuses: the agent forgets them.
 */
export interface ResultStored {
  'ids'?: (string)[];
}

/**
 * Hub, after it has stored terminal statuses: the agent forgets them.
 */
export interface ResultStored__Output {
  'ids': (string)[];
}
