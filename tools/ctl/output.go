// SPDX-License-Identifier: Apache-2.0

package ctl

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// stdout returns a command's standard output.
func stdout(cmd *cobra.Command) io.Writer { return outWriter{cmd.OutOrStdout()} }

// emit prints one result: v as a line of JSON, or text.
func (a *app) emit(w io.Writer, v any, text string) error {
	if a.json {
		return json.NewEncoder(w).Encode(v)
	}
	_, err := io.WriteString(w, text)
	return err
}

// size returns a number of bytes for people: "1.5 MB".
func size(n uint64) string {
	if n < 1000 {
		return fmt.Sprintf("%d B", n)
	}
	return scaled(float64(n)) + "B"
}

// rate returns bytes in a time for people: "1.5 GB/s".
func rate(bytes uint64, d time.Duration) string {
	if d <= 0 {
		return "-"
	}
	return scaled(float64(bytes)/d.Seconds()) + "B/s"
}

// scaled returns three digits and a decimal prefix: "12.3 k".
func scaled(v float64) string {
	const prefixes = " kMGTPE"
	i := 0
	for v >= 999.5 && i < len(prefixes)-1 {
		v /= 1000
		i++
	}
	digits := 0
	switch {
	case i > 0 && v < 9.995:
		digits = 2
	case i > 0 && v < 99.95:
		digits = 1
	}
	return fmt.Sprintf("%.*f %s", digits, v, strings.TrimSpace(prefixes[i:i+1]))
}

// number returns a number for people, with what is counted, if anything: "12.3 k frames",
// "899 frames", "1.2 M".
func number(v float64, what string) string {
	return strings.TrimSpace(strings.TrimSpace(scaled(v)) + " " + what)
}

// checkWritable reports whether a file can be written later, so that a long run does not
// end with a result that has no place. It leaves the file as it was; what is no plain
// file, such as a pipe, is not touched at all. An empty path is no file.
func checkWritable(path string) error {
	if path == "" {
		return nil
	}
	info, err := os.Stat(path)
	switch {
	case err == nil && !info.Mode().IsRegular() && !info.IsDir():
		return nil
	case err == nil:
		file, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		return file.Close()
	}
	if _, err := os.Lstat(path); err == nil {
		return nil // a link to what is not there yet
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	return errors.Join(file.Close(), os.Remove(path))
}

// plural returns "1 frame" or "2 frames".
func plural[N ~int | ~uint32 | ~uint64](n N, what string) string {
	if n == 1 {
		return "1 " + what
	}
	if strings.HasSuffix(what, "y") {
		return fmt.Sprintf("%d %sies", n, strings.TrimSuffix(what, "y"))
	}
	return fmt.Sprintf("%d %ss", n, what)
}
