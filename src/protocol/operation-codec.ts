/** Operations between their domain form and the wire's. */

import { SluiceError } from '../shared/errors.ts';
import type { KubeObject, ObjectRef } from './kube-object.ts';
import type { DeleteSpec, GuardSpec, Operation, OperationKind, OperationSpec, PatchSpec } from './operation.ts';
import type { Guard, Guard__Output } from './gen/sluice/agent/v1/Guard.ts';
import type { ObjectRef__Output } from './gen/sluice/agent/v1/ObjectRef.ts';
import type { Operation as WireOperation, Operation__Output } from './gen/sluice/agent/v1/Operation.ts';
import type { PatchType } from './gen/sluice/agent/v1/PatchType.ts';
import type { Propagation } from './gen/sluice/agent/v1/Propagation.ts';

/** Every kind there is; also the capability strings of `Hello`. */
export const OPERATION_KINDS: readonly OperationKind[] = [
  'apply',
  'patch',
  'scale',
  'delete',
  'get',
  'list',
  'discover',
  'reviewAccess',
  'logs',
  'http',
  'scrape',
  'guard',
];

const PATCH_TYPES: Record<PatchSpec['type'], PatchType> = { merge: 'MERGE', strategic: 'STRATEGIC', json: 'JSON' };
const PROPAGATIONS: Record<DeleteSpec['propagation'], Propagation> = {
  background: 'BACKGROUND',
  foreground: 'FOREGROUND',
  orphan: 'ORPHAN',
};

/**
 * @param epoch of the session that sends it.
 * @param redelivered it was sent before: the agent, which may have forgotten, is to look before it does it again.
 */
export function encodeOperation(operation: Operation, epoch: number, redelivered: boolean): WireOperation {
  const { id, deploymentId, namespace, notAfterMs, generation = 0, afterGuard = false, spec } = operation;
  return { id, deploymentId, namespace, epoch, notAfterMs, generation, redelivered, afterGuard, ...encodeSpec(spec) };
}

export interface DecodedOperation {
  operation: Operation;
  epoch: number;
  redelivered: boolean;
}

/** @throws SluiceError UNSUPPORTED (a kind or value of a newer hub) or INVALID (no JSON where JSON belongs). */
export function decodeOperation(wire: Operation__Output): DecodedOperation {
  const { id, deploymentId, namespace, epoch, notAfterMs, generation, afterGuard, redelivered } = wire;
  const operation: Operation = { id, deploymentId, namespace, notAfterMs, spec: decodeSpec(wire) };
  if (generation > 0) operation.generation = generation;
  if (afterGuard) operation.afterGuard = true;
  return { operation, epoch, redelivered };
}

function encodeSpec(spec: OperationSpec): Partial<WireOperation> {
  switch (spec.kind) {
    case 'apply': {
      const { objects, dryRun = false, force = false } = spec;
      return { spec: 'apply', apply: { objects: objects.map(encodeJson), dryRun, force } };
    }
    case 'patch': {
      const { object, type, body, resourceVersion = '', forget = false } = spec;
      const patch = { object, type: PATCH_TYPES[type], body: encodeJson(body), resourceVersion, forget };
      return { spec: 'patch', patch };
    }
    case 'scale':
      return { spec: 'scale', scale: { object: spec.object, replicas: spec.replicas } };
    case 'delete': {
      const { object, propagation, waitGone = false } = spec;
      return { spec: 'delete', delete: { object, propagation: PROPAGATIONS[propagation], waitGone } };
    }
    case 'get':
      return { spec: 'get', get: { object: spec.object } };
    case 'list': {
      const { kind: _kind, ...list } = spec;
      return { spec: 'list', list };
    }
    case 'discover':
      return { spec: 'discover', discover: { groups: spec.groups } };
    case 'reviewAccess':
      return { spec: 'reviewAccess', reviewAccess: { namespace: spec.namespace, rules: spec.rules } };
    case 'logs': {
      const { kind: _kind, ...logs } = spec;
      return { spec: 'logs', logs };
    }
    case 'http': {
      const { kind: _kind, body, ...http } = spec;
      return { spec: 'http', http: { ...http, ...(body !== undefined && { body: Buffer.from(body, 'utf8') }) } };
    }
    case 'scrape': {
      const { kind: _kind, ...scrape } = spec;
      return { spec: 'scrape', scrape };
    }
    case 'guard':
      return { spec: 'guard', guard: encodeGuard(spec) };
  }
}

function encodeGuard(spec: GuardSpec): Guard {
  const { kind: _kind, writes, lostContact, ...guard } = spec;
  return {
    ...guard,
    writes: writes.map(({ object, body }) => ({ object, body: encodeJson(body) })),
    ...(lostContact && {
      lostContactAfterMs: lostContact.afterMs,
      lostContact: lostContact.do === 'hold' ? 'HOLD' : 'ROLL_BACK',
    }),
  };
}

function decodeGuard(wire: Guard__Output): GuardSpec {
  const { holder, writes, lostContact, lostContactAfterMs, ...guard } = wire;
  return {
    kind: 'guard',
    ...guard,
    holder: decodeRef(holder),
    writes: writes.map(({ object, body }) => ({ object: decodeRef(object), body: decodeJson(body) })),
    ...(lostContactAfterMs > 0 && {
      lostContact: { afterMs: lostContactAfterMs, do: lostContact === 'HOLD' ? 'hold' : 'rollback' },
    }),
  };
}

function decodeSpec(wire: Operation__Output): OperationSpec {
  if (wire.apply) {
    const { objects, dryRun, force } = wire.apply;
    return { kind: 'apply', objects: objects.map((object) => decodeJson(object) as KubeObject), dryRun, force };
  }
  if (wire.patch) {
    const { object, type, body, resourceVersion, forget } = wire.patch;
    return {
      kind: 'patch',
      object: decodeRef(object),
      type: keyOf(PATCH_TYPES, type),
      body: decodeJson(body),
      ...(resourceVersion && { resourceVersion }),
      ...(forget && { forget }),
    };
  }
  if (wire.scale) return { kind: 'scale', object: decodeRef(wire.scale.object), replicas: wire.scale.replicas };
  if (wire.delete) {
    const { object, propagation, waitGone } = wire.delete;
    return { kind: 'delete', object: decodeRef(object), propagation: keyOf(PROPAGATIONS, propagation), waitGone };
  }
  if (wire.get) return { kind: 'get', object: decodeRef(wire.get.object) };
  if (wire.list) {
    const { labelSelector, fields, ...list } = wire.list;
    return {
      kind: 'list',
      ...list,
      ...(labelSelector && { labelSelector }),
      ...(fields.length > 0 && { fields }),
    };
  }
  if (wire.discover) return { kind: 'discover', groups: wire.discover.groups };
  if (wire.reviewAccess) return { kind: 'reviewAccess', ...wire.reviewAccess };
  if (wire.logs) return { kind: 'logs', ...wire.logs };
  if (wire.http) {
    const { body, maxBytes, ...http } = wire.http;
    return {
      kind: 'http',
      ...http,
      ...(body.length > 0 && { body: body.toString('utf8') }),
      ...(maxBytes > 0 && { maxBytes }),
    };
  }
  if (wire.scrape) return { kind: 'scrape', ...wire.scrape };
  if (wire.guard) return decodeGuard(wire.guard);
  throw new SluiceError(
    'UNSUPPORTED',
    `Operation ${wire.id} is of a kind that this side does not know. Upgrade the older of agent and orchestrator.`,
  );
}

function decodeRef(wire: ObjectRef__Output | null): ObjectRef {
  if (wire === null) throw new SluiceError('INVALID', 'The operation names no object. This is a fault of the sender.');
  const { apiVersion, kind, namespace, name, uid, resourceVersion } = wire;
  return {
    apiVersion,
    kind,
    name,
    ...(namespace && { namespace }),
    ...(uid && { uid }),
    ...(resourceVersion && { resourceVersion }),
  };
}

function keyOf<K extends string, V>(table: Record<K, V>, value: V): K {
  const found = Object.entries(table).find(([, each]) => each === value);
  if (found === undefined) {
    throw new SluiceError('UNSUPPORTED', `Value ${String(value)} is not known to this side. Upgrade it.`);
  }
  return found[0] as K;
}

/** JSON as bytes; what JSON has no word for (undefined) becomes null. */
export function encodeJson(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value ?? null), 'utf8');
}

/** @throws SluiceError INVALID */
export function decodeJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
  } catch (cause) {
    throw new SluiceError('INVALID', 'A field that holds JSON does not parse. This is a fault of the sender.', {
      cause,
    });
  }
}
