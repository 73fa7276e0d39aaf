// Original file: proto/sluice/agent/v1/agent.proto


export interface WeightRecord {
  'backend'?: (string);
  /**
   * -1: the stored value is no number. SMI v1alpha1 quantities may be fractions.
   */
  'weight'?: (number | string);
}

export interface WeightRecord__Output {
  'backend': (string);
  /**
   * -1: the stored value is no number. SMI v1alpha1 quantities may be fractions.
   */
  'weight': (number);
}
