// How each component is called, and the files it is given.
package main

import (
	"fmt"
	"os"
)

// order is the one in which the components need each other.
func (p *plane) order() []string {
	var names []string
	for _, name := range []string{"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok"} {
		if p.has(name) {
			names = append(names, name)
		}
	}
	return names
}

// arguments are nil for what is no component.
func (p *plane) arguments(name string) []string {
	switch name {
	case "etcd":
		return []string{
			"--name=default", "--data-dir=" + p.at("etcd"), "--unsafe-no-fsync", "--log-level=warn",
			"--listen-client-urls=" + p.etcd, "--advertise-client-urls=" + p.etcd,
			"--listen-peer-urls=" + p.peer, "--initial-advertise-peer-urls=" + p.peer,
			"--initial-cluster=default=" + p.peer,
		}
	case "kube-apiserver":
		return []string{
			"--etcd-servers=" + p.etcd,
			"--bind-address=127.0.0.1", fmt.Sprintf("--secure-port=%d", p.port),
			// A loopback address is no valid endpoint of the service "kubernetes".
			"--advertise-address=127.0.0.1", "--endpoint-reconciler-type=none",
			"--tls-cert-file=" + p.at("pki/apiserver.crt"), "--tls-private-key-file=" + p.at("pki/apiserver.key"),
			"--cert-dir=" + p.at("pki"),
			"--token-auth-file=" + p.at("pki/tokens.csv"), "--authorization-mode=" + p.authorization,
			"--service-account-issuer=https://kubernetes.default.svc",
			"--service-account-key-file=" + p.at("pki/sa.key"), "--service-account-signing-key-file=" + p.at("pki/sa.key"),
			"--service-cluster-ip-range=10.0.0.0/24", "--allow-privileged=true",
		}
	case "kube-controller-manager":
		return []string{
			"--kubeconfig=" + p.at("kube-controller-manager.kubeconfig"), "--leader-elect=false", "--secure-port=0",
			"--use-service-account-credentials=true",
			"--service-account-private-key-file=" + p.at("pki/sa.key"), "--root-ca-file=" + p.at("pki/ca.crt"),
			"--kube-api-qps=1000", "--kube-api-burst=1000", "--controllers=" + p.controllers,
		}
	case "kube-scheduler":
		return []string{"--config=" + p.at("scheduler.yaml"), "--secure-port=0"}
	case "kwok":
		which := "--manage-nodes-with-annotation-selector=" + p.kwok
		if p.kwok == "all" {
			which = "--manage-all-nodes=true"
		}
		return []string{
			"--kubeconfig=" + p.at("admin.kubeconfig"), "--config=" + p.at("stages.yaml"), which,
			"--node-ip=127.0.0.1", "--node-port=0", "--cidr=10.1.0.0/16", "--node-lease-duration-seconds=40",
		}
	default:
		return nil
	}
}

// A pod that fitted nowhere waits in backoff while there is no node at all; 10 s, by default, at most.
const schedulerConfig = `apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
clientConnection: {kubeconfig: %q, qps: 1000, burst: 1000}
leaderElection: {leaderElect: false}
podInitialBackoffSeconds: 1
podMaxBackoffSeconds: 1
`

func (p *plane) writeConfigs() error {
	config := fmt.Sprintf(schedulerConfig, p.at("kube-scheduler.kubeconfig"))
	if err := os.WriteFile(p.at("scheduler.yaml"), []byte(config), 0o600); err != nil {
		return err
	}
	return os.WriteFile(p.at("stages.yaml"), kwokStages(), 0o600)
}
