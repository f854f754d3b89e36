// SPDX-License-Identifier: Apache-2.0

package ctl

import (
	"errors"
	"strings"
)

// splitWords splits a command line like a shell: words are separated by blanks, and
// quotes and backslashes keep what is special to it. Nothing is expanded.
func splitWords(line string) ([]string, error) {
	var words []string
	var word strings.Builder
	within, quote := false, rune(0) // a word; its open quote
	escaped := false
	for _, r := range line {
		switch {
		case escaped:
			if quote == '"' && r != '"' && r != '\\' {
				word.WriteByte('\\')
			}
			word.WriteRune(r)
			escaped = false
		case r == '\\' && quote != '\'':
			within, escaped = true, true
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(r)
		case r == '\'' || r == '"':
			within, quote = true, r
		case strings.ContainsRune(" \t\n", r):
			if within {
				words = append(words, word.String())
				word.Reset()
				within = false
			}
		default:
			within = true
			word.WriteRune(r)
		}
	}
	switch {
	case quote != 0:
		return nil, errors.New("a quote is not closed")
	case escaped:
		return nil, errors.New("nothing follows the backslash at its end")
	case within:
		words = append(words, word.String())
	}
	return words, nil
}

// plainWord are the characters that no shell finds special.
const plainWord = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:=,+@%"

// joinWords makes words into a line for a shell that splits into them again.
func joinWords(words ...string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		if quoted[i] = w; w == "" || strings.Trim(w, plainWord) != "" {
			quoted[i] = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
	}
	return strings.Join(quoted, " ")
}
