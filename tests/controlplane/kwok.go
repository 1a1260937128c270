// kwok: it keeps fake nodes alive and plays the lives of the pods that are bound to them.
package main

import (
	"bytes"
	"os"

	"github.com/spf13/pflag"
	nodefast "sigs.k8s.io/kwok/kustomize/stage/node/fast"
	heartbeat "sigs.k8s.io/kwok/kustomize/stage/node/heartbeat-with-lease"
	podfast "sigs.k8s.io/kwok/kustomize/stage/pod/fast"
	"sigs.k8s.io/kwok/pkg/config"
	kwok "sigs.k8s.io/kwok/pkg/kwok/cmd"
	"sigs.k8s.io/kwok/pkg/log"
	"sigs.k8s.io/kwok/pkg/utils/signals"
)

func runKwok() {
	// Packages of Kubernetes have put a --version of theirs among the global flags, where cobra
	// would take it for kwok's own.
	pflag.CommandLine = pflag.NewFlagSet(os.Args[0], pflag.ContinueOnError)
	flags := pflag.NewFlagSet("global", pflag.ContinueOnError)
	flags.ParseErrorsAllowlist.UnknownFlags = true
	flags.Usage = func() {}
	ctx, logger := log.InitFlags(signals.SetupSignalContext(), flags)
	ctx, err := config.InitFlags(ctx, flags)
	if err != nil {
		logger.Error("reading kwok's flags", "err", err)
		os.Exit(1)
	}
	command := kwok.NewCommand(ctx)
	command.PersistentFlags().AddFlagSet(flags)
	if err := command.ExecuteContext(ctx); err != nil {
		logger.Error("running kwok", "err", err)
		os.Exit(1)
	}
}

// kwok has no stages of its own: without these its nodes and pods would stay as they are born.
func kwokStages() []byte {
	return bytes.Join([][]byte{
		[]byte(nodefast.DefaultNodeInit), []byte(heartbeat.DefaultNodeHeartbeatWithLease),
		[]byte(podfast.DefaultPodReady), []byte(podfast.DefaultPodComplete), []byte(podfast.DefaultPodDelete),
	}, []byte("\n---\n"))
}
