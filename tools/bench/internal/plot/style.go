// SPDX-License-Identifier: Apache-2.0

package plot

import (
	"fmt"
	"strings"
)

// The first styles of each group, of which each has PerGroup.
const (
	Neutral  = iota * PerGroup // limits: grey
	Cold                       // thick lines
	Warm                       // thin lines with dashes
	Styles                     // how many there are
	PerGroup = 4
)

// colours are those on a light ground and on a dark one, which differ in brightness only.
// Those of a group can be told apart without seeing red and green as different.
func colours() [Styles][2]string {
	return [Styles][2]string{
		{"#24292f", "#e6edf3"}, {"#6e7781", "#9198a1"}, {"#8c959f", "#7d8590"}, {"#afb8c1", "#656c76"},
		{"#0550ae", "#79c0ff"}, {"#1a7f37", "#56d364"}, {"#0891b2", "#39d0e0"}, {"#6639ba", "#bc8cff"},
		{"#bc4c00", "#f0883e"}, {"#cf222e", "#ff7b72"}, {"#bf3989", "#f778ba"}, {"#9a6700", "#d2a022"},
	}
}

// style is the style sheet.
func style() string {
	var b strings.Builder
	b.WriteString("text{font:12px system-ui,sans-serif}.h{font-size:17px;font-weight:600}.b{font-size:13px;font-weight:600}.s{font-size:11px}" +
		".l{fill:none;stroke-width:1.5;stroke-linejoin:round}.g{stroke-width:.6}")
	for i := range Styles {
		switch i - i%PerGroup {
		case Cold:
			fmt.Fprintf(&b, ".s%d{stroke-width:2.4}", i)
		case Warm:
			fmt.Fprintf(&b, ".s%d{stroke-dasharray:6 3}", i)
		}
	}
	ground := func(bg, text, soft, grid string, which int) {
		fmt.Fprintf(&b, ".bg{fill:%s}text{fill:%s}.s{fill:%s}.g{stroke:%s}", bg, text, soft, grid)
		for i, c := range colours() {
			fmt.Fprintf(&b, ".s%d{stroke:%s}", i, c[which])
		}
	}
	ground("#fff", "#1f2328", "#59636e", "#d1d9e0", 0)
	b.WriteString("@media(prefers-color-scheme:dark){")
	ground("#0d1117", "#e6edf3", "#9198a1", "#3d444d", 1)
	b.WriteString("}")
	return b.String()
}
