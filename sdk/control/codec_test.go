// SPDX-License-Identifier: Apache-2.0

package control

import (
	"bytes"
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/iostreamkit/iostreamkit/sdk/internal/record"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"pgregory.net/rapid"
)

func genScalar(typ Type) *rapid.Generator[Value] {
	return rapid.Custom(func(t *rapid.T) Value {
		switch typ {
		case TypeBool:
			return Bool(rapid.Bool().Draw(t, "bool"))
		case TypeInt:
			return Int(rapid.Int64().Draw(t, "int"))
		case TypeFloat:
			return Float(rapid.Float64().Draw(t, "float"))
		case TypeEnum:
			return Enum(rapid.IntRange(0, 3).Draw(t, "choice"))
		case TypeString:
			return String(rapid.StringMatching(`[ -~]{0,20}`).Draw(t, "string"))
		}
		return Bytes(rapid.SliceOfN(rapid.Byte(), 0, 20).Draw(t, "bytes"))
	})
}

// genShape draws a shape of which values of the type are good.
func genShape(typ Type) *rapid.Generator[Shape] {
	return rapid.Custom(func(t *rapid.T) Shape {
		s := Shape{Type: typ, Unit: rapid.StringMatching(`[a-zA-Z/]{0,4}`).Draw(t, "unit")}
		switch typ {
		case TypeEnum:
			s.Choices = []string{"a", "b", "c", "d"}
		case TypeString, TypeBytes:
			s.Length = rapid.SampledFrom([]int{0, 20, MaxLength}).Draw(t, "length")
		case TypeInt, TypeFloat:
			if rapid.Bool().Draw(t, "bounded") {
				s.Min, s.Max = genScalar(typ).Draw(t, "min"), genScalar(typ).Draw(t, "max")
				if s.Max.less(s.Min) {
					s.Min, s.Max = s.Max, s.Min
				}
			}
		case TypeStruct:
			for i := range rapid.IntRange(1, MaxFields).Draw(t, "fields") {
				typ := Type(rapid.IntRange(int(TypeBool), int(TypeBytes)).Draw(t, "type"))
				s.Fields = append(s.Fields, Field{Name: string(rune('a' + i)), Shape: genShape(typ).Draw(t, "shape")})
			}
			return s
		}
		if v := genScalar(typ).Draw(t, "default"); rapid.Bool().Draw(t, "has default") && s.Check(v) == nil {
			s.Default = v
		}
		return s
	})
}

func genInfo() *rapid.Generator[Info] {
	return rapid.Custom(func(t *rapid.T) Info {
		in := Info{
			Name: rapid.StringMatching(`[a-z0-9][a-zA-Z0-9._/-]{0,20}`).Draw(t, "name"),
			Text: rapid.StringMatching(`[ -~]{0,40}`).Draw(t, "text"),
		}
		if rapid.Bool().Draw(t, "call") {
			in.Access = CanCall
			in.Shape = genShape(Type(rapid.IntRange(0, int(TypeStruct)).Draw(t, "type"))).Draw(t, "shape")
			in.Result = genShape(Type(rapid.IntRange(0, int(TypeStruct)).Draw(t, "type"))).Draw(t, "result")
			return in
		}
		in.Access, in.Volatile = CanGet|CanSet, rapid.Bool().Draw(t, "volatile")
		in.Shape = genShape(Type(rapid.IntRange(1, int(TypeStruct)).Draw(t, "type"))).Draw(t, "shape")
		return in
	})
}

func TestInfosRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := reply{infos: rapid.SliceOfN(genInfo(), 0, 5).Draw(t, "infos"), next: rapid.Uint32().Draw(t, "next")}
		for i := range want.infos {
			if err := want.infos[i].Validate(); err != nil {
				t.Fatalf("generated: %v", err)
			}
		}
		b, err := record.Append(nil, replyFields, &want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := parseReply(b)
		if err != nil {
			t.Fatal(err)
		}
		if len(want.infos) == 0 {
			want.infos = nil
		}
		if !reflect.DeepEqual(*got, want) {
			t.Fatalf("got  %+v\nwant %+v", *got, want)
		}
	})
}

func TestValuesRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := genShape(Type(rapid.IntRange(int(TypeBool), int(TypeStruct)).Draw(t, "type"))).Draw(t, "shape")
		v := Value{typ: s.Type}
		for _, f := range s.Fields {
			v.fields = append(v.fields, genScalar(f.Shape.Type).Draw(t, "field"))
		}
		if s.Type != TypeStruct {
			v = genScalar(s.Type).Draw(t, "value")
		}
		b, err := record.Append(nil, requestFields, &request{name: "x", value: v})
		if err != nil {
			t.Fatal(err)
		}
		got, err := parseRequest(b)
		if err != nil || got.name != "x" || !got.value.Equal(v) {
			t.Fatalf("got %+v, %v, want %v", got, err, v)
		}
		// What people type is read back, except for a string that looks like a struct's syntax.
		if s.Check(v) == nil && s.Type != TypeStruct {
			if again, err := s.Parse(s.Format(v)); err != nil || !again.Equal(v) && again.String() != v.String() {
				t.Fatalf("%q is read as %v, %v", s.Format(v), again, err)
			}
		}
	})
}

// A hostile driver's list is refused with the rule that it breaks.
func TestHostileReplies(t *testing.T) {
	good := Info{Name: "x", Access: CanCall}
	many := reply{infos: make([]Info, MaxControls+1)}
	for i := range many.infos {
		many.infos[i] = good
	}
	if _, err := record.Append(nil, replyFields, &many); err == nil {
		t.Error("a reply with too many controls is written")
	}
	long := bytes.Repeat([]byte{0}, MaxMessage+1)
	write := func(r reply) []byte {
		b, err := record.Append(nil, replyFields, &r)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for say, b := range map[string][]byte{
		"too short":          nil,
		"at most 49152":      long,
		"and then 7":         write(reply{infos: []Info{good}, next: 7}),
		"it has no type":     write(reply{infos: []Info{{Name: "x", Access: CanGet}}}),
		"type 255 does not":  write(reply{infos: []Info{{Name: "x", Access: CanCall, Shape: Shape{Type: 255}}}}),
		"access 0x0 is none": write(reply{infos: []Info{{Name: "x"}}}),
	} {
		c := Client{Do: func(context.Context, Command, []byte) ([]byte, error) { return b, nil }}
		_, err := c.List(t.Context())
		if !errors.Is(err, ioreturn.ErrProtocol) || !strings.Contains(err.Error(), say) {
			t.Errorf("error %v, want a broken rule with %q", err, say)
		}
	}
}

// A driver whose list never ends is found out.
func TestListThatNeverEnds(t *testing.T) {
	asked := 0
	c := Client{Do: func(_ context.Context, _ Command, in []byte) ([]byte, error) {
		asked++
		req, err := parseRequest(in)
		if err != nil {
			return nil, err
		}
		return record.Append(nil, replyFields, &reply{infos: []Info{{Name: "x", Access: CanCall}}, next: req.from + 1})
	}}
	if _, err := c.List(t.Context()); !errors.Is(err, ioreturn.ErrProtocol) || asked != MaxControls+1 {
		t.Errorf("after %d questions: %v", asked, err)
	}
}

// FuzzServe gives a table any request: it answers, or refuses, and what it answers a
// client can read.
func FuzzServe(f *testing.F) {
	for _, r := range []request{{}, {name: "a", value: Int(1)}, {name: "b", value: Struct(Bool(true))}, {from: 1}} {
		b, err := record.Append(nil, requestFields, &r)
		if err != nil {
			f.Fatal(err)
		}
		for c := range CmdCall + 1 {
			f.Add(uint32(c), b)
		}
	}
	f.Fuzz(func(t *testing.T, cmd uint32, in []byte) {
		var table Table
		number := Shape{Type: TypeInt, Default: Int(0), Max: Int(9), Step: Int(3)}
		both := CanGet | CanSet
		for _, in := range []Info{
			{Name: "a", Access: both, Shape: number},
			{Name: "b", Access: both, Shape: Shape{
				Type: TypeStruct, Fields: []Field{{"x", Shape{Type: TypeBool}}}, Default: Struct(Bool(false)),
			}},
			{Name: "c", Access: both, Shape: Shape{Type: TypeString, Default: String("")}},
		} {
			if err := table.Add(in, Handler{}); err != nil {
				t.Fatal(err)
			}
		}
		out, err := table.Serve(t.Context(), Command(cmd), in, nil, MaxMessage)
		if err == nil {
			_, err = parseReply(out)
		}
		if err != nil && !errors.Is(err, ioreturn.ErrInvalid) && !errors.Is(err, ioreturn.ErrNotFound) &&
			!errors.Is(err, ioreturn.ErrUnsupported) && !errors.Is(err, ioreturn.ErrPermission) {
			t.Errorf("unexpected error %v", err)
		}
		for _, in := range table.List() {
			if v, err := table.Get(t.Context(), in.Name); err != nil || in.Shape.Check(v) != nil {
				t.Errorf("%s is %v now, %v", in.Name, v, err)
			}
		}
	})
}

// FuzzReply gives a client any reply.
func FuzzReply(f *testing.F) {
	b, err := record.Append(nil, replyFields, &reply{infos: []Info{{Name: "x", Access: CanCall}}, value: Struct(Int(1), Float(2))})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := parseReply(b)
		if err != nil {
			if !errors.Is(err, ioreturn.ErrProtocol) {
				t.Errorf("unexpected error %v", err)
			}
			return
		}
		for i := range r.infos {
			in := &r.infos[i]
			_ = in.Format(r.value) // whatever the value is
			_ = in.Any(r.value)
		}
	})
}
