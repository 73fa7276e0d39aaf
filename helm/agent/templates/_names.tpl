{{- define "sluice-agent.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "sluice-agent.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else if contains (include "sluice-agent.name" .) .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "sluice-agent.name" .) | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* A Role's name carries release and namespace of the release: two agents may share an allowed namespace. */}}
{{- define "sluice-agent.roleName" -}}
{{- printf "%s-%s" .Release.Namespace (include "sluice-agent.fullname" .) -}}
{{- end -}}

{{- define "sluice-agent.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "sluice-agent.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "sluice-agent.selectorLabels" -}}
app.kubernetes.io/name: {{ include "sluice-agent.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "sluice-agent.labels" -}}
{{ include "sluice-agent.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "sluice-agent.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{- define "sluice-agent.requireNamespaces" -}}
{{- if not .Values.allowedNamespaces -}}
{{- fail "\n\nallowedNamespaces is empty: the agent would have no right anywhere. List the namespaces it may deploy to, for example\n  --set 'allowedNamespaces={shop,payments}'\n" -}}
{{- end -}}
{{- end -}}
