{{/* Names, labels, and the rules that several functions share. */}}

{{/*
Names are fixed, not made from the release: there is one joiner for a cluster, and Helm refuses a second release whose
cluster-wide objects exist already.
*/}}

{{- define "joiner.labels" -}}
app.kubernetes.io/name: joiner
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "joiner.forwarder.selector" -}}
app.kubernetes.io/name: joiner
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: forwarder
{{- end }}

{{- define "joiner.forwarder.image" -}}
{{- $image := .Values.forwarder.image -}}
{{- $repository := required "forwarder.image.repository is needed: where you have pushed the forwarder's image" $image.repository -}}
{{- if $image.digest -}}
{{ printf "%s@%s" $repository $image.digest }}
{{- else -}}
{{ printf "%s:%s" $repository (default .Chart.AppVersion $image.tag) }}
{{- end -}}
{{- end }}

{{/* The functions; each is the group joiner:NAME, by the access entry of its role. */}}
{{- define "joiner.functions" -}}
provisioning lifecycle interruption disruption catalog
{{- end }}

{{/*
What is read. `watch` beside `list` where a warm function follows what it has read; `get` where one object is asked for by
its name: it tells no more than `list` does.
*/}}

{{/* What every function that plans looks at; which cluster this is, by the uid of kube-system; what is remembered. */}}
{{- define "joiner.reads.nodes" -}}
- apiGroups: [karpenter.sh]
  resources: [nodepools, nodeclaims]
  verbs: [list, watch]
- apiGroups: [karpenter.k8s.aws]
  resources: [ec2nodeclasses]
  verbs: [list, watch]
- apiGroups: [""]
  resources: [nodes]
  verbs: [list, watch]
- apiGroups: [""]
  resources: [pods]
  verbs: [list]
- apiGroups: [""]
  resources: [namespaces]
  resourceNames: [kube-system]
  verbs: [get]
{{- end }}

{{/* What a place for a pod depends on beside nodes and pods: daemons, labels of namespaces, classes of volumes. */}}
{{- define "joiner.reads.placement" -}}
- apiGroups: [""]
  resources: [namespaces]
  verbs: [list, watch]
- apiGroups: [apps]
  resources: [daemonsets]
  verbs: [list, watch]
- apiGroups: [storage.k8s.io]
  resources: [storageclasses, csinodes]
  verbs: [list, watch]
{{- end }}

{{/* The volumes of pods that wait, each by its name. */}}
{{- define "joiner.reads.volumesByName" -}}
- apiGroups: [""]
  resources: [persistentvolumes, persistentvolumeclaims]
  verbs: [get]
{{- end }}

{{/* The volumes of all pods. */}}
{{- define "joiner.reads.volumes" -}}
- apiGroups: [""]
  resources: [persistentvolumes, persistentvolumeclaims]
  verbs: [list]
{{- end }}

{{/* What forbids a pod to be evicted. */}}
{{- define "joiner.reads.budgets" -}}
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [list, watch]
{{- end }}

{{/*
Karpenter's leader election, wherever it runs: joiner does not act beside it. One list over all namespaces by the field
metadata.name finds it, and RBAC takes that field for the name.
*/}}
{{- define "joiner.reads.karpenter" -}}
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  resourceNames: [karpenter-leader-election]
  verbs: [list]
{{- end }}

{{/* Events. The same said again is counted in the old one, which is never read: the answer to a patch tells the count. */}}
{{- define "joiner.writes.events" -}}
- apiGroups: [""]
  resources: [events]
  verbs: [create, patch]
{{- end }}

{{/* The state: read, and Remember by compare-and-swap. `create` knows no names; the policy joiner-own-objects does. */}}
{{- define "joiner.writes.state" -}}
- apiGroups: [""]
  resources: [configmaps]
  resourceNames: [joiner-state]
  verbs: [get, patch]
- apiGroups: [""]
  resources: [configmaps]
  verbs: [create]
{{- end }}

{{/* What catalog has found out about instance types and prices. */}}
{{- define "joiner.reads.catalogue" -}}
- apiGroups: [""]
  resources: [configmaps]
  resourceNames: [joiner-catalog]
  verbs: [get]
{{- end }}

{{/* A ClusterRole's metadata and a binding to the group of the same name. Takes root and name. */}}
{{- define "joiner.group.clusterBinding" -}}
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: joiner:{{ .name }}
  labels:
    {{- include "joiner.labels" .root | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: joiner:{{ .name }}
subjects:
  - apiGroup: rbac.authorization.k8s.io
    kind: Group
    name: joiner:{{ .name }}
{{- end }}

{{/* The same in the release's namespace. */}}
{{- define "joiner.group.binding" -}}
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: joiner:{{ .name }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "joiner.labels" .root | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: joiner:{{ .name }}
subjects:
  - apiGroup: rbac.authorization.k8s.io
    kind: Group
    name: joiner:{{ .name }}
{{- end }}

{{/* Metadata of a role of a group. Takes root and name; a Role adds its namespace. */}}
{{- define "joiner.group.metadata" -}}
name: joiner:{{ .name }}
labels:
  {{- include "joiner.labels" .root | nindent 2 }}
{{- end }}

{{/* Only the functions' requests are looked at: nobody else's are refused, whatever else a policy says. */}}
{{- define "joiner.policy.matchConditions" -}}
- name: is-a-function-of-joiner
  expression: >-
    request.userInfo.groups.exists(group, group in [
    {{- range $index, $name := splitList " " (include "joiner.functions" .) }}
    {{- if $index }}, {{ end }}'joiner:{{ $name }}'
    {{- end }}])
{{- end }}

{{/* The binding of a policy, for everything that the policy matches. Takes root and name. */}}
{{- define "joiner.policy.binding" -}}
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  name: {{ .name }}
  labels:
    {{- include "joiner.labels" .root | nindent 4 }}
spec:
  policyName: {{ .name }}
  validationActions: [Deny]
{{- end }}
