{{/* What the operator needs where it works, and nothing more: in a ClusterRole, or in a Role for each watched namespace. */}}
{{- define "oms-operator.rules" -}}
# Patch is for the finalizer and the create reservation; a spec is never written.
- apiGroups: [oms.oceanbase.com]
  resources: [migrationprojects]
  verbs: [get, list, watch, patch]
- apiGroups: [oms.oceanbase.com]
  resources: [omsconnections]
  verbs: [list, watch, patch]
- apiGroups: [oms.oceanbase.com]
  resources: [migrationprojects/status, omsconnections/status]
  verbs: [patch]
# Only by name, when a connection refers to it.
- apiGroups: [""]
  resources: [secrets, configmaps]
  verbs: [get]
# Labels for allowedNamespaces; the UID of kube-system.
- apiGroups: [""]
  resources: [namespaces]
  verbs: [get]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- end }}

{{/* The subject of every binding. */}}
{{- define "oms-operator.subjects" -}}
subjects:
  - kind: ServiceAccount
    name: {{ include "oms-operator.serviceAccountName" . | quote }}
    namespace: {{ include "oms-operator.namespace" . | toYaml }}
{{- end }}

{{/* A binding and what it refers to have one name: (dict "kind" … "name" …) */}}
{{- define "oms-operator.roleRef" -}}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{ .kind }}
  name: {{ .name | quote }}
{{- end }}
