//go:build tools

// Package tools names the main packages that the toolchain builds, so that go.mod and go.sum hold all they need.
package tools

import (
	_ "sigs.k8s.io/kwok/cmd/kwok"
	_ "sigs.k8s.io/kwok/cmd/kwokctl"
)
