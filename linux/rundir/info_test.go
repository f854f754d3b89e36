// SPDX-License-Identifier: Apache-2.0

//go:build linux

package rundir

import (
	"encoding/json"
	"maps"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// FuzzParseInfo asserts that no info file makes a reader panic, and that what is
// accepted is in bounds and could have been written by a driver.
func FuzzParseInfo(f *testing.F) {
	valid := `{"format":1,"name":"acme/cam0/video","pid":12,"program":"camd","instance":"7","abi":"0.1","properties":{"serial":"4711"}}`
	f.Add([]byte(valid))
	f.Add([]byte(strings.Replace(valid, "12", "-1", 1)))
	f.Add([]byte(strings.Replace(valid, "0.1", "0.99999", 1)))
	f.Add([]byte(strings.Replace(valid, "camd", `\u001b`, 1)))
	f.Add([]byte(valid + "{}"))
	f.Add([]byte(""))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := parseInfo(b)
		if err != nil {
			return
		}
		info := Info{Name: r.Name, Program: r.Program, Instance: r.Instance, Properties: r.Properties}
		if _, err := newRecord(info); err != nil {
			t.Errorf("%q was accepted, but cannot be registered: %v", b, err)
		}
		if _, err := r.version(); err != nil {
			t.Error(err)
		}
		again, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if s, err := parseInfo(again); err != nil || s.PID != r.PID || !maps.Equal(s.Properties, r.Properties) {
			t.Errorf("%+v became %+v, %v", r, s, err)
		}
	})
}

func TestLargestInfoIsAccepted(t *testing.T) {
	props := make(map[string]string)
	for i := range userclient.MaxProperties {
		key := strconv.Itoa(i)
		props[key+strings.Repeat("<", userclient.MaxText-len(key))] = strings.Repeat(">", userclient.MaxText) // six bytes each in JSON
	}
	d := newDir(t)
	o, err := offer(d, Info{Name: camera, Program: strings.Repeat("&", userclient.MaxText), Properties: props})
	must(t, err)
	defer o.close()
	if s, err := d.Find(camera); err != nil || !maps.Equal(s.Properties, props) {
		t.Errorf("got %d properties, %v", len(s.Properties), err)
	}
	if _, err := d.Register(Info{Name: camera}); err == nil || !strings.Contains(err.Error(), "&&&") {
		t.Errorf("the holder's name is not read: %v", err)
	}
}

func TestFileNamesOfStreams(t *testing.T) {
	for _, name := range []string{camera, "a/b/c", "a.b/c-d/e_f", "A.json/b.sock/c.lock"} {
		got, ok := nameOf(stem(name) + infoEnding)
		if !ok || got != name {
			t.Errorf("%s became %q, %v", name, got, ok)
		}
	}
	for _, file := range []string{"", ".json", "a,b.json", "a,b,c", "a/b/c.json", "a,b/c,d.json", "a,,c.json", "..,b,c.json", "a,b,c.sock"} {
		if got, ok := nameOf(file); ok {
			t.Errorf("%q became %q", file, got)
		}
	}
}

func TestEveryFieldTravels(t *testing.T) {
	r, err := newRecord(Info{Name: camera, Program: "p", Instance: 3, Properties: map[string]string{"a": "b"}})
	must(t, err)
	v := reflect.ValueOf(r)
	for i := range v.NumField() {
		if v.Field(i).IsZero() {
			t.Errorf("%s is not set by this test", v.Type().Field(i).Name)
		}
	}
	b, err := json.Marshal(r)
	must(t, err)
	if got, err := parseInfo(b); err != nil || !reflect.DeepEqual(got, r) {
		t.Errorf("%+v became %+v, %v", r, got, err)
	}
}
