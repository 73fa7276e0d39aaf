// Original file: proto/sluice/agent/v1/agent.proto


export interface Problem {
  'type'?: (string);
  'reason'?: (string);
  'message'?: (string);
}

export interface Problem__Output {
  'type': (string);
  'reason': (string);
  'message': (string);
}
