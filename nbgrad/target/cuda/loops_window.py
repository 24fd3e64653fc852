"""Convolutions with few channels on one side (depthwise ones, means over windows): loading bounds them, so that tiles would be idle.

Words of a cell of a window: where it lies in the input, in the weight, and how far along d, h, w.
"""

from .grids import Blocks, Each
from .loops_threads import SUM, over_block

LAUNCH = {"conv_few": lambda words: Each(words[0]), "conv_weight_few": lambda words: Blocks(words[0])}
HELPERS = {"conv_weight_few": (over_block,)}


def conv_few(args, w, x, out, bias):
    """Thread per place of an image and group, neighbours side by side: sums of S0 channels. S1: with a bias; S2 to S4: axes tested."""
    sums = cuda.local.array(S0, T2)
    for number in range(cuda.grid(1), args[4], cuda.gridsize(1)):
        place_w, rest = number % args[33], number // args[33]
        place_h, rest = rest % args[27], rest // args[27]
        place_d, rest = rest % args[21], rest // args[21]
        image, group = rest // args[5], rest % args[5]
        from_d, from_h, from_w = place_d * args[19] + args[20], place_h * args[25] + args[26], place_w * args[31] + args[32]
        at = args[1] + image * args[11] + group * args[13] + from_d * args[17] + from_h * args[23] + from_w * args[29]
        weight = args[0] + group * args[10]
        for i in range(S0):
            sums[i] = T2(bias[args[3] + group * S0 + i]) if S1 else T2(0)
        for _ in range(args[6]):
            for cell in range(35, 35 + 5 * args[7], 5):
                d, h, w_ = from_d + args[cell + 2], from_h + args[cell + 3], from_w + args[cell + 4]
                there = True
                if S2:
                    there = there & (d >= 0) & (d < args[18])
                if S3:
                    there = there & (h >= 0) & (h < args[24])
                if S4:
                    there = there & (w_ >= 0) & (w_ < args[30])
                value = x[at + args[cell] if there else args[1]]
                value = value if there else T1(0)
                o = weight + args[cell + 1]
                for i in range(S0):
                    sums[i] = T2(sums[i] + w[o + i * args[8]] * value)
            at += args[12]
            weight += args[9]
        o = args[2] + args[16] + image * args[14] + group * S0 * args[15] + place_d * args[22] + place_h * args[28] + place_w * args[34]
        for i in range(S0):
            out[o + i * args[15]] = sums[i]


def conv_weight_few(args, y, x, out):
    """Block per number of the gradient and part of the places, which its threads share. S0 to S2: axes tested."""
    box = cuda.shared.array(32, T2)
    for unit in range(cuda.blockIdx.x, args[3], cuda.gridDim.x):
        share, rest = unit // args[10], unit % args[10]
        cell, rest = 37 + rest % args[6] * 5, rest // args[6]
        channel, row = rest % args[5], rest // args[5]
        away_d, away_h, away_w = args[cell + 2], args[cell + 3], args[cell + 4]
        start = args[1] + (row // args[4] * args[5] + channel) * args[14] + args[cell]
        at = args[0] + row * args[12]
        first, last = share * args[9], min(args[7], (share + 1) * args[9])
        number = first + cuda.threadIdx.x
        place_w, rest = number % args[31], number // args[31]
        place_h, rest = rest % args[25], rest // args[25]
        place_d, image = rest % args[19], rest // args[19]
        total = T2(0)
        for _ in range(number, last, THREADS):
            from_d, from_h, from_w = place_d * args[17] + args[18], place_h * args[23] + args[24], place_w * args[29] + args[30]
            o = start + image * args[13] + from_d * args[15] + from_h * args[21] + from_w * args[27]
            d, h, w = from_d + away_d, from_h + away_h, from_w + away_w
            there = True
            if S0:
                there = there & (d >= 0) & (d < args[16])
            if S1:
                there = there & (h >= 0) & (h < args[22])
            if S2:
                there = there & (w >= 0) & (w < args[28])
            value = x[o if there else args[1]]
            value = value if there else T1(0)
            total = T2(total + y[at + image * args[11] + place_d * args[20] + place_h * args[26] + place_w * args[32]] * value)
            place_w += args[36]
            over = place_w >= args[31]
            place_w = place_w - args[31] if over else place_w
            place_h += args[35] + (1 if over else 0)
            over = place_h >= args[25]
            place_h = place_h - args[25] if over else place_h
            place_d += args[34] + (1 if over else 0)
            over = place_d >= args[19]
            place_d = place_d - args[19] if over else place_d
            image += args[33] + (1 if over else 0)
        total = over_block(total, box, SUM)
        if cuda.threadIdx.x == 0:
            out[args[2] + unit] = T2(total)
        cuda.syncthreads()
