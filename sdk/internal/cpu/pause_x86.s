// SPDX-License-Identifier: Apache-2.0

//go:build 386 || amd64

#include "textflag.h"

// func Pause()
TEXT ·Pause(SB), NOSPLIT, $0-0
	PAUSE
	RET
