#!/usr/bin/env bash
# check.sh - lint the charts, then the tests that render them (tests/chart).
#
# Takes the Helm that $HELM names, or else builds the one below from the Go module proxy, once for each version, into
# ~/.cache/joiner. Kubernetes' own OpenAPI document, against which rendered objects are held, is taken from there as well.
#
#   check.sh                what needs no cluster
#   check.sh --api-server   that, and the chart on a real API server: the one that $JOINER_TEST_KUBECONFIG names, by the
#                           kubectl that $KUBECTL names, or else one of tests/controlplane, started here and ended with this
#   check.sh --tools        only gets Helm and the document, and prints both as assignments for a shell
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

helm_version=v3.22.0
kubernetes_version=v1.36.3
cache="${JOINER_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/joiner}"

need_go() {
  command -v go >/dev/null || {
    echo "check.sh: there is no Go to get $1 with; install Go, or name $2" >&2
    exit 1
  }
}

get_helm() {
  local folder="$cache/helm-$helm_version"
  if [[ ! -x "$folder/helm" ]]; then
    need_go Helm "a Helm 3 in HELM"
    echo "building Helm $helm_version into $folder (200 s of CPU time, once)" >&2
    mkdir -p "$folder"
    exec 9>"$folder/.lock"
    flock 9
    [[ -x "$folder/helm" ]] || GOBIN="$folder" CGO_ENABLED=0 nice -n 10 \
      go install -trimpath -ldflags='-s -w' "helm.sh/helm/v3/cmd/helm@$helm_version" >&2
    exec 9>&-
  fi
  HELM="$folder/helm"
}

get_openapi() {
  local file="$cache/kubernetes-$kubernetes_version-swagger.json"
  if [[ ! -s "$file" ]]; then
    need_go "Kubernetes' OpenAPI document" "a swagger.json in KUBERNETES_OPENAPI"
    local module
    module="$(cd / && GOFLAGS=-mod=mod go mod download -json "k8s.io/kubernetes@$kubernetes_version" | sed -n 's/^\t"Dir": "\(.*\)",*$/\1/p')"
    mkdir -p "$cache"
    cp "$module/api/openapi-spec/swagger.json" "$file.new.$$"
    chmod u+w "$file.new.$$"
    mv "$file.new.$$" "$file"
  fi
  KUBERNETES_OPENAPI="$file"
}

# The control plane lives as long as its standard input, which this shell holds.
start_api_server() {
  local folder ready
  folder="$(tests/controlplane/build.sh)"
  KUBECTL="$folder/kubectl"
  coproc PLANE { exec "$folder/controlplane" up; }
  read -r ready <&"${PLANE[0]}" || {
    echo "check.sh: the control plane did not start" >&2
    exit 1
  }
  JOINER_TEST_KUBECONFIG="$(sed 's/.*"kubeconfig":"\([^"]*\)".*/\1/' <<<"$ready")"
}

[[ -n "${HELM:-}" ]] || get_helm
[[ -n "${KUBERNETES_OPENAPI:-}" ]] || get_openapi
export HELM KUBERNETES_OPENAPI
case "${1:-}" in
  --tools)
    printf 'export HELM=%q\nexport KUBERNETES_OPENAPI=%q\n' "$HELM" "$KUBERNETES_OPENAPI"
    exit
    ;;
  --api-server)
    [[ -n "${KUBECTL:-}" && -n "${JOINER_TEST_KUBECONFIG:-}" ]] || start_api_server
    export KUBECTL JOINER_TEST_KUBECONFIG
    ;;
  "") unset KUBECTL JOINER_TEST_KUBECONFIG ;;
  *)
    echo "usage: check.sh [--api-server|--tools]" >&2
    exit 2
    ;;
esac

for values in infra/charts/joiner/ci/*.yaml; do
  "$HELM" lint --strict --quiet --kube-version "$kubernetes_version" --values "$values" infra/charts/joiner
done
cargo test -p chart
