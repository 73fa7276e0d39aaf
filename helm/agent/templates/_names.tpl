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

{{/* The rights as they hold: of a reading agent only those to read. */}}
{{- define "sluice-agent.rights" -}}
{{- $rights := list -}}
{{- range $right := concat .Values.rights .Values.extraRights -}}
{{- $verbs := $right.verbs -}}
{{- if $.Values.policy.readOnly -}}
{{- $verbs = without $verbs "create" "patch" "delete" -}}
{{- end -}}
{{- if $verbs -}}
{{- $rights = append $rights (dict "group" $right.group "kinds" $right.kinds "verbs" $verbs) -}}
{{- end -}}
{{- end -}}
{{- toJson $rights -}}
{{- end -}}

{{- define "sluice-agent.policy" -}}
{{- $rights := list -}}
{{- range $right := include "sluice-agent.rights" . | fromJsonArray -}}
{{- $rights = append $rights (dict "group" $right.group "kinds" (keys $right.kinds | sortAlpha) "verbs" $right.verbs) -}}
{{- end -}}
{{- $policy := dict "rights" $rights "readOnly" .Values.policy.readOnly "protectedNames" .Values.policy.protectedNames -}}
{{- $_ := set $policy "http" .Values.policy.http -}}
{{- $_ := set $policy "scrapePorts" .Values.policy.scrapePorts -}}
{{- with .Values.policy.maxReplicas -}}
{{- $_ := set $policy "maxReplicas" (int .) -}}
{{- end -}}
{{- toPrettyJson $policy -}}
{{- end -}}

{{/* What would let the agent read credentials, run commands or widen its own rights is no right it can be given. */}}
{{- define "sluice-agent.requireTameRights" -}}
{{- $wild := list "secrets" "pods/exec" "pods/attach" "pods/portforward" "serviceaccounts/token" "roles" "rolebindings" "clusterroles" "clusterrolebindings" "nodes/proxy" -}}
{{- range $right := concat .Values.rights .Values.extraRights -}}
{{- range $kind, $resource := $right.kinds -}}
{{- if has $resource $wild -}}
{{- fail (printf "\n\nThe agent is never given rights to %s. Take %s out of rights and extraRights.\n" $resource $kind) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* In both cases: the agent obeys the lower one, which a platform may set in every pod; people look for the upper one. */}}
{{- define "sluice-agent.proxyEnv" -}}
{{- with .Values.proxy -}}
{{- if and .httpsProxy .existingSecret -}}
{{- fail "\n\nproxy.httpsProxy and proxy.existingSecret are both set. Keep one: the Secret if the URL has a password.\n" -}}
{{- end -}}
{{- if contains "@" .httpsProxy -}}
{{- fail "\n\nproxy.httpsProxy holds a password, which would stay in the release's history. Put the URL into a Secret:\n  kubectl create secret generic sluice-proxy --from-literal=url=http://USER:PASSWORD@HOST:PORT\n  --set proxy.existingSecret=sluice-proxy\n" -}}
{{- end -}}
{{- range $name := ternary (list "HTTPS_PROXY" "https_proxy") list (or .httpsProxy .existingSecret | not | not) }}
- name: {{ $name }}
  {{- if $.Values.proxy.existingSecret }}
  valueFrom:
    secretKeyRef:
      name: {{ $.Values.proxy.existingSecret }}
      key: {{ $.Values.proxy.key }}
  {{- else }}
  value: {{ $.Values.proxy.httpsProxy | quote }}
  {{- end }}
{{- end }}
{{- range $name := ternary (list "NO_PROXY" "no_proxy") list (not (empty .noProxy)) }}
- name: {{ $name }}
  value: {{ $.Values.proxy.noProxy | quote }}
{{- end }}
{{- end -}}
{{- end -}}
