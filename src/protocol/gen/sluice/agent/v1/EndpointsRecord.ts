// Original file: proto/sluice/agent/v1/agent.proto


export interface EndpointsRecord {
  'service'?: (string);
  'exists'?: (boolean);
  'ready'?: (string)[];
  'notReady'?: (string)[];
}

export interface EndpointsRecord__Output {
  'service': (string);
  'exists': (boolean);
  'ready': (string)[];
  'notReady': (string)[];
}
