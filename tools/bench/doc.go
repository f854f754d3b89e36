// SPDX-License-Identifier: Apache-2.0

// Command bench measures streams side by side with the least that a machine allows, in
// small C programs, and with other ways to send messages between processes.
//
// Jobs run in random order inside rounds, so that a change of the machine is a change
// for all of them, and only ratios count. A job is given a quiet machine if one comes in
// time; what other programs took meanwhile is measured, and disturbed samples are
// dropped where enough others remain.
package main
