/** What a person pastes to install an agent: one line of Helm, or the same as files for a repository. Pure. */

export interface Invitation {
  account: string;
  joinToken: string;
  expiresAt: string;
  /** host:port of the orchestrator, as the agent will look for it. */
  server: string;
  chart: string;
  image: string | null;
}

export interface InstallOptions {
  /** That the agent may work in; undefined: the person has yet to say. */
  namespaces: readonly string[] | undefined;
  chart?: string | undefined;
  image?: string | undefined;
}

/** Where the agent lives; its release carries the same name in every cluster. */
const NAMESPACE = 'sluice';
const RELEASE = 'sluice-agent';
const TOKEN_SECRET = 'sluice-agent-join';
/** What stands where a person has to put something. */
const YOURS = 'YOUR-NAMESPACE';

/** One line: whatever is in it, a shell takes it as it is. */
export function installLine(invitation: Invitation, options: InstallOptions): string {
  const { chart, image, namespaces } = chosen(invitation, options);
  const sets = [
    `enrol.token=${invitation.joinToken}`,
    `allowedNamespaces={${namespaces.join(',')}}`,
    ...(image === null ? [] : [`image.repository=${image}`]),
  ];
  const words = ['helm', 'install', RELEASE, chart, '--namespace', NAMESPACE, '--create-namespace'];
  return [...words, ...sets.flatMap((set) => ['--set', set])].map(quoted).join(' ');
}

/** Values for a repository; the token is not in them. */
export function valuesFile(invitation: Invitation, options: InstallOptions): string {
  const { image, namespaces } = chosen(invitation, options);
  const lines = [
    `# The agent of ${invitation.account}, for the chart ${chosen(invitation, options).chart}. Nothing here is secret.`,
    `allowedNamespaces: ${JSON.stringify(namespaces)}`,
    'enrol:',
    '  # A Secret in the namespace of the release. It is read once; after that the agent renews its credential itself.',
    `  existingSecret: ${TOKEN_SECRET}`,
    '  key: token',
    ...(image === null ? [] : ['image:', `  repository: ${JSON.stringify(image)}`]),
  ];
  return `${lines.join('\n')}\n`;
}

/** The Secret that the values name. */
export function tokenManifest({ account, joinToken, expiresAt }: Invitation): string {
  return `# The join token of ${account}: counts once, until ${expiresAt}. Seal it, or apply it by hand; do not commit it as it is.
apiVersion: v1
kind: Secret
metadata:
  name: ${TOKEN_SECRET}
  namespace: ${NAMESPACE}
stringData:
  token: ${joinToken}
`;
}

/** `values.yaml` -> `values-join-token.yaml` */
export function manifestPathOf(valuesPath: string): string {
  const [, stem = valuesPath, ending = '.yaml'] = /^(.*?)(\.ya?ml)?$/.exec(valuesPath) ?? [];
  return `${stem}-join-token${ending}`;
}

/** @returns what is wrong with an address that a pod is to dial; undefined: nothing that can be seen from here. */
export function addressDoubt(server: string): string | undefined {
  const host = server.replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
  const remedy =
    'Start the orchestrator with --agents-public HOST:PORT, as the cluster reaches it, and add the agent again.';
  if (host === '0.0.0.0' || host === '::')
    return `${server} is every address of the orchestrator and none to dial. ${remedy}`;
  const isLoopback = host === 'localhost' || host === '::1' || host.startsWith('127.');
  return isLoopback ? `${server} is reached from the orchestrator's own machine alone. ${remedy}` : undefined;
}

function chosen({ chart, image }: Invitation, options: InstallOptions) {
  return {
    chart: options.chart ?? chart,
    image: options.image ?? image,
    namespaces: options.namespaces ?? [YOURS],
  };
}

function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
