/** What people type, for each command's help. A test reads them as the command line would. */

export const EXAMPLES: Record<string, readonly string[]> = {
  'sluice validate': ['sluice validate -f deploy.yaml'],
  'sluice deploy': [
    'sluice deploy -f deploy.yaml --watch',
    'sluice deploy -f deploy.yaml -n shop --add-context version=1.4.2,team=web',
  ],
  'sluice status': ['sluice status', 'sluice status shop', 'sluice status dep_01 -o json'],
  'sluice watch': ['sluice watch shop', 'sluice watch dep_01 --exit-when-stalled'],
  'sluice approve': ['sluice approve shop', 'sluice approve dep_01 --target staging'],
  'sluice abort': ["sluice abort shop --reason 'errors at the checkout'"],
  'sluice agents': ['sluice agents', 'sluice agents add east', 'sluice agents revoke east'],
  'sluice agents add': [
    'sluice agents add east --namespaces shop,payments',
    'sluice agents add east --namespaces shop --values east.yaml',
    'sluice agents add east --out credential.json',
  ],
  'sluice agents token': ['sluice agents token east --out credential.json', 'sluice agents token east --revoke-old'],
  'sluice ca': ['sluice ca', 'sluice ca rotate', 'sluice ca rotate --finish'],
  'sluice ca rotate': ['sluice ca rotate', 'sluice ca rotate --finish'],
  'sluice agents revoke': ['sluice agents revoke east'],
  'sluice tokens': ['sluice tokens', 'sluice tokens add ci-shop --role deployer'],
  'sluice tokens add': [
    'sluice tokens add ci-shop --role deployer --application shop --expires 90d',
    'sluice tokens add mary --role approver',
  ],
  'sluice tokens revoke': ['sluice tokens revoke ci-shop'],
  'sluice audit': ['sluice audit', 'sluice audit --since 30d -o json'],
  'sluice up': ['sluice up', 'sluice up --address 192.168.1.20:8443 --agent kind --namespaces shop,payments'],
  'sluice orchestrator': [
    'sluice orchestrator',
    'sluice orchestrator --agents 0.0.0.0:8443 --agents-public sluice.example.com:8443',
    'sluice orchestrator --metric-provider prometheus=http://prometheus:9090',
  ],
  'sluice orchestrator doctor': [
    'sluice orchestrator doctor',
    'sluice orchestrator doctor --data-dir /var/lib/sluice -o json',
  ],
  'sluice agent': ['sluice agent --credential east.json --kubeconfig ~/.kube/config --namespaces shop'],
  'sluice agent doctor': ['sluice agent doctor --credential east.json --kubeconfig ~/.kube/config --namespaces shop'],
  'sluice doctor': ['sluice doctor', 'sluice doctor --server https://sluice.example.com --ca ca.crt -o json'],
};

/** @param path `sluice agents add`. @returns nothing where there are none. */
export function examplesOf(path: string): string {
  const lines = EXAMPLES[path];
  if (lines === undefined) return '';
  return `\n${lines.length === 1 ? 'Example' : 'Examples'}:\n${lines.map((line) => `  ${line}`).join('\n')}`;
}
