// SPDX-License-Identifier: Apache-2.0

// Command bench measures streams side by side with the least that a machine allows, in
// small C programs, and with other ways to send messages between processes.
//
// Jobs run in random order inside rounds, so that a change of the machine is a change
// for all of them, and only ratios count. A job is given a quiet machine if one comes in
// time; what other programs took meanwhile is measured, and disturbed samples are
// dropped where enough others remain.
//
// The peers are the standard library over Unix sockets and pipes, gRPC, whose module in
// peers is built where it is, and the ZeroMQ and iceoryx of Debian, which are built where
// they are installed. Each does with its own means what a stream does: copy a message in
// one process, and read one word of each cache line in the other. Of a peer that is not
// there the table says so, and what would help.
//
// Where all rows are run, or -svg says so, the distributions of the round trips are drawn
// too, for one CPU and for two. With -curves no rows are run, and the figures of
// docs/guides/performance.md are measured and drawn.
package main
