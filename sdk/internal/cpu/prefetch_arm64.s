// SPDX-License-Identifier: Apache-2.0

#include "textflag.h"

// func Prefetch(p unsafe.Pointer)
TEXT ·Prefetch(SB), NOSPLIT, $0-8
	MOVD p+0(FP), R0
	PRFM (R0), PLDL1KEEP
	RET

// func PrefetchWrite(p unsafe.Pointer)
TEXT ·PrefetchWrite(SB), NOSPLIT, $0-8
	MOVD p+0(FP), R0
	PRFM (R0), PSTL1KEEP
	RET

// func PrefetchAll(b []byte)
TEXT ·PrefetchAll(SB), NOSPLIT, $0-24
	MOVD b_base+0(FP), R0
	MOVD b_len+8(FP), R1
	CMP $0, R1
	BLE done
line:
	PRFM (R0), PLDL1KEEP
	ADD $64, R0
	SUBS $64, R1
	BGT line
done:
	RET

// func PrefetchAllWrite(b []byte)
TEXT ·PrefetchAllWrite(SB), NOSPLIT, $0-24
	MOVD b_base+0(FP), R0
	MOVD b_len+8(FP), R1
	CMP $0, R1
	BLE done
line:
	PRFM (R0), PSTL1KEEP
	ADD $64, R0
	SUBS $64, R1
	BGT line
done:
	RET
