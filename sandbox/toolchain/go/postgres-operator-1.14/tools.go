//go:build tools

// Package tools names the main packages that the toolchain builds, so that go.mod and go.sum hold all they need.
package tools

import _ "github.com/zalando/postgres-operator/cmd"
