/** The words by which trouble is told, as Kubernetes and people who search say them; docs/health.md has a row for each. */

/** Of a pod. Words of the kubelet that are not here are passed on as they are. */
export const POD_REASONS = [
  'CrashLoopBackOff',
  'Error',
  'Completed',
  'OOMKilled',
  'ErrImagePull',
  'ImagePullBackOff',
  'ErrImageNeverPull',
  'InvalidImageName',
  'CreateContainerConfigError',
  'CreateContainerError',
  'RunContainerError',
  'StartError',
  'PostStartHookError',
  'Unschedulable',
  'SchedulingGated',
  'NotReady',
  'ReadinessGatesNotReady',
  'ReadinessProbeFailed',
  'LivenessProbeFailed',
  'StartupProbeFailed',
  'FailedMount',
  'FailedAttachVolume',
  'FailedCreatePodSandBox',
  'Evicted',
  'Preempted',
  'DeadlineExceeded',
  'Terminating',
] as const;

/** Of a ReplicaSet that cannot make its pods: how its record's `failure` begins. */
export const SET_REASONS = [
  'QuotaExceeded',
  'LimitRangeViolated',
  'AdmissionDenied',
  'AdmissionWebhookFailed',
  'ServiceAccountMissing',
  'FailedCreate',
] as const;

export type PodReason = (typeof POD_REASONS)[number];
type SetReason = (typeof SET_REASONS)[number];

/** By the API server's own sentences: they are all the condition holds. First match wins. */
const SET_PATTERNS: readonly [RegExp, SetReason][] = [
  [/exceeded quota:|insufficient quota|failed quota:/, 'QuotaExceeded'],
  [/failed calling (?:\w+ )?webhook|failed to call webhook/, 'AdmissionWebhookFailed'],
  [/(?:maximum|minimum) \S+ usage per |\S+ max limit to request ratio per /, 'LimitRangeViolated'],
  [/service ?account .*not found/i, 'ServiceAccountMissing'],
  [
    /admission webhook .* denied|violates PodSecurity|ValidatingAdmissionPolicy .* denied|is forbidden:/,
    'AdmissionDenied',
  ],
];

/** What kept the pods from being made. @param reason the condition's own, for what is none of the known. Pure. */
export function setReasonOf(reason: string, message: string): string {
  return SET_PATTERNS.find(([pattern]) => pattern.test(message))?.[1] ?? (reason || 'FailedCreate');
}
