{{- define "oms-operator.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* At most 52 characters: a Service may have 63, "-metrics" among them. */}}
{{- define "oms-operator.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- $full := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) }}
{{- default $full .Values.fullnameOverride | trunc 52 | trimSuffix "-" }}
{{- end }}

{{- define "oms-operator.namespace" -}}
{{- default .Release.Namespace .Values.namespaceOverride }}
{{- end }}

{{/*
The name of what lies in no namespace, or in one that releases share: (dict "root" $ "namespace" …). Releases for some
namespaces each have theirs in another one, perhaps under one name; a namespace has no dot, so theirs differ.
*/}}
{{- define "oms-operator.sharedName" -}}
{{- $own := include "oms-operator.namespace" .root }}
{{- $isShared := ne (default "" .namespace) $own }}
{{- if and .root.Values.watchNamespaces $isShared }}{{ $own }}.{{ end }}
{{- include "oms-operator.fullname" .root }}
{{- end }}

{{- define "oms-operator.serviceAccountName" -}}
{{- $own := ternary (include "oms-operator.fullname" .) "default" .Values.serviceAccount.create }}
{{- default $own .Values.serviceAccount.name }}
{{- end }}

{{- define "oms-operator.leaseName" -}}
{{- default (include "oms-operator.fullname" .) .Values.leaderElection.leaseName }}
{{- end }}

{{/* Quoted, here as everywhere where a name stands: a release may be called 123, and a chart on. */}}
{{- define "oms-operator.selectorLabels" -}}
app.kubernetes.io/name: {{ include "oms-operator.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}

{{- define "oms-operator.ownLabels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "oms-operator.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{/* (dict "root" $ "labels" …): what selectors rely on comes first, then what the object has of its own. */}}
{{- define "oms-operator.labels" -}}
{{- merge (include "oms-operator.ownLabels" .root | fromYaml) (default dict .labels) .root.Values.commonLabels | toYaml }}
{{- end }}

{{/*
The metadata of an object that lies in a namespace, or with "cluster" in none:
(dict "root" $ "name" … "namespace" … "cluster" true "labels" … "annotations" …)
*/}}
{{- define "oms-operator.metadata" -}}
name: {{ toYaml .name }}
{{- if not .cluster }}
namespace: {{ default (include "oms-operator.namespace" .root) .namespace | toYaml }}
{{- end }}
labels:
  {{- include "oms-operator.labels" . | nindent 2 }}
{{- with merge dict (default dict .annotations) .root.Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "oms-operator.image" -}}
{{- $image := .Values.image }}
{{- $repository := ternary (printf "%s/%s" $image.registry $image.repository) $image.repository (ne $image.registry "") }}
{{- if $image.digest }}
{{- printf "%s@%s" $repository $image.digest }}
{{- else }}
{{- printf "%s:%s" $repository (default .Chart.AppVersion $image.tag) }}
{{- end }}
{{- end }}

{{- define "oms-operator.listen" -}}
{{- printf "%s:%d" (ternary "[::]" "0.0.0.0" (eq .root.Values.listenAddress "::")) (int .port) }}
{{- end }}

{{/* How a probe is made. No 0 that the API server would drop: a second kubectl apply would find a difference. */}}
{{- define "oms-operator.probe" -}}
{{- ternary . (omit . "initialDelaySeconds") (gt (int .initialDelaySeconds) 0) | toYaml }}
{{- end }}

{{/* A duration such as 500ms, 90s or 1m30s in milliseconds, rounded up. */}}
{{- define "oms-operator.milliseconds" -}}
{{- $sum := 0.0 }}
{{- range regexFindAll "[0-9.]+(ms|s|m|h)" . -1 }}
  {{- $unit := get (dict "ms" 1 "s" 1000 "m" 60000 "h" 3600000) (regexFind "[a-z]+$" .) }}
  {{- $sum = addf $sum (mulf (regexFind "^[0-9.]+" . | float64) $unit) }}
{{- end }}
{{- ceil $sum | int64 }}
{{- end }}

{{/* The same in whole seconds, rounded up. */}}
{{- define "oms-operator.seconds" -}}
{{- div (include "oms-operator.milliseconds" . | int64 | add 999) 1000 }}
{{- end }}

{{/* A call in flight, and the write of the id that it gives (ten seconds), have to fit in. */}}
{{- define "oms-operator.gracePeriod" -}}
{{- $call := include "oms-operator.seconds" .Values.oms.mutationTimeout | int64 }}
{{- if .Values.terminationGracePeriodSeconds }}{{ int64 .Values.terminationGracePeriodSeconds }}
{{- else }}{{ add $call 20 }}
{{- end }}
{{- end }}

{{/* The connection of resources that name none, as NAMESPACE/NAME, or nothing. */}}
{{- define "oms-operator.defaultConnection" -}}
{{- if .Values.defaultConnection.ref }}{{ .Values.defaultConnection.ref }}
{{- else if .Values.defaultConnection.create.enabled }}
{{- printf "%s/%s" (include "oms-operator.namespace" .) .Values.defaultConnection.create.name }}
{{- end }}
{{- end }}

{{/* Whether the OMSConnection can be part of this render: Helm asks the server for every kind before it installs the first. */}}
{{- define "oms-operator.connectionIsServed" -}}
{{- if .Capabilities.APIVersions.Has "oms.oceanbase.com/v1alpha1/OMSConnection" }}true{{ end }}
{{- end }}

{{/* (dict "root" $ "annotations" …) */}}
{{- define "oms-operator.connection" -}}
{{- $create := .root.Values.defaultConnection.create }}
{{- $annotations := merge (dict "helm.sh/resource-policy" "keep") (default dict .annotations) }}
{{- $labels := include "oms-operator.watchedLabels" .root | fromYaml }}
apiVersion: oms.oceanbase.com/v1alpha1
kind: OMSConnection
metadata:
  {{- include "oms-operator.metadata" (dict "root" .root "name" $create.name "labels" $labels "annotations" $annotations) | nindent 2 }}
spec:
  {{- toYaml $create.spec | nindent 2 }}
{{- end }}

{{/*
Labels by which watchSelector finds a resource, as YAML, as far as the selector says which: `a=b`, `a in (b, c)` and `a` do,
`!a` and `a!=b` need none. Where commonLabels have the key, their value.
*/}}
{{- define "oms-operator.watchedLabels" -}}
{{- $labels := dict }}
{{- range regexFindAll "[^,()]+(\\([^)]*\\))?" .Values.watchSelector -1 }}
  {{- $one := regexFindAll "[A-Za-z0-9][-A-Za-z0-9_./]*" . -1 }}
  {{- $key := first $one }}
  {{- if and $key (not (contains "!" .)) (not (regexMatch "\\snotin[\\s(]" .)) }}
    {{- $words := ternary (rest $one | rest) (rest $one) (regexMatch "\\sin[\\s(]" .) }}
    {{- $value := first $words | default "" }}
    {{- $_ := set $labels $key (get $.Values.commonLabels $key | default $value) }}
  {{- end }}
{{- end }}
{{- if $labels }}{{ toYaml $labels }}{{ end }}
{{- end }}
