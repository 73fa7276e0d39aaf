// Original file: proto/sluice/agent/v1/agent.proto


export interface AccessRule {
  'group'?: (string);
  'resource'?: (string);
  'verb'?: (string);
}

export interface AccessRule__Output {
  'group': (string);
  'resource': (string);
  'verb': (string);
}
