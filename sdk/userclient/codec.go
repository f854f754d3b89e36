// SPDX-License-Identifier: Apache-2.0

package userclient

import (
	"fmt"

	"github.com/iostreamkit/iostreamkit/sdk/internal/record"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
)

// field is one row of a record's table.
type field[T any] = record.Field[T]

// CleanText returns s as a text that every record accepts: control characters and
// what is not UTF-8 become spaces and question marks, and what is longer than
// MaxText is cut at a character. Use it for texts from elsewhere, such as the
// message of an error that becomes the Text of an Event.
func CleanText(s string) string { return record.CleanText(s) }

// encoded gives the error of an encoder its meaning and its object.
func encoded(b []byte, what string, err error) ([]byte, error) {
	if err != nil {
		return b, fmt.Errorf("encode %s: %w (%w)", what, err, ioreturn.ErrInvalid)
	}
	return b, nil
}

// decoded turns the error of a decoder into a breach of RuleDescribe.
func decoded(what string, err error) error {
	if err != nil {
		return ioreturn.Broken(ioreturn.RuleDescribe, "%s: %v", what, err)
	}
	return nil
}
