{{/* The agent enrols, and keeps its credential itself, unless it is given one that lasts. Empty: it is given one. */}}
{{- define "sluice-agent.enrols" -}}
{{- if not .Values.credential.existingSecret -}}
true
{{- end -}}
{{- end -}}

{{- define "sluice-agent.credentialSecret" -}}
{{- default (printf "%s-credential" (include "sluice-agent.fullname" .)) .Values.enrol.secretName -}}
{{- end -}}

{{/* Empty: there is no join token, as after the first start. */}}
{{- define "sluice-agent.joinSecret" -}}
{{- if .Values.enrol.existingSecret -}}
{{- .Values.enrol.existingSecret -}}
{{- else if .Values.enrol.token -}}
{{- printf "%s-join" (include "sluice-agent.fullname" .) -}}
{{- end -}}
{{- end -}}

{{- define "sluice-agent.joinKey" -}}
{{- if .Values.enrol.existingSecret -}}{{ .Values.enrol.key }}{{- else -}}token{{- end -}}
{{- end -}}

{{- define "sluice-agent.credentialEnv" -}}
{{- if include "sluice-agent.enrols" . -}}
- name: SLUICE_CREDENTIAL_SECRET
  value: {{ include "sluice-agent.credentialSecret" . }}
{{- if include "sluice-agent.joinSecret" . }}
- name: SLUICE_JOIN_TOKEN_FILE
  value: /etc/sluice/join/{{ include "sluice-agent.joinKey" . }}
{{- end }}
{{- if not (include "sluice-agent.isElected" .) }}
- name: SLUICE_NAMESPACE
  valueFrom: { fieldRef: { fieldPath: metadata.namespace } }
{{- end }}
{{- else -}}
- name: SLUICE_CREDENTIAL_FILE
  value: /etc/sluice/credential/{{ .Values.credential.key }}
{{- end -}}
{{- end -}}

{{- define "sluice-agent.credentialMount" -}}
{{- if not (include "sluice-agent.enrols" .) -}}
- name: credential
  mountPath: /etc/sluice/credential
  readOnly: true
{{- else if include "sluice-agent.joinSecret" . -}}
- name: join
  mountPath: /etc/sluice/join
  readOnly: true
{{- end -}}
{{- end -}}

{{- define "sluice-agent.credentialVolume" -}}
{{- if not (include "sluice-agent.enrols" .) -}}
- name: credential
  secret:
    secretName: {{ .Values.credential.existingSecret }}
    defaultMode: 0440
{{- else if include "sluice-agent.joinSecret" . -}}
- name: join
  secret:
    secretName: {{ include "sluice-agent.joinSecret" . }}
    defaultMode: 0440
    # Used once: it may be deleted when the agent has enrolled.
    optional: true
{{- end -}}
{{- end -}}
