// Original file: proto/sluice/agent/v1/agent.proto


export interface Discover {
  'groups'?: (string)[];
}

export interface Discover__Output {
  'groups': (string)[];
}
