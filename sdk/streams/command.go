// SPDX-License-Identifier: Apache-2.0

package streams

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"strconv"
)

// Command is the number of an ioctl. Those that the stream head carries out itself
// have the names below; all others travel to the modules and the driver as M_IOCTL.
type Command uint32

// The commands of the stream head, in the numbers of System V: 'S' << 8 and a
// counter. Arguments, results and errors are in docs/reference/streams.md.
const (
	CmdNRead     Command = 0x5301 // I_NREAD: how much is there to read
	CmdPush      Command = 0x5302 // I_PUSH: put a module on top
	CmdPop       Command = 0x5303 // I_POP: take the top module off
	CmdLook      Command = 0x5304 // I_LOOK: name of the top module
	CmdFlush     Command = 0x5305 // I_FLUSH: throw queued messages away
	CmdSetRead   Command = 0x5306 // I_SRDOPT: set the read options
	CmdGetRead   Command = 0x5307 // I_GRDOPT: get the read options
	CmdStr       Command = 0x5308 // I_STR: send a command down and wait for its answer
	CmdSetSig    Command = 0x5309 // I_SETSIG: ask to be told of events
	CmdGetSig    Command = 0x530a // I_GETSIG: which events
	CmdFind      Command = 0x530b // I_FIND: is a module in the stream
	CmdLink      Command = 0x530c // I_LINK: put a stream below a multiplexer
	CmdUnlink    Command = 0x530d // I_UNLINK: undo I_LINK
	CmdRecvFD    Command = 0x530e // I_RECVFD: take an open file from a pipe
	CmdPeek      Command = 0x530f // I_PEEK: look at the first message
	CmdFDInsert  Command = 0x5310 // I_FDINSERT: send a message that names another stream
	CmdSendFD    Command = 0x5311 // I_SENDFD: pass an open file through a pipe
	CmdSetWrite  Command = 0x5313 // I_SWROPT: set the write options
	CmdGetWrite  Command = 0x5314 // I_GWROPT: get the write options
	CmdList      Command = 0x5315 // I_LIST: names of modules and driver
	CmdPLink     Command = 0x5316 // I_PLINK: a link that survives its maker
	CmdPUnlink   Command = 0x5317 // I_PUNLINK: undo I_PLINK
	CmdAnchor    Command = 0x5318 // I_ANCHOR: pops below need privilege
	CmdFlushBand Command = 0x531c // I_FLUSHBAND: throw the messages of a band away
	CmdCheckBand Command = 0x531d // I_CKBAND: is a message of the band there
	CmdGetBand   Command = 0x531e // I_GETBAND: band of the first message
	CmdAtMark    Command = 0x531f // I_ATMARK: is the first message marked
	CmdSetClose  Command = 0x5320 // I_SETCLTIME: set how long a close waits
	CmdGetClose  Command = 0x5321 // I_GETCLTIME: get how long a close waits
	CmdCanPut    Command = 0x5322 // I_CANPUT: is there room in a band
	CmdSetErr    Command = 0x5323 // I_SERROPT: set whether errors stay
	CmdGetErr    Command = 0x5324 // I_GERROPT: get whether errors stay
	CmdESetSig   Command = 0x5325 // I_ESETSIG: I_SETSIG for another process
	CmdEGetSig   Command = 0x5326 // I_EGETSIG: I_GETSIG for another process

	// Two numbers that Solaris keeps to itself. The head only refuses them in I_STR.
	CmdPeerCred Command = 0x5331 // _I_GETPEERCRED
	CmdPLinkLH  Command = 0x5332 // _I_PLINK_LH

	// Commands on the read queue that other systems share, in the coding of BSD.
	CmdFIONRead Command = 0x4004667f // FIONREAD: bytes to read, through the argument
	CmdFIORdChk Command = 0x20006603 // FIORDCHK: bytes to read, as the result
)

// CommandName is a command with its published name.
type CommandName struct {
	Command Command
	Name    string // "I_PUSH"
}

// Commands yields the commands of the stream head in the order of their numbers.
func Commands() iter.Seq[CommandName] { return slices.Values(commandNames) }

// String returns the published name, "I_PUSH", or the number, "0x54ff".
func (c Command) String() string {
	i, ok := slices.BinarySearchFunc(commandNames, c, func(n CommandName, c Command) int { return cmp.Compare(n.Command, c) })
	if !ok {
		return fmt.Sprintf("%#x", uint32(c))
	}
	return commandNames[i].Name
}

// ParseCommand returns the command that s names: a published name, "I_PUSH", or a
// number as Go writes it, "0x5302".
func ParseCommand(s string) (Command, error) {
	for _, n := range commandNames {
		if n.Name == s {
			return n.Command, nil
		}
	}
	v, err := strconv.ParseUint(s, 0, 32)
	if err != nil {
		return 0, fmt.Errorf("%q is no command: want a name such as I_PUSH or a number of 32 bits", s)
	}
	return Command(v), nil
}

// HeadOnly reports whether modules trust that only a stream head sends c, so that
// I_STR refuses to carry it.
func (c Command) HeadOnly() bool {
	switch c {
	case CmdLink, CmdUnlink, CmdPLink, CmdPUnlink, CmdPeerCred, CmdPLinkLH:
		return true
	}
	return false
}

// NeedsWriteSide reports whether an error of the write side stops c, besides one of
// the read side. Commands that only look at the read queue go on.
func (c Command) NeedsWriteSide() bool {
	switch c {
	case CmdRecvFD, CmdPeek, CmdNRead, CmdAtMark, CmdFIONRead, CmdFIORdChk:
		return false
	}
	return true
}

// commandNames are the commands in the order of their numbers.
var commandNames = []CommandName{
	{CmdNRead, "I_NREAD"}, {CmdPush, "I_PUSH"}, {CmdPop, "I_POP"}, {CmdLook, "I_LOOK"}, {CmdFlush, "I_FLUSH"},
	{CmdSetRead, "I_SRDOPT"}, {CmdGetRead, "I_GRDOPT"}, {CmdStr, "I_STR"}, {CmdSetSig, "I_SETSIG"}, {CmdGetSig, "I_GETSIG"},
	{CmdFind, "I_FIND"}, {CmdLink, "I_LINK"}, {CmdUnlink, "I_UNLINK"}, {CmdRecvFD, "I_RECVFD"}, {CmdPeek, "I_PEEK"},
	{CmdFDInsert, "I_FDINSERT"}, {CmdSendFD, "I_SENDFD"}, {CmdSetWrite, "I_SWROPT"}, {CmdGetWrite, "I_GWROPT"},
	{CmdList, "I_LIST"}, {CmdPLink, "I_PLINK"}, {CmdPUnlink, "I_PUNLINK"}, {CmdAnchor, "I_ANCHOR"},
	{CmdFlushBand, "I_FLUSHBAND"}, {CmdCheckBand, "I_CKBAND"}, {CmdGetBand, "I_GETBAND"}, {CmdAtMark, "I_ATMARK"},
	{CmdSetClose, "I_SETCLTIME"}, {CmdGetClose, "I_GETCLTIME"}, {CmdCanPut, "I_CANPUT"}, {CmdSetErr, "I_SERROPT"},
	{CmdGetErr, "I_GERROPT"}, {CmdESetSig, "I_ESETSIG"}, {CmdEGetSig, "I_EGETSIG"},
	{CmdPeerCred, "_I_GETPEERCRED"}, {CmdPLinkLH, "_I_PLINK_LH"},
	{CmdFIORdChk, "FIORDCHK"}, {CmdFIONRead, "FIONREAD"},
}
