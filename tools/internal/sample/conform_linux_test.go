// SPDX-License-Identifier: Apache-2.0

package sample

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"testing"

	"github.com/iostreamkit/iostreamkit/internal/leak"
	"github.com/iostreamkit/iostreamkit/tools/internal/offer"
	"github.com/iostreamkit/iostreamkit/tools/target"
)

// asDriver makes this test program serve the sample that it names.
const asDriver = "IOSTREAMKIT_TEST_SAMPLE"

func TestMain(m *testing.M) {
	if name := os.Getenv(asDriver); name != "" {
		if err := serve(name); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	leak.Main(m)
}

func serve(name string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	all := samples()
	i := slices.IndexFunc(all, func(u underTest) bool { return u.name == name })
	if i < 0 {
		return fmt.Errorf("there is no sample %q", name)
	}
	p, end, err := all[i].start()
	if err != nil {
		return err
	}
	return errors.Join(offer.Serve(ctx, p), end())
}

// TestConformanceOfProcesses runs the suite on every sample in a process of its own,
// which it kills and starts anew for the rules about that.
func TestConformanceOfProcesses(t *testing.T) {
	for _, u := range samples() {
		t.Run(u.name, func(t *testing.T) {
			t.Parallel()
			driver, err := target.Start(t.Context(), target.Program{Args: []string{os.Args[0]}, Env: []string{asDriver + "=" + u.name}})
			if err != nil {
				t.Fatal(err)
			}
			u.conform(t, driver, "socket")
			for _, death := range driver.Deaths() {
				t.Errorf("a driver died: %v", death)
			}
			if err := driver.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}
