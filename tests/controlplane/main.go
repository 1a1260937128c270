// One binary that is a whole Kubernetes control plane for tests: etcd, kube-apiserver,
// kube-scheduler, kube-controller-manager, kubectl, kwok (which plays the kubelets), and "up", which
// starts them together on loopback.
//
// It runs as what its own file name says, so that a link kube-apiserver -> controlplane is a
// kube-apiserver, or else as what its first argument says.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	_ "time/tzdata" // time zones of CronJobs

	"github.com/spf13/cobra"
	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	"k8s.io/component-base/logs"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	kubectl "k8s.io/kubectl/pkg/cmd"
	kubectlutil "k8s.io/kubectl/pkg/cmd/util"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	kcm "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
)

// run ends the process itself, or returns once there is nothing left to do.
type role struct {
	name string
	run  func()
}

var roles = []role{
	{"etcd", func() { etcdmain.Main(os.Args) }},
	{"kube-apiserver", func() { component(apiserver.NewAPIServerCommand()) }},
	{"kube-controller-manager", func() { component(kcm.NewControllerManagerCommand()) }},
	{"kube-scheduler", func() { component(scheduler.NewSchedulerCommand()) }},
	{"kubectl", runKubectl},
	{"kwok", runKwok},
	{"up", runUp},
}

func main() {
	if role := named(filepath.Base(os.Args[0])); role != nil {
		role.run()
		return
	}
	if len(os.Args) > 1 {
		if role := named(os.Args[1]); role != nil {
			os.Args = os.Args[1:]
			role.run()
			return
		}
	}
	var names []string
	for _, role := range roles {
		names = append(names, role.name)
	}
	fmt.Fprintf(os.Stderr, "usage: %s {%s} [flags]\n", filepath.Base(os.Args[0]), strings.Join(names, "|"))
	os.Exit(2)
}

func named(name string) *role {
	at := slices.IndexFunc(roles, func(role role) bool { return role.name == name })
	if at < 0 {
		return nil
	}
	return &roles[at]
}

func component(command *cobra.Command) {
	os.Exit(cli.Run(command))
}

func runKubectl() {
	_, _ = logs.GlogSetter(kubectl.GetLogVerbosity(os.Args))
	if err := cli.RunNoErrOutput(kubectl.NewDefaultKubectlCommand()); err != nil {
		kubectlutil.CheckErr(err)
	}
}
