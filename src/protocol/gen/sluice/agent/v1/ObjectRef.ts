// Original file: proto/sluice/agent/v1/agent.proto


export interface ObjectRef {
  'apiVersion'?: (string);
  'kind'?: (string);
  'namespace'?: (string);
  'name'?: (string);
  /**
   * Empty: any object of that name.
   */
  'uid'?: (string);
  /**
   * Empty: any version. Refused with PRECONDITION where the object has another.
   */
  'resourceVersion'?: (string);
}

export interface ObjectRef__Output {
  'apiVersion': (string);
  'kind': (string);
  'namespace': (string);
  'name': (string);
  /**
   * Empty: any object of that name.
   */
  'uid': (string);
  /**
   * Empty: any version. Refused with PRECONDITION where the object has another.
   */
  'resourceVersion': (string);
}
