// Original file: proto/sluice/agent/v1/agent.proto


export interface List {
  'apiVersion'?: (string);
  'objectKind'?: (string);
  'namespace'?: (string);
  'labelSelector'?: (string);
  /**
   * Dotted paths to keep beside the object's name, namespace, uid and version: `spec.containers`. Empty: everything.
   */
  'fields'?: (string)[];
}

export interface List__Output {
  'apiVersion': (string);
  'objectKind': (string);
  'namespace': (string);
  'labelSelector': (string);
  /**
   * Dotted paths to keep beside the object's name, namespace, uid and version: `spec.containers`. Empty: everything.
   */
  'fields': (string)[];
}
