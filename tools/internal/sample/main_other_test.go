// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package sample

import (
	"testing"

	"github.com/iostreamkit/iostreamkit/internal/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }
