// SPDX-License-Identifier: Apache-2.0

package ctl

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/iostreamkit/iostreamkit/sdk/userclient"
	"github.com/spf13/cobra"
)

const modulePath = "github.com/iostreamkit/iostreamkit"

// versionResult is what version prints.
type versionResult struct {
	Program string `json:"program" doc:"the program's name"`
	Version string `json:"version" doc:"the program's version; (devel) if it was not built from a release"`
	Library string `json:"library" doc:"version of IOStreamKit"`
	Commit  string `json:"commit,omitempty" doc:"commit that it was built from, with + if files had been changed"`
	ABI     string `json:"abi" doc:"version of the interface between clients and drivers"`
	Go      string `json:"go" doc:"version of Go that built it"`
	System  string `json:"system" doc:"operating system and machine, as linux/amd64"`
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the versions of the program and the interface",
		Args:  arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			v := a.version()
			text := fmt.Sprintf("%s %s (IOStreamKit %s, ABI %s, %s, %s)\n", v.Program, v.Version, v.Library, v.ABI, v.Go, v.System)
			if v.Commit != "" {
				text += "commit " + v.Commit + "\n"
			}
			return a.emit(stdout(cmd), v, text)
		},
	}
}

// version reads what the build recorded.
func (a *app) version() versionResult {
	const unknown = "(devel)"
	v := versionResult{
		Program: a.opts.Name, Version: unknown, Library: unknown,
		ABI: fmt.Sprintf("%d.%d", userclient.ABIMajor, userclient.ABIMinor),
		Go:  runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH,
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		v.fill(info)
	}
	v.Version = cmp.Or(a.opts.Version, v.Version)
	return v
}

func (v *versionResult) fill(info *debug.BuildInfo) {
	v.Version = cmp.Or(info.Main.Version, v.Version)
	for _, m := range append(info.Deps, &info.Main) {
		if m.Path == modulePath {
			v.Library = cmp.Or(m.Version, v.Library)
		}
	}
	var commit, changed string
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			commit = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			changed = "+"
		}
	}
	if commit != "" {
		v.Commit = commit + changed
	}
}
