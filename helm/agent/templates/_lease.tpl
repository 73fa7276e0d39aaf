{{/* Several agents: they elect the one that acts. Empty: there is one. */}}
{{- define "sluice-agent.isElected" -}}
{{- if gt (int .Values.replicaCount) 1 -}}
true
{{- end -}}
{{- end -}}

{{- define "sluice-agent.strategy" -}}
{{- if include "sluice-agent.isElected" . -}}
# One more first, so that there is always one to take over; those who stand by count as ready.
type: RollingUpdate
rollingUpdate:
  maxSurge: 1
  maxUnavailable: 0
{{- else -}}
# One agent per cluster: the newer of two sessions replaces the older, so two pods would take turns.
type: Recreate
{{- end -}}
{{- end -}}

{{- define "sluice-agent.leaseEnv" -}}
{{- if include "sluice-agent.isElected" . -}}
- name: SLUICE_LEASE_NAME
  value: {{ include "sluice-agent.fullname" . }}
- name: SLUICE_LEASE_SECONDS
  value: {{ .Values.lease.seconds | quote }}
- name: SLUICE_NAMESPACE
  valueFrom: { fieldRef: { fieldPath: metadata.namespace } }
- name: SLUICE_POD_NAME
  valueFrom: { fieldRef: { fieldPath: metadata.name } }
{{- end -}}
{{- end -}}

{{/* Given ones win. Else several agents are kept apart where that is possible: by node, then by zone. */}}
{{- define "sluice-agent.spread" -}}
{{- if .Values.topologySpreadConstraints -}}
{{- toYaml .Values.topologySpreadConstraints -}}
{{- else if include "sluice-agent.isElected" . -}}
{{- range $key := list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
- topologyKey: {{ $key }}
  maxSkew: 1
  whenUnsatisfiable: ScheduleAnyway
  labelSelector:
    matchLabels:
      {{- include "sluice-agent.selectorLabels" $ | nindent 6 }}
  matchLabelKeys: [pod-template-hash]
{{- end }}
{{- end -}}
{{- end -}}
