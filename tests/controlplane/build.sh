#!/usr/bin/env bash
# Builds the control plane once for each content of this folder and each Go, outside the clone, and
# prints the folder of the binary. Beside it lies a link for each component: etcd, kube-apiserver,
# kube-controller-manager, kube-scheduler, kubectl, kwok.
#
# The first build compiles Kubernetes: 15 minutes of processor time, 90 MiB of modules, 3.5 GB of disk
# for Go's caches. With these caches another one takes half a minute, and with the binary there nothing.
set -euo pipefail
cd "$(dirname "$(realpath "${BASH_SOURCE[0]}")")"

if ! command -v go >/dev/null; then
  echo "tests/controlplane: there is no Go on the PATH" >&2
  exit 3
fi
kubernetes=$(awk '$1 == "k8s.io/kubernetes" { print $2; exit }' go.mod)
key=$({ sha256sum go.mod go.sum ./*.go build.sh; go env GOVERSION GOOS GOARCH; } | sha256sum | cut -c1-16)
out=${CONTROLPLANE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/joiner/controlplane}/$kubernetes-$key
mkdir -p "$out"
# Whoever comes second waits for the first, and finds its binary.
exec 9>"$out/.lock"
flock 9
if [[ ! -x "$out/controlplane" ]]; then
  echo "building the control plane of Kubernetes $kubernetes into $out" >&2
  IFS=. read -r major minor _ <<<"${kubernetes#v}"
  version=k8s.io/component-base/version
  # Kubernetes' own builds set its version in the linker too; without it /version tells v0.0.0-master.
  # Debug information is left out: it is a fifth of the build cache and nobody debugs this.
  CGO_ENABLED=0 go build -mod=readonly -buildvcs=false -gcflags=all=-dwarf=false \
    -ldflags="-s -w -X $version.gitVersion=$kubernetes -X $version.gitMajor=$major -X $version.gitMinor=$minor -X $version.gitTreeState=clean" \
    -o "$out/controlplane.new" . >&2
  mv "$out/controlplane.new" "$out/controlplane"
  for component in etcd kube-apiserver kube-controller-manager kube-scheduler kubectl kwok; do
    ln -sf controlplane "$out/$component"
  done
fi
echo "$out"
