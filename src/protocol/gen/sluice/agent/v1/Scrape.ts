// Original file: proto/sluice/agent/v1/agent.proto


/**
 * What the pods' own metrics port says, straight from each ready pod.
 */
export interface Scrape {
  'namespace'?: (string);
  'labelSelector'?: (string);
  'port'?: (number);
  'path'?: (string);
  /**
   * Names of the metrics to keep; the rest stays in the cluster.
   */
  'metrics'?: (string)[];
}

/**
 * What the pods' own metrics port says, straight from each ready pod.
 */
export interface Scrape__Output {
  'namespace': (string);
  'labelSelector': (string);
  'port': (number);
  'path': (string);
  /**
   * Names of the metrics to keep; the rest stays in the cluster.
   */
  'metrics': (string)[];
}
