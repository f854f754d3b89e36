// SPDX-License-Identifier: Apache-2.0

// Package rundir is how streams are found on Linux: drivers register the names of
// their streams in a run directory, clients look them up there.
//
// Default and At choose the directory. A driver calls Register, listens on
// SocketPath, calls Publish, and at the end Close. A client calls Find, List or
// Watch. Nothing here connects to a driver, so a driver that hangs holds nobody up.
// docs/reference/discovery.md is the description for users.
//
// # Files
//
// A stream "acme/cam0/video" has up to four files, all named after it with a comma
// for each slash:
//
//	acme,cam0,video.lock  locked by the driver from Register to its end; names it
//	acme,cam0,video.sock  the socket, made by whoever listens
//	acme,cam0,video.new   the info file before Publish
//	acme,cam0,video.json  the info file, from Publish on; also locked by the driver
//
// The locks are those of open file descriptions: they end with the process, however
// it ends, and a reader can ask for them without taking them.
//
// # Why nobody is disturbed
//
// A driver may be killed between any two steps, the next may be starting, and
// readers look on all the time. These rules keep them apart:
//
//  1. Only the holder of a name makes, renames or removes its files. The holder is
//     the process that has locked the lock file and has seen, after that, that the
//     file still has its name. There is never more than one: for a second process
//     to see another file under the name, the first file must have been removed,
//     which only its holder does, as its last act (Close).
//  2. Whatever a killed driver leaves has one of the four names. The next holder of
//     the name removes it before it makes anything, so nothing piles up and
//     nothing needs cleaning. No file has a random name.
//  3. An info file is a new file each time and is locked before it gets the name
//     that readers open; nobody locks it later. So its lock is held by the driver
//     that wrote it or by nobody, and neither another user nor a reader can make a
//     dead driver look alive or keep a new one from starting. The lock file, which
//     decides who may start, can be opened by its owner only.
//  4. A reader asks for the lock of, and reads, one open file. It never combines
//     the lock of one driver with the words of another. The file is complete
//     before it gets its name, by a rename, so no reader sees half of one.
//  5. Readers take no lock and remove nothing. Listing cannot make a start fail.
//  6. When a driver dies, the kernel releases its two locks one after the other. In
//     between, the stream may be listed as live although its name is free, or as
//     stale although the name is still taken, for less than the time of a context
//     switch. The first ends in a failed connect, the second in one ErrBusy.
//  7. A client that finds a stream and connects a moment later may meet the next
//     driver of the same name. That is the stream it named; the instance in the
//     description tells the two apart.
//
// What this does not cover is a lock file that somebody removes by hand while its
// driver runs. The driver's Close then touches nothing, and the name is free for
// another; only if that other starts in the very moment between the check and the
// removal in Close, its files may be removed.
//
// A process that a driver forks without executing another program keeps the
// driver's locks when the driver dies, as it keeps its sockets. The name stays
// taken until that process ends, and the error of Register says so.
package rundir
