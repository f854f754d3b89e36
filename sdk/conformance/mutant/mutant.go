// SPDX-License-Identifier: Apache-2.0

package mutant

import (
	"context"
	"slices"

	"github.com/iostreamkit/iostreamkit/sdk/conformance"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// Mutant is a driver that breaks a rule.
type Mutant struct {
	Name  string // unique, of lower-case words: "reopen-busy"
	Rule  string // the primary rule: the one that must fail
	Wrong string // what the driver does wrong, in one sentence
	// New makes the driver. The caller closes the target.
	New func() conformance.Target
	// Device is what the suite is told about it. Nil means only that everything is allowed.
	Device *conformance.Device
}

// Mutants returns every mutant, by area.
func Mutants() []Mutant {
	return slices.Concat(
		lifeMutants(),
		stateMutants(),
		modeMutants(),
		descMutants(),
		bufMutants(),
		exclMutants(),
		seqMutants(),
		lossMutants(),
		stopMutants(),
		clockMutants(),
		eventMutants(),
		formatMutants(),
		inputMutants(),
		badMutants(),
		hostileMutants(),
		queueMutants(),
		classicMutants(),
		bellMutants(),
		ownMutants(),
		leaseMutants(),
		dataMutants(),
		deathMutants(),
		planeMutants(),
		talkMutants(),
		namedMutants(),
	)
}

// Options returns how the suite is run on the mutant. only is the rules to run; nil is all.
func (m *Mutant) Options(only ...string) *conformance.Options {
	d := conformance.Device{}
	if m.Device != nil {
		d = *m.Device
	}
	d.AllowDestructive = true
	if d.SafeCommands == nil {
		d.SafeCommands, d.SafeModules = SafeCommands(), SafeModules()
	}
	return &conformance.Options{Device: &d, Only: only, Seed: 1}
}

// hooked is a loopback driver with hooks. New hooks are made for each start, so that
// they may keep state in a closure.
func hooked(name string, hooks func() Hooks) func() conformance.Target {
	return changed(name, LoopbackConfig(), Echo, hooks)
}

// changed is a correct driver of some configuration with hooks.
func changed(name string, cfg iostream.DriverConfig, loop Loop, hooks func() Hooks) func() conformance.Target {
	return func() conformance.Target {
		return conformance.FromStart(name, func() (userclient.Provider, func() error, error) {
			return Served(cfg, nil, loop, Wrapping(hooks()))()
		})
	}
}

// onCall makes hooks that replace the answer to one selector.
func onCall(sel uint32, answer func(ctx context.Context, s *Session, a *userclient.Args, next func() error) error) func() Hooks {
	return func() Hooks {
		return Hooks{Call: func(ctx context.Context, s *Session, a *userclient.Args, next func() error) error {
			if a.Selector == sel {
				return answer(ctx, s, a, next)
			}
			return next()
		}}
	}
}

// answering makes hooks that answer one selector in one state with a code, without
// asking the driver.
func answering(sel uint32, in userclient.State, code ioreturn.Code) func() Hooks {
	return onCall(sel, func(_ context.Context, s *Session, _ *userclient.Args, next func() error) error {
		if s.State() == in {
			return code.Err()
		}
		return next()
	})
}
