// SPDX-License-Identifier: Apache-2.0

//go:build linux

package rundir

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// Endings of the files of one stream. What stands before them is the stream's
// name with "/" as ",", a character that no name has.
const (
	lockEnding   = ".lock" // held by the driver; decides who has the name
	socketEnding = ".sock"
	infoEnding   = ".json" // held by the driver; decides stale or live
	newEnding    = ".new"  // the info file before it is published
)

// maxInfo bounds an info file: 64 properties of 255 bytes each way, escaped.
const maxInfo = 256 << 10

// infoFormat is the version of the info file. A reader refuses a newer one.
const infoFormat = 1

// record is the content of an info file.
type record struct {
	Format     int               `json:"format"`
	Name       string            `json:"name"`
	PID        int               `json:"pid"`
	Program    string            `json:"program"`
	Instance   uint64            `json:"instance,string"` // many readers of JSON have no 64-bit integers
	ABI        string            `json:"abi"`
	Properties map[string]string `json:"properties,omitempty"`
}

// stem returns the part of a stream's file names before the ending.
func stem(name string) string { return strings.ReplaceAll(name, "/", ",") }

// nameOf returns the stream whose info file is called file.
func nameOf(file string) (name string, ok bool) {
	s, ok := strings.CutSuffix(file, infoEnding)
	if !ok || strings.Contains(s, "/") {
		return "", false
	}
	name = strings.ReplaceAll(s, ",", "/")
	_, _, _, err := userclient.ParseName(name)
	return name, err == nil
}

// newRecord checks info and returns what is to be written about it.
func newRecord(info Info) (record, error) {
	r := record{
		Format:     infoFormat,
		Name:       info.Name,
		PID:        os.Getpid(),
		Program:    info.Program,
		Instance:   info.Instance,
		ABI:        fmt.Sprintf("%d.%d", userclient.ABIMajor, userclient.ABIMinor),
		Properties: info.Properties,
	}
	if r.Program == "" {
		r.Program = program()
	}
	if info.SocketMode&^0o777 != 0 {
		return record{}, fmt.Errorf("socket mode %v has more than permissions (%w)", info.SocketMode, ioreturn.ErrInvalid)
	}
	if err := r.check(); err != nil {
		return record{}, fmt.Errorf("%w (%w)", err, ioreturn.ErrInvalid)
	}
	return r, nil
}

// program returns the name of this program, as a text that every record accepts.
func program() string {
	path, err := os.Executable()
	if err != nil {
		path = os.Args[0]
	}
	if name := userclient.CleanText(filepath.Base(path)); name != "" {
		return name
	}
	return "unknown"
}

// parseInfo decodes the content of an info file. It accepts any input without
// panicking, and returns only what newRecord could have made.
func parseInfo(b []byte) (record, error) {
	if len(b) > maxInfo {
		return record{}, fmt.Errorf("it has more than %d bytes", maxInfo)
	}
	var r record
	if err := json.Unmarshal(b, &r); err != nil {
		return record{}, fmt.Errorf("it is not the JSON object expected: %w", err)
	}
	if r.Format != infoFormat {
		return record{}, fmt.Errorf("it has format %d, this program reads format %d", r.Format, infoFormat)
	}
	return r, r.check()
}

// check reports the first field that is out of bounds. The bounds are those of a
// Description; in particular no text has a control character, because lists are
// printed on terminals.
func (r record) check() error {
	if _, _, _, err := userclient.ParseName(r.Name); err != nil {
		return err
	}
	if r.PID <= 0 || r.PID > math.MaxInt32 {
		return fmt.Errorf("PID %d is none", r.PID)
	}
	if r.Program == "" {
		return errors.New("the program has no name")
	}
	if err := checkText("program", r.Program); err != nil {
		return err
	}
	if _, err := r.version(); err != nil {
		return err
	}
	if n := len(r.Properties); n > userclient.MaxProperties {
		return fmt.Errorf("%d properties, at most %d are allowed", n, userclient.MaxProperties)
	}
	for key, value := range r.Properties {
		if key == "" {
			return errors.New("a property has no name")
		}
		if err := checkText("property name", key); err != nil {
			return err
		}
		if err := checkText("property "+key, value); err != nil {
			return err
		}
	}
	return nil
}

func checkText(what, s string) error {
	if len(s) > userclient.MaxText {
		return fmt.Errorf("%s has %d bytes, at most %d are allowed", what, len(s), userclient.MaxText)
	}
	if userclient.CleanText(s) != s {
		return fmt.Errorf("%s %q is not UTF-8 without control characters", what, s)
	}
	return nil
}

// version returns the ABI version of the driver.
func (r record) version() (v userclient.Version, err error) {
	major, minor, _ := strings.Cut(r.ABI, ".")
	a, err1 := strconv.ParseUint(major, 10, 16)
	b, err2 := strconv.ParseUint(minor, 10, 16)
	if err1 != nil || err2 != nil {
		return v, fmt.Errorf("ABI version %.20q is not of the form 1.0", r.ABI)
	}
	return userclient.Version{Major: uint16(a), Minor: uint16(b)}, nil
}
