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
  /**
   * The last lines of the container that failed. Empty: none, or not read yet.
   */
  'logTail'?: (string);
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
  /**
   * The last lines of the container that failed. Empty: none, or not read yet.
   */
  'logTail': (string);
}
