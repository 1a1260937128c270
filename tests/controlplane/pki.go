// Ports, keys, certificates, users and their kubeconfigs. They live as long as one control plane.
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
)

func freePorts(count int) ([]int, error) {
	ports := make([]int, count)
	for i := range ports {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer listener.Close() // only when all are picked, so that they differ
		ports[i] = listener.Addr().(*net.TCPAddr).Port
	}
	return ports, nil
}

// writeUsers writes tokens.csv and a kubeconfig for each user, and returns the tokens by user.
func writeUsers(dir, server string, ca []byte) (map[string]string, error) {
	tokens, csv := map[string]string{}, ""
	for _, user := range []struct{ name, groups string }{
		{"admin", `"system:masters"`}, {"system:kube-controller-manager", ""}, {"system:kube-scheduler", ""},
	} {
		secret := make([]byte, 16)
		if _, err := rand.Read(secret); err != nil {
			return nil, err
		}
		token := hex.EncodeToString(secret)
		tokens[user.name] = token
		csv += fmt.Sprintf("%s,%s,%s,%s\n", token, user.name, user.name, user.groups)
		file := filepath.Join(dir, strings.TrimPrefix(user.name, "system:")+".kubeconfig")
		if err := os.WriteFile(file, kubeconfig(server, ca, token), 0o600); err != nil {
			return nil, err
		}
	}
	return tokens, os.WriteFile(filepath.Join(dir, "pki/tokens.csv"), []byte(csv), 0o600)
}

func kubeconfig(server string, ca []byte, token string) []byte {
	cluster := map[string]any{"server": server, "certificate-authority-data": ca}
	config, _ := json.MarshalIndent(map[string]any{
		"apiVersion": "v1", "kind": "Config", "current-context": "joiner",
		"clusters": []any{map[string]any{"name": "joiner", "cluster": cluster}},
		"users":    []any{map[string]any{"name": "joiner", "user": map[string]any{"token": token}}},
		"contexts": []any{map[string]any{"name": "joiner", "context": map[string]any{"cluster": "joiner", "user": "joiner"}}},
	}, "", "  ") // strings and bytes
	return append(config, '\n')
}

// writePKI writes a CA (ca.crt), the API server's certificate and key (apiserver.crt, apiserver.key)
// and the key of service account tokens (sa.key), and returns the CA.
func writePKI(dir string) ([]byte, error) {
	now := time.Now()
	authority, err := signed(&x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "joiner test CA"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(1, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}, nil)
	if err != nil {
		return nil, err
	}
	server, err := signed(&x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "kube-apiserver"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(1, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv4(10, 0, 0, 1)},
		DNSNames:    []string{"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"},
	}, authority)
	if err != nil {
		return nil, err
	}
	accounts, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	ca := pemOf("CERTIFICATE", authority.der)
	files := map[string][]byte{"ca.crt": ca, "apiserver.crt": pemOf("CERTIFICATE", server.der)}
	for name, key := range map[string]*ecdsa.PrivateKey{"apiserver.key": server.key, "sa.key": accounts} {
		der, err := x509.MarshalECPrivateKey(key)
		if err != nil {
			return nil, err
		}
		files[name] = pemOf("EC PRIVATE KEY", der)
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			return nil, err
		}
	}
	return ca, nil
}

type pair struct {
	certificate *x509.Certificate
	der         []byte
	key         *ecdsa.PrivateKey
}

// signed makes a key and its certificate, signed by the authority or else by itself.
func signed(certificate *x509.Certificate, authority *pair) (*pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	made := &pair{certificate: certificate, key: key}
	if authority == nil {
		authority = made
	}
	made.der, err = x509.CreateCertificate(rand.Reader, certificate, authority.certificate, key.Public(), authority.key)
	return made, err
}

func pemOf(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}
