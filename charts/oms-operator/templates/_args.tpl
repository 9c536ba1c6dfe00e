{{/* The arguments of the container; extraArgs come last, so that they outweigh what is here. */}}
{{- define "oms-operator.args" -}}
- run
{{- range .Values.watchNamespaces }}
- --watch-namespace={{ . }}
{{- end }}
{{- with .Values.watchSelector }}
- {{ printf "--watch-selector=%s" . | quote }}
{{- end }}
{{- with include "oms-operator.defaultConnection" . }}
- --default-connection={{ . }}
{{- end }}
{{- with .Values.clusterId }}
- {{ printf "--cluster-id=%s" . | quote }}
{{- end }}
- {{ printf "--name-pattern=%s" .Values.namePattern | quote }}
- {{ printf "--health-addr=%s" (include "oms-operator.listen" (dict "root" . "port" .Values.health.port)) | quote }}
- {{ printf "--metrics-addr=%s" (include "oms-operator.listen" (dict "root" . "port" .Values.metrics.port)) | quote }}
- --log-format={{ .Values.logging.format }}
- {{ printf "--log-filter=%s" (default (printf "%s,kube_client=error,kube_runtime=warn" .Values.logging.level) .Values.logging.filter) | quote }}
- --concurrency={{ .Values.concurrency }}
- --min-sweep-interval={{ .Values.minSweepInterval }}
- --oms-connect-timeout={{ .Values.oms.connectTimeout }}
- --oms-read-timeout={{ .Values.oms.readTimeout }}
- --oms-mutation-timeout={{ .Values.oms.mutationTimeout }}
{{- if .Values.oms.proxy }}
- --oms-proxy
{{- end }}
{{- if .Values.leaderElection.enabled }}
- --leader-elect
- --leader-elect-name={{ include "oms-operator.leaseName" . }}
- --lease-duration={{ .Values.leaderElection.leaseDuration }}
- --renew-deadline={{ .Values.leaderElection.renewDeadline }}
- --retry-period={{ .Values.leaderElection.retryPeriod }}
{{- end }}
{{- range .Values.extraArgs }}
- {{ . | quote }}
{{- end }}
{{- end }}
