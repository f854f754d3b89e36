// SPDX-License-Identifier: Apache-2.0

package ioreturn

import "fmt"

// Rule is one rule that both sides of a session keep. Its number is stable: it
// is never given to another rule. The text of every rule is in RuleText, and in
// docs/reference/errors.md, which is generated from it.
type Rule uint16

// The rules. A number is never reused; new rules go to the end of their group.
const (
	// Queues: 0x1001 up.
	RuleQueueMagic    Rule = 0x1001 // word 0 of a native ring is not the magic and version agreed on
	RuleQueueGeometry Rule = 0x1002 // count, entry offset or mapped length do not fit each other
	RuleQueueIndex    Rule = 0x1003 // an index moved backwards or past the ring
	RuleQueueFull     Rule = 0x1004 // a ring that holds every buffer is full
	RuleEntryBuffer   Rule = 0x1005 // an entry names a buffer that does not exist
	RuleEntryRange    Rule = 0x1006 // an entry's offset and length leave the buffer
	RuleEntryOwner    Rule = 0x1007 // an entry names a buffer that its sender does not own
	RuleQueueRoles    Rule = 0x1008 // both indices of a classic queue moved, or their roles changed
	RuleEntrySeq      Rule = 0x1009 // a sequence number did not grow

	// Wire: 0x1101 up.
	RuleFrameSize   Rule = 0x1101 // a frame is shorter or longer than its fields say
	RuleFrameType   Rule = 0x1102 // a frame of an unknown type or at the wrong time
	RuleFrameFDs    Rule = 0x1103 // descriptors are missing, too many, truncated or of the wrong kind
	RuleFrameID     Rule = 0x1104 // a reply to a call that is not outstanding, or two calls of one number
	RuleFrameLimit  Rule = 0x1105 // more calls outstanding, or more bytes, than the limits allow
	RuleHandshake   Rule = 0x1106 // the greeting is missing, late, repeated or makes no sense
	RuleVersion     Rule = 0x1107 // no common version, or a required feature is unknown
	RulePeerStalled Rule = 0x1108 // the peer does not read its socket
	RuleDescribe    Rule = 0x1109 // a description, event or other record cannot be decoded
	RuleAnswer      Rule = 0x110a // an answer has more or fewer words or bytes than its selector says

	// Memory: 0x1201 up.
	RuleMemorySize  Rule = 0x1201 // shared memory is shorter than announced
	RuleMemorySeals Rule = 0x1202 // a memfd lacks the seals that protect the mapping
	RuleMemoryKind  Rule = 0x1203 // memory of a kind that was not agreed on
	RuleMemoryRange Rule = 0x1204 // a region leaves its memory, is misaligned, or lies in the wrong writer's memory

	// Sessions: 0x1301 up.
	RuleStateAnswer Rule = 0x1301 // the driver's answer differs from the state table
	RuleBellBlocked Rule = 0x1302 // the peer made a bell unusable
)

// RuleText says what a rule is, why it is there, and what to do about a breach.
type RuleText struct {
	Rule   Rule
	Name   string // "QUEUE-INDEX"
	What   string // the rule, as a sentence about what must hold
	Why    string // what goes wrong without it
	Remedy string // what the author of the other side should look at
}

// String returns the rule's name, "QUEUE-INDEX".
func (r Rule) String() string {
	if t, ok := ruleText(r); ok {
		return t.Name
	}
	return fmt.Sprintf("Rule(0x%04x)", uint16(r))
}

// ID returns the stable code, "IOSK-E1003".
func (r Rule) ID() string { return fmt.Sprintf("IOSK-E%04X", uint16(r)) }

// Text returns the rule's text; ok is false for an unknown number.
func (r Rule) Text() (t RuleText, ok bool) { return ruleText(r) }
