/** Changes what running app pods do. */
import type { RunningCluster } from '../cluster.ts';

/** What can be changed while the app runs; what is left out stays. */
export interface AppSettings {
  /** What it answers as. */
  version?: string;
  /** The exact part of requests answered with 500, 0 to 1. */
  errorRate?: number;
  latencyMs?: number;
  /** What the readiness probe gets. */
  ready?: boolean;
  /** What the liveness probe gets. */
  live?: boolean;
  /** End at once with this code, as a crash does. */
  crash?: number;
}

interface PodList {
  items: { metadata: { name: string; deletionTimestamp?: string }; status: { podIP?: string } }[];
}

/**
 * Changes the settings of every pod that the selector (`app=web,version=v2`) matches and returns their names.
 * @throws if none matches, or one refuses
 */
export async function changeApp(
  cluster: RunningCluster,
  namespace: string,
  selector: string,
  settings: AppSettings,
  port = 8080,
): Promise<string[]> {
  const path = `/api/v1/namespaces/${namespace}/pods?labelSelector=${encodeURIComponent(selector)}`;
  const { items } = (await cluster.api.call('GET', path)).body as PodList;
  const pods = items.filter(({ metadata, status }) => metadata.deletionTimestamp === undefined && status.podIP);
  if (pods.length === 0) throw new Error(`No pod in ${namespace} with ${selector}.`);
  const query = Object.entries(settings)
    .map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`)
    .join('&');
  for (const { metadata, status } of pods) {
    const forward = await cluster.forward(`${status.podIP}:${port}`);
    try {
      const response = await fetch(`http://127.0.0.1:${forward.port}/admin?${query}`, { method: 'POST' });
      if (!response.ok) throw new Error(`${metadata.name} refused ${query}: ${await response.text()}`);
    } finally {
      await forward.close();
    }
  }
  return pods.map(({ metadata }) => metadata.name);
}
