// SPDX-License-Identifier: Apache-2.0

// Command ctldoc writes docs/reference/iostreamctl.md from the commands themselves.
// Run it as
//
//	go run ./tools/ctldoc
package main

import (
	"fmt"
	"os"

	"github.com/iostreamkit/iostreamkit/internal/gen"
	"github.com/iostreamkit/iostreamkit/tools/ctl"
)

const path = "docs/reference/iostreamctl.md"

func main() {
	if err := gen.Update(path, page()); err != nil {
		fmt.Fprintln(os.Stderr, "ctldoc:", err)
		os.Exit(1)
	}
}

// page returns the whole page.
func page() string {
	return "# iostreamctl\n\n<!-- Made by \"go run ./tools/ctldoc\" from tools/ctl. Don't edit it here. -->\n\n" +
		ctl.Reference(ctl.Options{})
}
