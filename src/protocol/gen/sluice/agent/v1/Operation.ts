// Original file: proto/sluice/agent/v1/agent.proto

import type { Apply as _sluice_agent_v1_Apply, Apply__Output as _sluice_agent_v1_Apply__Output } from '../../../sluice/agent/v1/Apply.ts';
import type { Patch as _sluice_agent_v1_Patch, Patch__Output as _sluice_agent_v1_Patch__Output } from '../../../sluice/agent/v1/Patch.ts';
import type { Scale as _sluice_agent_v1_Scale, Scale__Output as _sluice_agent_v1_Scale__Output } from '../../../sluice/agent/v1/Scale.ts';
import type { Delete as _sluice_agent_v1_Delete, Delete__Output as _sluice_agent_v1_Delete__Output } from '../../../sluice/agent/v1/Delete.ts';
import type { Get as _sluice_agent_v1_Get, Get__Output as _sluice_agent_v1_Get__Output } from '../../../sluice/agent/v1/Get.ts';
import type { List as _sluice_agent_v1_List, List__Output as _sluice_agent_v1_List__Output } from '../../../sluice/agent/v1/List.ts';
import type { Discover as _sluice_agent_v1_Discover, Discover__Output as _sluice_agent_v1_Discover__Output } from '../../../sluice/agent/v1/Discover.ts';
import type { ReviewAccess as _sluice_agent_v1_ReviewAccess, ReviewAccess__Output as _sluice_agent_v1_ReviewAccess__Output } from '../../../sluice/agent/v1/ReviewAccess.ts';
import type { Logs as _sluice_agent_v1_Logs, Logs__Output as _sluice_agent_v1_Logs__Output } from '../../../sluice/agent/v1/Logs.ts';
import type { Http as _sluice_agent_v1_Http, Http__Output as _sluice_agent_v1_Http__Output } from '../../../sluice/agent/v1/Http.ts';
import type { Scrape as _sluice_agent_v1_Scrape, Scrape__Output as _sluice_agent_v1_Scrape__Output } from '../../../sluice/agent/v1/Scrape.ts';
import type { Guard as _sluice_agent_v1_Guard, Guard__Output as _sluice_agent_v1_Guard__Output } from '../../../sluice/agent/v1/Guard.ts';
import type { Long } from '@grpc/proto-loader';

/**
 * Hub, when a run asks for it, and again in a later session while no result is stored. The id makes it the same deed.
 */
export interface Operation {
  'id'?: (string);
  'deploymentId'?: (string);
  /**
   * The target's namespace; every object of the spec lies in it.
   */
  'namespace'?: (string);
  'epoch'?: (number | string | Long);
  /**
   * Milliseconds since the epoch, hub's clock: not started after it.
   */
  'notAfterMs'?: (number | string | Long);
  /**
   * Rises with every operation an orchestrator ever asked for, and belongs to this one alone. It is written on the object in
   * the same write, so that an agent that was restarted knows its own deeds: equal, it is done; greater, this one is too old.
   * 0: an orchestrator of protocol 1.
   */
  'generation'?: (number | string | Long);
  /**
   * It was sent before: look at the object before doing it again.
   */
  'redelivered'?: (boolean);
  /**
   * It may write what a guard that has fired holds: a rollback.
   */
  'afterGuard'?: (boolean);
  'apply'?: (_sluice_agent_v1_Apply | null);
  'patch'?: (_sluice_agent_v1_Patch | null);
  'scale'?: (_sluice_agent_v1_Scale | null);
  'delete'?: (_sluice_agent_v1_Delete | null);
  'get'?: (_sluice_agent_v1_Get | null);
  'list'?: (_sluice_agent_v1_List | null);
  'discover'?: (_sluice_agent_v1_Discover | null);
  'reviewAccess'?: (_sluice_agent_v1_ReviewAccess | null);
  'logs'?: (_sluice_agent_v1_Logs | null);
  'http'?: (_sluice_agent_v1_Http | null);
  'scrape'?: (_sluice_agent_v1_Scrape | null);
  'guard'?: (_sluice_agent_v1_Guard | null);
  'spec'?: "apply"|"patch"|"scale"|"delete"|"get"|"list"|"discover"|"reviewAccess"|"logs"|"http"|"scrape"|"guard";
}

/**
 * Hub, when a run asks for it, and again in a later session while no result is stored. The id makes it the same deed.
 */
export interface Operation__Output {
  'id': (string);
  'deploymentId': (string);
  /**
   * The target's namespace; every object of the spec lies in it.
   */
  'namespace': (string);
  'epoch': (number);
  /**
   * Milliseconds since the epoch, hub's clock: not started after it.
   */
  'notAfterMs': (number);
  /**
   * Rises with every operation an orchestrator ever asked for, and belongs to this one alone. It is written on the object in
   * the same write, so that an agent that was restarted knows its own deeds: equal, it is done; greater, this one is too old.
   * 0: an orchestrator of protocol 1.
   */
  'generation': (number);
  /**
   * It was sent before: look at the object before doing it again.
   */
  'redelivered': (boolean);
  /**
   * It may write what a guard that has fired holds: a rollback.
   */
  'afterGuard': (boolean);
  'apply'?: (_sluice_agent_v1_Apply__Output | null);
  'patch'?: (_sluice_agent_v1_Patch__Output | null);
  'scale'?: (_sluice_agent_v1_Scale__Output | null);
  'delete'?: (_sluice_agent_v1_Delete__Output | null);
  'get'?: (_sluice_agent_v1_Get__Output | null);
  'list'?: (_sluice_agent_v1_List__Output | null);
  'discover'?: (_sluice_agent_v1_Discover__Output | null);
  'reviewAccess'?: (_sluice_agent_v1_ReviewAccess__Output | null);
  'logs'?: (_sluice_agent_v1_Logs__Output | null);
  'http'?: (_sluice_agent_v1_Http__Output | null);
  'scrape'?: (_sluice_agent_v1_Scrape__Output | null);
  'guard'?: (_sluice_agent_v1_Guard__Output | null);
  'spec'?: "apply"|"patch"|"scale"|"delete"|"get"|"list"|"discover"|"reviewAccess"|"logs"|"http"|"scrape"|"guard";
}
