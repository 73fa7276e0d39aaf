// Original file: proto/sluice/agent/v1/agent.proto


export interface PodRecord {
  'name'?: (string);
  'uid'?: (string);
  'hash'?: (string);
  'phase'?: (string);
  'ready'?: (boolean);
  'deleting'?: (boolean);
  'restarts'?: (number);
  'reason'?: (string);
  'message'?: (string);
  'failing'?: (boolean);
}

export interface PodRecord__Output {
  'name': (string);
  'uid': (string);
  'hash': (string);
  'phase': (string);
  'ready': (boolean);
  'deleting': (boolean);
  'restarts': (number);
  'reason': (string);
  'message': (string);
  'failing': (boolean);
}
