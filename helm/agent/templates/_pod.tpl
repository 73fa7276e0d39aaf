{{/* What the agent works with: the pod of `helm test` has the same, so that it looks at what the agent has. */}}
{{- define "sluice-agent.env" -}}
{{ include "sluice-agent.credentialEnv" . }}
{{- with .Values.server.address }}
- name: SLUICE_SERVER
  value: {{ . | quote }}
{{- end }}
{{- with .Values.server.name }}
- name: SLUICE_SERVER_NAME
  value: {{ . | quote }}
{{- end }}
- name: SLUICE_ALLOWED_NAMESPACES
  value: {{ join "," .Values.allowedNamespaces | quote }}
- name: SLUICE_RECONNECT_MAX_SECONDS
  value: {{ .Values.connection.reconnectMaxSeconds | quote }}
- name: SLUICE_POLICY_FILE
  value: /etc/sluice/policy/policy.json
- name: SLUICE_HEALTH_ADDRESS
  value: '0.0.0.0:{{ .Values.health.port }}'
- name: SLUICE_LOG_LEVEL
  value: {{ .Values.log.level }}
- name: SLUICE_LOG_FORMAT
  value: {{ .Values.log.format }}
{{- with include "sluice-agent.leaseEnv" . }}
{{- . | nindent 0 }}
{{- end }}
{{- with include "sluice-agent.proxyEnv" . }}
{{- . | trim | nindent 0 }}
{{- end }}
{{- with .Values.extraEnv }}
{{- toYaml . | nindent 0 }}
{{- end }}
{{- end -}}

{{- define "sluice-agent.volumeMounts" -}}
{{- with include "sluice-agent.credentialMount" . }}
{{- . | nindent 0 }}
{{- end }}
- name: policy
  mountPath: /etc/sluice/policy
  readOnly: true
- name: tmp
  mountPath: /tmp
{{- with .Values.extraVolumeMounts }}
{{- toYaml . | nindent 0 }}
{{- end }}
{{- end -}}

{{- define "sluice-agent.volumes" -}}
{{- with include "sluice-agent.credentialVolume" . }}
{{- . | nindent 0 }}
{{- end }}
- name: policy
  configMap:
    name: {{ include "sluice-agent.fullname" . }}-policy
- name: tmp
  emptyDir:
    sizeLimit: 16Mi
{{- with .Values.extraVolumes }}
{{- toYaml . | nindent 0 }}
{{- end }}
{{- end -}}
