#include "textflag.h"

// func teddyAVX2(data *byte, n int, masks *teddyMasks) int
//
// 32 positions at once: each of three bytes is split into its halves, which look
// up the buckets that they fit; a position is one where a bucket fits all six. A
// shuffle takes a byte's lower half by itself, and gives 0 for one beyond ASCII, which
// is in no bucket.
TEXT ·teddyAVX2(SB), NOSPLIT, $0-32
	MOVQ data+0(FP), SI
	MOVQ n+8(FP), CX
	MOVQ masks+16(FP), DX
	VMOVDQU (DX), Y8
	VMOVDQU 32(DX), Y9
	VMOVDQU 64(DX), Y10
	VMOVDQU 96(DX), Y11
	VMOVDQU 128(DX), Y12
	VMOVDQU 160(DX), Y13
	MOVQ $15, AX
	VMOVQ AX, X14
	VPBROADCASTB X14, Y14
	VPXOR Y15, Y15, Y15
	XORQ BX, BX
	SUBQ $34, CX

loop:
	CMPQ BX, CX
	JGT end
	VMOVDQU (SI)(BX*1), Y0
	VMOVDQU 1(SI)(BX*1), Y1
	VMOVDQU 2(SI)(BX*1), Y2
	VPSHUFB Y0, Y8, Y3
	VPSHUFB Y1, Y10, Y4
	VPSHUFB Y2, Y12, Y5
	VPSRLW $4, Y0, Y0
	VPSRLW $4, Y1, Y1
	VPSRLW $4, Y2, Y2
	VPAND Y14, Y0, Y0
	VPAND Y14, Y1, Y1
	VPAND Y14, Y2, Y2
	VPSHUFB Y0, Y9, Y0
	VPSHUFB Y1, Y11, Y1
	VPSHUFB Y2, Y13, Y2
	VPAND Y0, Y3, Y3
	VPAND Y1, Y4, Y4
	VPAND Y2, Y5, Y5
	VPAND Y3, Y4, Y4
	VPAND Y4, Y5, Y5
	VPCMPEQB Y15, Y5, Y5
	VPMOVMSKB Y5, AX
	XORL $-1, AX
	JNE found
	ADDQ $32, BX
	JMP loop

found:
	BSFL AX, AX
	ADDQ AX, BX
	VZEROUPPER
	MOVQ BX, ret+24(FP)
	RET

end:
	NOTQ BX
	VZEROUPPER
	MOVQ BX, ret+24(FP)
	RET
