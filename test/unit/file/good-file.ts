/** A deployment file with something of everything, for tests that damage it. */

import { showProblem } from '../../../src/orchestrator/file/problem.ts';
import { readDeploymentFile } from '../../../src/orchestrator/file/read-deployment-file.ts';

export const app = `apiVersion: apps/v1
kind: Deployment
metadata: { name: web, namespace: elsewhere }
spec: { selector: { matchLabels: { app: web } }, template: { metadata: { labels: { app: web } } } }
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec: { selector: { app: web }, ports: [{ port: 80 }] }
`;
const job = 'apiVersion: batch/v1\nkind: Job\nmetadata: { name: smoke }\nspec: {}\n';

export const good = `version: v1
kind: kubernetes
application: shop
targets:
  staging:
    account: east
    namespace: shop
    strategy: careful
  production:
    account: west
    namespace: shop
    strategy: careful
    constraints: { dependsOn: [staging] }
manifests:
  - path: manifests
strategies:
  careful:
    canary:
      steps:
        - setWeight: { weight: 0.1 }
        - pause: { duration: 5, unit: Minutes }
        - pause: { untilApproved: true, requiresRoles: [owner], approvalExpiration: { duration: 1, unit: hours } }
        - analysis: { queries: [errors], interval: 30, units: seconds, numberOfJudgmentRuns: 3 }
        - runJob: { path: jobs/smoke.yaml, timeout: { duration: 2, unit: minutes } }
analysis:
  defaultMetricProviderName: prom
  queries:
    - { name: errors, queryTemplate: 'sum(x)', upperLimit: 1 }
trafficManagement:
  - smi:
      - rootServiceName: web
guard:
  lostContact: { after: 90s, do: Hold }
  minReady: 50%
`;
export const files = { 'manifests/app.yaml': app, 'manifests/notes.txt': 'no', 'jobs/smoke.yaml': job };

/** As `sluice validate` shows them. */
export function problems(text: string, own: Record<string, string> = files): string[] {
  const read = readDeploymentFile(text, 'deploy.yaml', own);
  return read.ok ? [] : read.problems.map(showProblem);
}

/** The good file with each text replaced by the next. */
export function edited(...edits: [from: string | RegExp, to: string][]): string {
  return edits.reduce((text, [from, to]) => {
    const next = text.replace(from, to);
    if (next === text) throw new Error(`the good file has no ${String(from)}`);
    return next;
  }, good);
}
