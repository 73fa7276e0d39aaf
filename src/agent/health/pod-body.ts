/** The parts of a pod that say how it is. */

export interface Terminated {
  containerID?: string;
  exitCode?: number;
  signal?: number;
  reason?: string;
  message?: string;
}

interface ContainerStatus {
  name: string;
  ready?: boolean;
  started?: boolean;
  restartCount?: number;
  state?: { waiting?: { reason?: string; message?: string }; running?: object; terminated?: Terminated };
  lastState?: { terminated?: Terminated };
}

interface ContainerSpec {
  name: string;
  /** Of an init container: `Always` makes it a sidecar. */
  restartPolicy?: string;
  resources?: { limits?: { memory?: string } };
  readinessProbe?: object;
  livenessProbe?: object;
  startupProbe?: object;
}

interface PodCondition {
  type: string;
  status: string;
  reason?: string;
  message?: string;
}

export interface PodBody {
  spec?: { restartPolicy?: string; containers?: ContainerSpec[]; initContainers?: ContainerSpec[] };
  status?: {
    phase?: string;
    reason?: string;
    message?: string;
    conditions?: PodCondition[];
    containerStatuses?: ContainerStatus[];
    initContainerStatuses?: ContainerStatus[];
  };
}

/** A container as it was asked for and as it is. */
export interface Container {
  /** `container`, `init container` or `sidecar`. */
  role: string;
  /** An end with code 0 is an end that should not be: init containers and Jobs are meant to end. */
  mustRun: boolean;
  spec: ContainerSpec | undefined;
  status: ContainerStatus;
}

/** In the order they start. */
export function containersOf({ spec, status }: PodBody): Container[] {
  const inits = (status?.initContainerStatuses ?? []).map((each): Container => {
    const own = spec?.initContainers?.find(({ name }) => name === each.name);
    const isSidecar = own?.restartPolicy === 'Always';
    return { role: isSidecar ? 'sidecar' : 'init container', mustRun: isSidecar, spec: own, status: each };
  });
  const mustRun = (spec?.restartPolicy ?? 'Always') === 'Always';
  const mains = (status?.containerStatuses ?? []).map((each): Container => {
    return { role: 'container', mustRun, spec: spec?.containers?.find(({ name }) => name === each.name), status: each };
  });
  return [...inits, ...mains];
}

export function conditionOf({ status }: PodBody, type: string): PodCondition | undefined {
  return status?.conditions?.find((each) => each.type === type);
}
