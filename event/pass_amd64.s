#include "textflag.h"

// Bytes that a block of 32 is compared with.
#define FILL(name, word) \
	DATA name<>+0(SB)/8, $word  \
	DATA name<>+8(SB)/8, $word  \
	DATA name<>+16(SB)/8, $word \
	DATA name<>+24(SB)/8, $word \
	GLOBL name<>(SB), RODATA|NOPTR, $32

FILL(quote, 0x2222222222222222)
FILL(slant, 0x5c5c5c5c5c5c5c5c)
FILL(control, 0x1f1f1f1f1f1f1f1f)
FILL(half, 0x0f0f0f0f0f0f0f0f)

// What makes an escape with a backslash, by the lower half of its byte and the
// upper: bit 0 is for 0x2_, bit 1 for 0x5_, bit 2 for 0x6_, bit 3 for 0x7_.
DATA lower<>+0(SB)/8, $0x00040008000d0000
DATA lower<>+8(SB)/8, $0x0104000200000000
DATA lower<>+16(SB)/8, $0x00040008000d0000
DATA lower<>+24(SB)/8, $0x0104000200000000
GLOBL lower<>(SB), RODATA|NOPTR, $32
DATA upper<>+0(SB)/8, $0x0804020000010000
DATA upper<>+8(SB)/8, $0
DATA upper<>+16(SB)/8, $0x0804020000010000
DATA upper<>+24(SB)/8, $0
GLOBL upper<>(SB), RODATA|NOPTR, $32

// func passAVX2(data *byte, n int) (passed int, seen uint8)
//
// 32 bytes at once, as masks of a bit a byte: AX of what ends a text, DX of
// backslashes, DI of bytes beyond ASCII. R8 tells that the block before ended in a
// backslash; R9 and R10 gather what DI and DX held.
TEXT ·passAVX2(SB), NOSPLIT, $0-25
	MOVQ data+0(FP), SI
	MOVQ n+8(FP), CX
	VMOVDQU quote<>(SB), Y8
	VMOVDQU slant<>(SB), Y9
	VMOVDQU control<>(SB), Y10
	XORL BX, BX
	XORL R8, R8
	XORL R9, R9
	XORL R10, R10
	SUBQ $32, CX

loop:
	CMPQ BX, CX
	JGT rest
	VMOVDQU (SI)(BX*1), Y0
	VPCMPEQB Y8, Y0, Y1
	VPMINUB Y10, Y0, Y2
	VPCMPEQB Y0, Y2, Y2
	VPOR Y1, Y2, Y1
	VPCMPEQB Y9, Y0, Y3
	VPMOVMSKB Y1, AX
	VPMOVMSKB Y3, DX
	VPMOVMSKB Y0, DI
	MOVL DX, R11
	ORL R8, R11
	JNE escapes
	TESTL AX, AX
	JNE ends
	ORL DI, R9
	ADDQ $32, BX
	JMP loop

ends:
	LEAL -1(AX), R11
	XORL AX, R11
	ANDL R11, DI
	ORL DI, R9
	BSFL AX, AX
	ADDQ AX, BX
	MOVL $0x80, AX
	MOVL R9, CX
	ORL R10, CX
	JNE done
	VZEROUPPER
	MOVQ BX, passed+16(FP)
	MOVB AX, seen+24(FP)
	RET

// Which bytes stand behind a backslash that is none behind another, as simdjson
// finds them: in R13. AX keeps what ends the text, R12 what stands behind a
// backslash and is no short escape.
escapes:
	MOVL R8, R11
	NOTL R11
	ANDL DX, R11
	LEAL (R8)(R11*2), R13
	MOVL R13, R12
	NOTL R12
	ANDL R11, R12
	ANDL $0xaaaaaaaa, R12
	XORL R8, R8
	ADDL R11, R12
	ADCL R8, R8
	ADDL R12, R12
	XORL $0x55555555, R12
	ANDL R12, R13
	VMOVDQU lower<>(SB), Y4
	VMOVDQU upper<>(SB), Y5
	VPXOR Y6, Y6, Y6
	VPSRLW $4, Y0, Y7
	VPAND half<>(SB), Y7, Y7
	VPSHUFB Y0, Y4, Y4
	VPSHUFB Y7, Y5, Y5
	VPAND Y4, Y5, Y5
	VPCMPEQB Y6, Y5, Y5
	VPMOVMSKB Y5, R12
	ANDL R13, R12
	NOTL R13
	ANDL R13, AX
	MOVL AX, R11
	ORL R12, R11
	JNE special
	ORL DI, R9
	ORL DX, R10
	ADDQ $32, BX
	JMP loop

special:
	MOVL R11, R13
	NEGL R13
	ANDL R11, R13
	BSFL R11, R11
	ADDQ R11, BX
	TESTL R13, R12
	JNE back
	SUBL $1, R13
	ANDL R13, DI
	ANDL R13, DX
	ORL DI, R9
	ORL DX, R10
	MOVL $0x80, AX
	JMP done

// Behind a backslash stands no short escape: stop at the backslash.
back:
	SUBL $1, R13
	ANDL R13, DI
	ANDL R13, DX
	ORL DI, R9
	ORL DX, R10
	SUBQ $1, BX
	XORL AX, AX
	JMP done

rest:
	SUBQ R8, BX
	XORL AX, AX

done:
	XORL CX, CX
	TESTL R10, R10
	SETNE CX
	ORL CX, AX
	XORL CX, CX
	TESTL R9, R9
	SETNE CX
	SHLL $1, CX
	ORL CX, AX
	VZEROUPPER
	MOVQ BX, passed+16(FP)
	MOVB AX, seen+24(FP)
	RET
