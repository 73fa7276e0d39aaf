// Original file: proto/sluice/agent/v1/agent.proto


export interface Apply {
  /**
   * JSON, in the order they are applied.
   */
  'objects'?: (Buffer | Uint8Array | string)[];
  'dryRun'?: (boolean);
  'force'?: (boolean);
}

export interface Apply__Output {
  /**
   * JSON, in the order they are applied.
   */
  'objects': (Buffer)[];
  'dryRun': (boolean);
  'force': (boolean);
}
