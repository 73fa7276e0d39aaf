// Original file: proto/sluice/agent/v1/agent.proto


export interface Watch {
  'id'?: (string);
  'namespace'?: (string);
  'deployment'?: (string);
  'services'?: (string)[];
  /**
   * Empty: none.
   */
  'split'?: (string);
  'routes'?: (string)[];
  'profiles'?: (string)[];
  'jobs'?: (string)[];
}

export interface Watch__Output {
  'id': (string);
  'namespace': (string);
  'deployment': (string);
  'services': (string)[];
  /**
   * Empty: none.
   */
  'split': (string);
  'routes': (string)[];
  'profiles': (string)[];
  'jobs': (string)[];
}
