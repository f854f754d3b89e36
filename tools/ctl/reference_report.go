// SPDX-License-Identifier: Apache-2.0

package ctl

// reportDocs has the text for each field of what conform prints, by type and name. The
// types are those of package conformance, whose fields have no such text.
func reportDocs() map[string]string {
	return map[string]string{
		"Report.schema":     "version of this object; grows when a field changes its meaning",
		"Report.suite":      "version of the suite",
		"Report.abi":        "version of the interface that the suite checks",
		"Report.result":     "conformant, not conformant or incomplete",
		"Report.target":     "the stream that was checked",
		"Report.driver":     "who was checked, as the driver tells it",
		"Report.host":       "where the suite ran",
		"Report.started":    "when the run began, as RFC 3339",
		"Report.duration_s": "how long the run took, in seconds",
		"Report.settings":   "what the run needs to be repeated",
		"Report.claimed":    "capabilities that the driver is said to have",
		"Report.split":      "whose work the passes show, for a driver built on package iostream",
		"Report.warnings":   "what else should be known: waivers that expired or are not needed, a driver that died",
		"Report.rules":      "every rule of the run",

		"Totals.pass":        "rules for which no breach was seen",
		"Totals.fail":        "rules that are broken, of both levels",
		"Totals.skip":        "rules that were not checked, for a reason",
		"Totals.not_claimed": "rules about something that the driver does not offer",
		"Totals.error":       "rules that could not be checked",
		"Totals.should_fail": "how many of those that are broken are advice",
		"Totals.waived":      "how many are broken or not checked under a waiver",

		"Identity.name":       "the stream's name",
		"Identity.driver":     "the driver's program",
		"Identity.version":    "its version",
		"Identity.instance":   "differs each time that the driver is started",
		"Identity.abi_min":    "oldest version of the interface that it speaks",
		"Identity.abi_max":    "newest version of the interface that it speaks",
		"Identity.direction":  "from-device, to-device or both-ways",
		"Identity.policy":     "what happens when no buffer is free",
		"Identity.properties": "vendor, model, serial, bus and others",

		"Host.name": "name of the machine",
		"Host.os":   "operating system",
		"Host.arch": "machine",
		"Host.cpus": "number of processors",
		"Host.go":   "version of Go that built the suite",

		"Settings.profiles":   "whose rules were to be checked",
		"Settings.only":       "patterns of --only",
		"Settings.skip":       "patterns of --skip",
		"Settings.seed":       "the seed, as a string because it has 64 bits",
		"Settings.shuffle":    "the order of the rules followed from the seed",
		"Settings.time_scale": "factor of all bounds on time, the device's own included",
		"Settings.reproduce":  "the command that repeats the run",

		"Share.origin": "vendor: the driver's own code; library: package iostream; both",
		"Share.pass":   "rules that must be kept and passed",
		"Share.of":     "rules that must be kept and apply",

		"RuleResult.id":         "the rule's name",
		"RuleResult.title":      "what holds, in a few words",
		"RuleResult.profile":    "core, streaming, zero-copy or timing",
		"RuleResult.level":      "must or should",
		"RuleResult.origin":     "as in split",
		"RuleResult.verdict":    "pass, fail, skip, not_claimed or error",
		"RuleResult.reason":     "of a skip, an error, or a rule that is not claimed",
		"RuleResult.messages":   "what was seen",
		"RuleResult.notes":      "what else the check has to say",
		"RuleResult.why":        "of a failure: why it matters",
		"RuleResult.remedy":     "of a failure: where to look",
		"RuleResult.duration_s": "how long the check took, in seconds",
		"RuleResult.waiver":     "the device file's waiver, if one counts",

		"Waiver.rule":    "the rule's name",
		"Waiver.reason":  "why it is waived",
		"Waiver.expires": "the last day on which it counts",

		"RuleChange.id":     "the rule's name",
		"RuleChange.title":  "what holds, in a few words",
		"RuleChange.kind":   "new failure, new error, new skip, new waiver, lost claim or vanished: for the worse; repaired, added or changed",
		"RuleChange.old":    "verdict of the old report",
		"RuleChange.new":    "verdict of the new report",
		"RuleChange.detail": "what was seen, or the reason",
	}
}
