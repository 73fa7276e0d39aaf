// Original file: proto/sluice/agent/v1/agent.proto


export interface ReplicaSetRecord {
  'name'?: (string);
  'uid'?: (string);
  'hash'?: (string);
  'ownerUid'?: (string);
  'revision'?: (string);
  'desired'?: (number);
  'replicas'?: (number);
  'ready'?: (number);
  'available'?: (number);
  'createdAt'?: (string);
  'failure'?: (string);
}

export interface ReplicaSetRecord__Output {
  'name': (string);
  'uid': (string);
  'hash': (string);
  'ownerUid': (string);
  'revision': (string);
  'desired': (number);
  'replicas': (number);
  'ready': (number);
  'available': (number);
  'createdAt': (string);
  'failure': (string);
}
