// SPDX-License-Identifier: Apache-2.0

// Command iostreamctl lists, looks at, reads, feeds and serves streams. Package
// tools/ctl is all of it.
package main

import (
	"context"
	"os"

	"github.com/iostreamkit/iostreamkit/tools/ctl"
)

func main() {
	os.Exit(ctl.Main(context.Background(), ctl.Options{}, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
