// Original file: proto/sluice/agent/v1/agent.proto

import type { OpenOperation as _sluice_agent_v1_OpenOperation, OpenOperation__Output as _sluice_agent_v1_OpenOperation__Output } from '../../../sluice/agent/v1/OpenOperation.ts';
import type { MissingRights as _sluice_agent_v1_MissingRights, MissingRights__Output as _sluice_agent_v1_MissingRights__Output } from '../../../sluice/agent/v1/MissingRights.ts';
import type { Long } from '@grpc/proto-loader';

/**
 * Agent, first message of every session: what it is and what it still holds, so that the hub needs no memory of older sessions.
 */
export interface Hello {
  /**
   * The agent's process (pod uid, or a random one): tells two speakers with one credential apart. Not an identity.
   */
  'instanceId'?: (string);
  /**
   * The protocol versions the agent speaks; the hub picks one in Welcome or answers Refused.
   */
  'protocolMin'?: (number);
  'protocolMax'?: (number);
  /**
   * What it can do: operation kinds ("apply", ...) and features ("snapshot"). The hub sends nothing that is not named.
   */
  'capabilities'?: (string)[];
  /**
   * Release names, for people. Nothing is decided by them.
   */
  'agentVersion'?: (string);
  'kubernetesVersion'?: (string);
  /**
   * The highest epoch it has seen, 0 before the first session. A hub with a lower one is stale.
   */
  'lastEpoch'?: (number | string | Long);
  /**
   * Operations it has received whose result the hub has not said to have stored: running, or ended and not acknowledged.
   * The results of the ended ones follow unasked; the hub sends again what it expects here and does not find.
   */
  'openOperations'?: (_sluice_agent_v1_OpenOperation)[];
  /**
   * Watch id -> version of the newest snapshot made for it.
   */
  'watchVersions'?: ({[key: string]: number | string | Long});
  /**
   * The largest message it takes in one piece.
   */
  'maxMessageBytes'?: (number);
  /**
   * How many operations it takes at once (sent and without a terminal status).
   */
  'credit'?: (number);
  /**
   * Namespaces its policy lets it touch. The hub can tell a person early; the agent checks again at each operation.
   */
  'allowedNamespaces'?: (string)[];
  /**
   * Of the rights that a canary takes, those that the API server did not grant it when it last asked; for people. Only where
   * rights_reviewed: else it could not ask, or is older than this.
   */
  'rightsReviewed'?: (boolean);
  'missingRights'?: (_sluice_agent_v1_MissingRights)[];
}

/**
 * Agent, first message of every session: what it is and what it still holds, so that the hub needs no memory of older sessions.
 */
export interface Hello__Output {
  /**
   * The agent's process (pod uid, or a random one): tells two speakers with one credential apart. Not an identity.
   */
  'instanceId': (string);
  /**
   * The protocol versions the agent speaks; the hub picks one in Welcome or answers Refused.
   */
  'protocolMin': (number);
  'protocolMax': (number);
  /**
   * What it can do: operation kinds ("apply", ...) and features ("snapshot"). The hub sends nothing that is not named.
   */
  'capabilities': (string)[];
  /**
   * Release names, for people. Nothing is decided by them.
   */
  'agentVersion': (string);
  'kubernetesVersion': (string);
  /**
   * The highest epoch it has seen, 0 before the first session. A hub with a lower one is stale.
   */
  'lastEpoch': (number);
  /**
   * Operations it has received whose result the hub has not said to have stored: running, or ended and not acknowledged.
   * The results of the ended ones follow unasked; the hub sends again what it expects here and does not find.
   */
  'openOperations': (_sluice_agent_v1_OpenOperation__Output)[];
  /**
   * Watch id -> version of the newest snapshot made for it.
   */
  'watchVersions': ({[key: string]: number});
  /**
   * The largest message it takes in one piece.
   */
  'maxMessageBytes': (number);
  /**
   * How many operations it takes at once (sent and without a terminal status).
   */
  'credit': (number);
  /**
   * Namespaces its policy lets it touch. The hub can tell a person early; the agent checks again at each operation.
   */
  'allowedNamespaces': (string)[];
  /**
   * Of the rights that a canary takes, those that the API server did not grant it when it last asked; for people. Only where
   * rights_reviewed: else it could not ask, or is older than this.
   */
  'rightsReviewed': (boolean);
  'missingRights': (_sluice_agent_v1_MissingRights__Output)[];
}
