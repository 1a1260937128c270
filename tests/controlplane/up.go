// "up": a whole control plane on loopback, for whoever holds its standard input.
//
// It prints one line of JSON when everything is ready and then takes orders, a line each:
// "kill COMPONENT" and "start COMPONENT". Each is answered by a line of JSON when it is done. It stops,
// and everything with it, when its standard input ends, on SIGTERM and SIGINT, or when a component ends
// that was not told to. So nothing outlives whoever started it, however that one ends.
package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// How long the API server may take until it serves, on a machine that compiles at the same time.
const readyWithin = 3 * time.Minute

func runUp() {
	if err := up(); err != nil {
		fmt.Fprintln(os.Stderr, "controlplane up:", err)
		os.Exit(1)
	}
}

func up() error {
	begin := time.Now()
	options := parseOptions()
	remove, err := options.makeFolders()
	defer remove()
	if err != nil {
		return err
	}
	plane, err := newPlane(options)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	orders := readOrders(cancel)

	// The kernel kills a child when its parent's thread ends: this one has to stay.
	runtime.LockOSThread()
	defer plane.processes.killAll()
	for _, name := range plane.order() {
		if err := plane.start(ctx, name); err != nil {
			return err
		}
	}
	if options.has("kube-controller-manager") {
		// Pods cannot be made in a namespace before it has this.
		if err := plane.waitFor(ctx, "/api/v1/namespaces/default/serviceaccounts/default"); err != nil {
			return err
		}
	}
	answer(map[string]any{
		"kubeconfig": plane.at("admin.kubeconfig"), "server": plane.server, "token": plane.tokens["admin"],
		"ca": plane.at("pki/ca.crt"), "dir": options.dir, "etcd": plane.etcd, "ready_ms": time.Since(begin).Milliseconds(),
	})
	return plane.serve(ctx, orders)
}

type options struct {
	dir           string
	authorization string
	controllers   string
	kwok          string
	without       multi
	extra         map[string]*multi
}

func parseOptions() *options {
	o := &options{extra: map[string]*multi{"kube-apiserver": {}, "kube-controller-manager": {}, "kube-scheduler": {}, "etcd": {}}}
	flags := flag.NewFlagSet("up", flag.ExitOnError)
	flags.StringVar(&o.dir, "dir", "", "folder for state, keys and logs (default: a temporary one, removed at the end)")
	flags.StringVar(&o.authorization, "authorization-mode", "RBAC", "of the API server")
	flags.StringVar(&o.controllers, "controllers", "*", "of the controller manager")
	flags.StringVar(&o.kwok, "kwok", "kwok.x-k8s.io/node=fake", "annotation key=value of the nodes whose kubelet kwok plays, or 'all'")
	flags.Var(&o.without, "without", "component that is not started (repeatable)")
	flags.Var(o.extra["etcd"], "etcd-flag", "one more flag for etcd (repeatable)")
	flags.Var(o.extra["kube-apiserver"], "apiserver-flag", "one more flag for kube-apiserver (repeatable)")
	flags.Var(o.extra["kube-controller-manager"], "controller-manager-flag", "one more flag for kube-controller-manager (repeatable)")
	flags.Var(o.extra["kube-scheduler"], "scheduler-flag", "one more flag for kube-scheduler (repeatable)")
	_ = flags.Parse(os.Args[1:]) // it ends the process itself
	return o
}

func (o *options) has(component string) bool {
	for _, name := range o.without {
		if name == component {
			return false
		}
	}
	return true
}

// makeFolders returns what takes the temporary folder away again.
func (o *options) makeFolders() (func(), error) {
	remove := func() {}
	if o.dir == "" {
		temporary, err := os.MkdirTemp("", "controlplane-")
		if err != nil {
			return remove, err
		}
		o.dir = temporary
		remove = func() { os.RemoveAll(temporary) }
	}
	absolute, err := filepath.Abs(o.dir)
	if err != nil {
		return remove, err
	}
	o.dir = absolute
	for _, sub := range []string{"pki", "log"} {
		if err := os.MkdirAll(filepath.Join(o.dir, sub), 0o700); err != nil {
			return remove, err
		}
	}
	return remove, nil
}

type plane struct {
	*options
	processes  *processes
	etcd, peer string // URLs of etcd
	server     string // URL of the API server
	port       int    // of the API server
	tokens     map[string]string
	client     *http.Client
}

func newPlane(o *options) (*plane, error) {
	ports, err := freePorts(3)
	if err != nil {
		return nil, err
	}
	p := &plane{
		options: o,
		etcd:    fmt.Sprintf("http://127.0.0.1:%d", ports[0]),
		peer:    fmt.Sprintf("http://127.0.0.1:%d", ports[1]),
		server:  fmt.Sprintf("https://127.0.0.1:%d", ports[2]),
		port:    ports[2],
	}
	ca, err := writePKI(p.at("pki"))
	if err != nil {
		return nil, err
	}
	if p.tokens, err = writeUsers(o.dir, p.server, ca); err != nil {
		return nil, err
	}
	if p.processes, err = newProcesses(o.dir); err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}
	p.client = &http.Client{Timeout: 5 * time.Second, Transport: transport}
	return p, p.writeConfigs()
}

func (p *plane) at(name string) string { return filepath.Join(p.dir, name) }

// start returns when the component runs; the API server, when it serves.
func (p *plane) start(ctx context.Context, name string) error {
	arguments := append(p.arguments(name), p.extraOf(name)...)
	if err := p.processes.start(name, arguments); err != nil {
		return err
	}
	if name == "kube-apiserver" {
		return p.waitFor(ctx, "/readyz")
	}
	return nil
}

func (p *plane) extraOf(name string) []string {
	if extra := p.extra[name]; extra != nil {
		return *extra
	}
	return nil
}

// waitFor returns when the API server answers a GET of the path with 200.
func (p *plane) waitFor(ctx context.Context, path string) error {
	deadline := time.After(readyWithin)
	for {
		if p.answers(ctx, path) {
			return nil
		}
		select {
		case ended := <-p.processes.ended:
			if err := p.processes.unexpected(ended); err != nil {
				return err
			}
		case <-ctx.Done():
			return errors.New("stopped before it was ready")
		case <-deadline:
			return fmt.Errorf("%s was not there after %s", path, readyWithin)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (p *plane) answers(ctx context.Context, path string) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.server+path, nil)
	if err != nil {
		return false
	}
	request.Header.Set("Authorization", "Bearer "+p.tokens["admin"])
	response, err := p.client.Do(request)
	if err != nil {
		return false
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, response.Body)
	return response.StatusCode == http.StatusOK
}

// serve carries out orders until there is a reason to stop; only a component's own end is an error.
func (p *plane) serve(ctx context.Context, orders <-chan string) error {
	for {
		select {
		case ended := <-p.processes.ended:
			if err := p.processes.unexpected(ended); err != nil {
				return err
			}
		case order := <-orders:
			result := map[string]any{"order": order}
			if err := p.carryOut(ctx, order); err != nil {
				result["error"] = err.Error()
			}
			answer(result)
		case <-ctx.Done():
			return nil
		}
	}
}

func (p *plane) carryOut(ctx context.Context, order string) error {
	switch words := strings.Fields(order); {
	case len(words) == 2 && words[0] == "kill":
		return p.processes.kill(words[1])
	case len(words) == 2 && words[0] == "start" && p.arguments(words[1]) != nil:
		return p.start(ctx, words[1])
	default:
		return fmt.Errorf("%q is no order: kill COMPONENT or start COMPONENT", order)
	}
}

// readOrders calls ended once nobody holds the other end of standard input any more.
func readOrders(ended func()) <-chan string {
	orders := make(chan string)
	go func() {
		lines := bufio.NewScanner(os.Stdin)
		for lines.Scan() {
			orders <- lines.Text()
		}
		ended()
	}()
	return orders
}

func answer(what map[string]any) {
	line, _ := json.Marshal(what) // strings and numbers
	fmt.Println(string(line))
}

type multi []string

func (m *multi) String() string     { return strings.Join(*m, " ") }
func (m *multi) Set(s string) error { *m = append(*m, s); return nil }
