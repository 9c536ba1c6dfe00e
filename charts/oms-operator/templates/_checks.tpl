{{/* What values.schema.json cannot say, because it spans values. All that is wrong is said at once. */}}
{{- define "oms-operator.checks" -}}
{{- $wrong := list }}
{{- $namespace := include "oms-operator.namespace" . }}
{{- $call := include "oms-operator.seconds" .Values.oms.mutationTimeout | int64 }}
{{- if lt (include "oms-operator.gracePeriod" . | int64) (add $call 10) }}
  {{- $wrong = append $wrong (printf "terminationGracePeriodSeconds is %v, which is less than oms.mutationTimeout (%s) and 10 s: a call in flight would be cut. Raise it, or leave it at 0" .Values.terminationGracePeriodSeconds .Values.oms.mutationTimeout) }}
{{- end }}
{{- range $name, $least := dict "oms.connectTimeout" "1s" "oms.readTimeout" "1s" "oms.mutationTimeout" "1s" "minSweepInterval" "100ms" "leaderElection.retryPeriod" "100ms" }}
  {{- $value := $.Values }}
  {{- range splitList "." $name }}
    {{- $value = get $value . }}
  {{- end }}
  {{- if lt (include "oms-operator.milliseconds" $value | int64) (include "oms-operator.milliseconds" $least | int64) }}
    {{- $wrong = append $wrong (printf "%s is %s: it is at least %s, or the operator does not start" $name $value $least) }}
  {{- end }}
{{- end }}
{{- with .Values.leaderElection }}
{{- if .enabled }}
  {{- $lease := include "oms-operator.milliseconds" .leaseDuration | int64 }}
  {{- $renew := include "oms-operator.milliseconds" .renewDeadline | int64 }}
  {{- $retry := include "oms-operator.milliseconds" .retryPeriod | int64 }}
  {{- /* The two seconds are for sending: src/controller/context.rs. */}}
  {{- $change := include "oms-operator.milliseconds" $.Values.oms.connectTimeout | int64 | add $retry 2000 }}
  {{- if le $lease $renew }}
    {{- $wrong = append $wrong (printf "leaderElection.leaseDuration (%s) has to be longer than renewDeadline (%s): two would work at once" .leaseDuration .renewDeadline) }}
  {{- end }}
  {{- if le $renew $retry }}
    {{- $wrong = append $wrong (printf "leaderElection.renewDeadline (%s) has to be longer than retryPeriod (%s): one lost request would cost the lead" .renewDeadline .retryPeriod) }}
  {{- end }}
  {{- if ne (mod $lease 1000) 0 }}
    {{- $wrong = append $wrong (printf "leaderElection.leaseDuration is %s: a Lease counts in whole seconds" .leaseDuration) }}
  {{- end }}
  {{- if le $lease $change }}
    {{- $wrong = append $wrong (printf "leaderElection.leaseDuration (%s) has to be longer than retryPeriod (%s), oms.connectTimeout (%s) and 2 s for sending together: nothing would ever be created" .leaseDuration .retryPeriod $.Values.oms.connectTimeout) }}
  {{- end }}
{{- end }}
{{- end }}
{{- if and (eq .Values.dnsPolicy "None") (not (dig "nameservers" list .Values.dnsConfig)) }}
  {{- $wrong = append $wrong "dnsPolicy is None without dnsConfig.nameservers: the Pod would have no DNS, and the API server refuses it" }}
{{- end }}
{{- if and (not .Values.leaderElection.enabled) (gt (int .Values.replicaCount) 1) }}
  {{- $wrong = append $wrong (printf "replicaCount is %v without leaderElection.enabled: only one may work at a time. Enable it, or set replicaCount to 1" .Values.replicaCount) }}
{{- end }}
{{- if and .Values.watchSelector .Values.leaderElection.enabled (eq (include "oms-operator.leaseName" .) "oms-operator") }}
  {{- $wrong = append $wrong "watchSelector needs a Lease of its own, and oms-operator is that of an operator that watches everything: set leaderElection.leaseName, such as oms-operator-a, to one that no other release has" }}
{{- end }}
{{- if .Values.defaultConnection.create.enabled }}
  {{- range list "url" "credentialsSecretRef" }}
    {{- if not (hasKey $.Values.defaultConnection.create.spec .) }}
      {{- $wrong = append $wrong (printf "defaultConnection.create.spec.%s is missing" .) }}
    {{- end }}
  {{- end }}
{{- end }}
{{- with include "oms-operator.defaultConnection" . }}
  {{- $where := splitList "/" . | first }}
  {{- if and $.Values.watchNamespaces (not (has $where $.Values.watchNamespaces)) }}
    {{- $wrong = append $wrong (printf "the default connection %s lies in a namespace that is not in watchNamespaces: the operator would not see it. Add %s to watchNamespaces" . $where) }}
  {{- end }}
{{- end }}
{{- if and .Values.metrics.serviceMonitor.enabled (not .Values.metrics.service.enabled) }}
  {{- $wrong = append $wrong "metrics.serviceMonitor.enabled needs metrics.service.enabled; metrics.podMonitor does without" }}
{{- end }}
{{- if and .Values.metrics.serviceMonitor.enabled .Values.metrics.podMonitor.enabled }}
  {{- $wrong = append $wrong "metrics.serviceMonitor.enabled and metrics.podMonitor.enabled would have everything scraped twice: enable one" }}
{{- end }}
{{- if eq (int .Values.health.port) (int .Values.metrics.port) }}
  {{- $wrong = append $wrong (printf "health.port and metrics.port are both %v" .Values.health.port) }}
{{- end }}
{{- if $wrong }}
  {{- fail (printf "\n\nThese values do not go together:\n  - %s\n" (join "\n  - " $wrong)) }}
{{- end }}
{{- end }}
