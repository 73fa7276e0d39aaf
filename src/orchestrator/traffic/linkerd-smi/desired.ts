/** The TrafficSplit, its companions, its backends and the root, as one traffic wants them. Pure. */

import type { KubeObject } from '../../../protocol/kube-object.ts';
import type { Fields, KindName } from '../../../protocol/records.ts';
import { backendService } from '../../plan/backends.ts';
import { weightObjects } from '../../plan/route.ts';
import { sharesOf } from '../../plan/weights.ts';
import { TEMPLATE_HASH } from '../../plan/marks.ts';
import type { Exposure, Traffic, Want } from '../../rollout/model.ts';
import { exposureFields, exposureWants } from '../service-selector.ts';
import type { SmiBinding, SmiFollowers } from './binding.ts';

type Some = Extract<Traffic, { kind: 'some' }>;

export function desiredOf(binding: SmiBinding, traffic: Traffic, followers: SmiFollowers | undefined): Want[] {
  if (traffic.kind === 'none') return nothing(binding);
  const isBare = traffic.part === 'backends' || traffic.part === 'unsplit' || traffic.part === 'unprofiled';
  return [
    ...backends(binding, traffic),
    ...(isBare ? unsplit(binding) : weights(binding, traffic, followers)),
    ...(traffic.part === 'unprofiled' ? unprofiled(binding) : []),
    ...rootWants(binding, traffic.root),
  ];
}

function nothing(binding: SmiBinding): Want[] {
  const { names } = binding;
  const canary = names.ownsCanary
    ? absent('Service', names.canary)
    : present('Service', names.canary, exposureFields(canaryExposed(binding), 'open'));
  return [
    absent('Service', names.stable),
    canary,
    ...unsplit(binding),
    ...unprofiled(binding),
    ...rootWants(binding, 'open'),
  ];
}

/** A profile with weights sends to the backends for as long as it is there, whether linkerd-smi runs or not. */
function unprofiled({ names, hadProfile }: SmiBinding): Want[] {
  return names.profile === undefined || hadProfile ? [] : [absent('ServiceProfile', names.profile)];
}

/** No split: before the first and after the last write of it. */
function unsplit({ names }: SmiBinding): Want[] {
  return [absent('TrafficSplit', names.split), ...names.companions.map(({ name }) => absent('HTTPRoute', name))];
}

function backends(binding: SmiBinding, { stable: meaning, creates }: Some): Want[] {
  const { names, root, stableHash, canaryHash } = binding;
  const own = (role: 'stable' | 'canary', hash: string | undefined): Want => {
    const selector = { ...root.spec.selector, ...(hash === undefined ? {} : { [TEMPLATE_HASH]: hash }) };
    const want: Want = { ...made(backendOf(binding, role, selector), { selector }, true) };
    // As long as the split is there, its traffic needs somewhere to go, on the way back as well.
    return creates ? want : { ...want, where: { kind: 'TrafficSplit', name: names.split } };
  };
  const canary = names.ownsCanary
    ? own('canary', canaryHash)
    : { ...present('Service', names.canary, exposureFields(canaryExposed(binding), 'canary')) };
  const stable = own('stable', { old: stableHash, new: canaryHash, any: undefined }[meaning]);
  return [stable, canary];
}

function backendOf(
  { names, root }: SmiBinding,
  role: 'stable' | 'canary',
  selector: Record<string, string>,
): KubeObject {
  const object = backendService(names, role, root, '');
  return { ...object, spec: { ...(object['spec'] as object), selector } };
}

function weights({ names }: SmiBinding, { canary, creates }: Some, followers: SmiFollowers | undefined): Want[] {
  const shares = sharesOf(canary);
  // Routes that nobody accepted are removed: a client would take them for news of the mesh at any later moment.
  const isRefused = followers !== undefined && !followers.routes;
  return weightObjects(names, shares).map((object) => {
    const isRoute = object.kind === 'HTTPRoute';
    if (isRoute && isRefused) return absent('HTTPRoute', object.metadata.name);
    const [stable, other] = isRoute ? [`0/${names.stable}`, `0/${names.canary}`] : [names.stable, names.canary];
    const fields = { weights: { [stable]: shares.stable, [other]: shares.canary } };
    return { ...made(object, fields, creates), carriesTraffic: true };
  });
}

function rootWants(binding: SmiBinding, to: Exposure): Want[] {
  const { names, root, stableHash, canaryHash } = binding;
  const { rolloutId: rollout } = names;
  return exposureWants(
    { service: names.root, selector: root.spec.selector ?? {}, rollout, stableHash, canaryHash },
    to,
  );
}

function canaryExposed({ names, canarySelector, stableHash, canaryHash }: SmiBinding) {
  const { rolloutId: rollout, canary: service } = names;
  return { service, selector: canarySelector ?? {}, rollout, stableHash, canaryHash };
}

function made(object: KubeObject, fields: Fields, creates: boolean): Want {
  // The objects are made by this driver: of kinds in the agent's table.
  const kind = object.kind as KindName;
  const { name } = object.metadata;
  return creates ? { kind, name, state: 'present', fields, object } : { kind, name, state: 'ifExists', fields };
}

function present(kind: KindName, name: string, fields: Fields): Want {
  return { kind, name, state: 'present', fields };
}

function absent(kind: KindName, name: string): Want {
  return { kind, name, state: 'absent', fields: {} };
}
