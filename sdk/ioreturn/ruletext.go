// SPDX-License-Identifier: Apache-2.0

package ioreturn

func ruleText(r Rule) (RuleText, bool) {
	for _, t := range ruleTexts {
		if t.Rule == r {
			return t, true
		}
	}
	return RuleText{}, false
}

var ruleTexts = []RuleText{}
