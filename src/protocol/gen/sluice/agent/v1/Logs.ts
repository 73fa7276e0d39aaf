// Original file: proto/sluice/agent/v1/agent.proto


export interface Logs {
  'namespace'?: (string);
  'labelSelector'?: (string);
  'tailLines'?: (number);
}

export interface Logs__Output {
  'namespace': (string);
  'labelSelector': (string);
  'tailLines': (number);
}
