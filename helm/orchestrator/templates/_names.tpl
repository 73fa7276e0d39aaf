{{- define "sluice-orchestrator.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* Short enough for a Service's name that adds `-agents` to it. */}}
{{- define "sluice-orchestrator.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 56 | trimSuffix "-" -}}
{{- else if contains (include "sluice-orchestrator.name" .) .Release.Name -}}
{{- .Release.Name | trunc 56 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "sluice-orchestrator.name" .) | trunc 56 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "sluice-orchestrator.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "sluice-orchestrator.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "sluice-orchestrator.selectorLabels" -}}
app.kubernetes.io/name: {{ include "sluice-orchestrator.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "sluice-orchestrator.labels" -}}
{{ include "sluice-orchestrator.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "sluice-orchestrator.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{- define "sluice-orchestrator.claimName" -}}
{{- default (include "sluice-orchestrator.fullname" .) .Values.persistence.existingClaim -}}
{{- end -}}

{{/* host:port as agents dial it. */}}
{{- define "sluice-orchestrator.agentAddress" -}}
{{- $own := printf "%s-agents.%s.svc:%v" (include "sluice-orchestrator.fullname" .) .Release.Namespace .Values.agents.service.port -}}
{{- default $own .Values.agents.publicAddress -}}
{{- end -}}

{{- define "sluice-orchestrator.apiScheme" -}}
{{- ternary "https" "http" .Values.api.tls.enabled -}}
{{- end -}}

{{/* As programs of this cluster reach the API. */}}
{{- define "sluice-orchestrator.apiServiceUrl" -}}
{{- printf "%s://%s.%s.svc:%v" (include "sluice-orchestrator.apiScheme" .) (include "sluice-orchestrator.fullname" .) .Release.Namespace .Values.api.service.port -}}
{{- end -}}

{{- define "sluice-orchestrator.publicUrl" -}}
{{- if .Values.api.publicUrl -}}
{{- .Values.api.publicUrl -}}
{{- else if .Values.api.ingress.enabled -}}
{{- printf "%s://%s" (ternary "https" "http" (or .Values.api.tls.enabled (not (empty .Values.api.ingress.tlsSecret)))) .Values.api.ingress.host -}}
{{- else -}}
{{- include "sluice-orchestrator.apiServiceUrl" . -}}
{{- end -}}
{{- end -}}

{{/* NAME=URL, comma separated. */}}
{{- define "sluice-orchestrator.metricProviders" -}}
{{- $providers := list -}}
{{- range $name, $url := .Values.metricProviders -}}
{{- $providers = append $providers (printf "%s=%s" $name $url) -}}
{{- end -}}
{{- join "," $providers -}}
{{- end -}}

{{/* What cannot work is refused here, with what to set. */}}
{{- define "sluice-orchestrator.require" -}}
{{- if and .Values.api.tls.existingSecret (not .Values.api.tls.enabled) -}}
{{- fail "\n\napi.tls.existingSecret names a certificate, and api.tls.enabled is false: take one of them back.\n" -}}
{{- end -}}
{{- if and .Values.agents.behindProxy (not .Values.agents.publicAddress) -}}
{{- fail "\n\nagents.behindProxy is true and agents.publicAddress is empty. Set the proxy's address as agents dial it, for example\n  --set agents.publicAddress=agents.sluice.example.com:443\n" -}}
{{- end -}}
{{- if and .Values.agents.behindProxy .Values.agents.tls.existingSecret -}}
{{- fail "\n\nagents.tls.existingSecret names a certificate, and with agents.behindProxy the proxy has it: take one of them back.\n" -}}
{{- end -}}
{{- if and .Values.agents.ingress.enabled (not .Values.agents.ingress.host) -}}
{{- fail "\n\nagents.ingress.enabled is true and agents.ingress.host is empty: TLS is passed on by name. Set the name that agents dial, for example\n  --set agents.ingress.host=agents.sluice.example.com --set agents.publicAddress=agents.sluice.example.com:443\n" -}}
{{- end -}}
{{- if and .Values.agents.ingress.enabled (not .Values.agents.publicAddress) -}}
{{- fail (printf "\n\nagents.ingress.enabled is true and agents.publicAddress is empty: credentials would send agents past the Ingress. Set\n  --set agents.publicAddress=%s:443\n" .Values.agents.ingress.host) -}}
{{- end -}}
{{- if and .Values.api.ingress.enabled (not .Values.api.ingress.host) -}}
{{- fail "\n\napi.ingress.enabled is true and api.ingress.host is empty. Set the name in the API's URL, for example\n  --set api.ingress.host=sluice.example.com\n" -}}
{{- end -}}
{{- end -}}
