// Original file: proto/sluice/agent/v1/agent.proto


export interface List {
  'apiVersion'?: (string);
  'objectKind'?: (string);
  'namespace'?: (string);
  'labelSelector'?: (string);
}

export interface List__Output {
  'apiVersion': (string);
  'objectKind': (string);
  'namespace': (string);
  'labelSelector': (string);
}
