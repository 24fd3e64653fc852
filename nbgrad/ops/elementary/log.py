"""Logarithms.

x is 2^k m with m from 2/3 to 4/3, and f = m - 1 is exact; log(1 + f) = f + f^2 q(f) with a minimax polynomial q.
"""

from .bits import bits, fma, polynomial, real, select, to_float

INFINITY, NAN = float("inf"), float("nan")
LN2, LN2_TAIL = 0.6931471805599453, 2.3190468138462996e-17
LN2_HIGH, LN2_LOW = 0.6931471803691238, 1.9082149292705877e-10  # k times the first is exact
LOG2_E_HIGH_32, LOG2_E_LOW_32 = 1.4426950216293335, 1.925963033500011e-08
LOG2_E_HIGH_64, LOG2_E_LOW_64 = 1.4426950408889634, 2.0355273740931033e-17
LOG10_E_HIGH_32, LOG10_E_LOW_32 = 0.4342944920063019, -1.0103049952192578e-08
LOG10_E_HIGH_64, LOG10_E_LOW_64 = 0.4342944819032518, 1.098319650216765e-17
LOG10_2_HIGH_32, LOG10_2_LOW_32 = 0.301025390625, 4.605038981195214e-06
LOG10_2_HIGH_64, LOG10_2_LOW_64 = 0.3010299956640665, -8.532344317057107e-14

LOG_32 = (-0.5, 0.33333197236061096, -0.24999919533729553, 0.20011433959007263, -0.16674451529979706,
          0.13989698886871338, -0.12273258715867996, 0.14060480892658234, -0.12489719688892365)  # fmt: skip  # 2^-27.6
LOG2_32 = (-0.7213475108146667, 0.4808962941169739, -0.3606741726398468, 0.288709819316864, -0.24050039052963257,
           0.20172081887722015, -0.17791707813739777, 0.20344801247119904, -0.17628297209739685)  # fmt: skip
LOG10_32 = (-0.21714724600315094, 0.14476428925991058, -0.10857239365577698, 0.0869055688381195, -0.07245033234357834,
            0.0608062669634819, -0.05284132808446884, 0.06082189083099365, -0.056236445903778076)  # fmt: skip
LOG_64 = (-0.49999999999999956, 0.3333333333333313, -0.25000000000030187, 0.20000000000083282, -0.16666666660764828,
          0.14285714273527286, -0.12500000524469573, 0.11111112002300888, -0.09999974521354188, 0.09090871526846381,
          -0.08334073492106367, 0.07693286485983777, -0.07129469900219242, 0.06650428370963099, -0.06401282710869276,
          0.060533381899372636, -0.045285262049719874, 0.041693408186204234, -0.08707566313012222,
          0.08509735387463431)  # fmt: skip  # 2^-56.7
LOG2_64 = (-0.721347520444481, 0.48089834696298484, -0.3606737602226978, 0.2885390081790152, -0.24044917339263905,
           0.20609929137700886, -0.18033688796652128, 0.16029946202189252, -0.1442691244085711, 0.13115354617533478,
           -0.12023556101641887, 0.11099080759094561, -0.1028521525092051, 0.09594341492861792, -0.09238892395997435,
           0.08734756162371514, -0.06515281269300287, 0.06007663041957287, -0.12598212186013294,
           0.12291224507361792)  # fmt: skip
LOG10_64 = (-0.21714724095162571, 0.14476482730108328, -0.1085736204759471, 0.08685889638093149, -0.07238241362446951,
            0.062042068800885704, -0.054286812545943926, 0.048254945633208264, -0.04342933639484919,
            0.03948117762161341, -0.03619444669957986, 0.03341099210612325, -0.030962554264319906,
            0.028889468998756482, -0.02780310368876664, 0.02623305515052084, -0.019655655448789566,
            0.018355184221710417, -0.037836888804201316, 0.0364951611331505)  # fmt: skip


def split_float32(x):
    """Return (k, f): x = 2^k (1 + f), of a positive normal number."""
    k = (bits(x) - 0x3F2AAAAB) >> 23
    return k, real(bits(x) - (k << 23)) - 1.0


def split_float64(x):
    """Return (k, f): x = 2^k (1 + f), of a positive normal number."""
    k = (bits(x) - 0x3FE5555555555555) >> 52
    return k, real(bits(x) - (k << 52)) - 1.0


def log_parts_float32(x):
    """Return (k, f): x = 2^k (1 + f), of a positive number; k as a float."""
    subnormal = x < 1.1754943508222875e-38
    k, f = split_float32(select(subnormal, x * 8388608.0, x))
    return to_float(k) - select(subnormal, 23.0, 0.0), f


def log_parts_float64(x):
    """Return (k, f): x = 2^k (1 + f), of a positive number; k as a float."""
    subnormal = x < 2.2250738585072014e-308
    k, f = split_float64(select(subnormal, x * 4503599627370496.0, x))
    return to_float(k) - select(subnormal, 52.0, 0.0), f


def ends_float32(x, y):
    """Return the logarithm y of x, put right where x is 0, negative, infinite or NaN."""
    return select(x > 0.0, select(x < INFINITY, y, x), select(x == 0.0, -INFINITY, NAN))


def ends_float64(x, y):
    """Return the logarithm y of x, put right where x is 0, negative, infinite or NaN."""
    return select(x > 0.0, select(x < INFINITY, y, x), select(x == 0.0, -INFINITY, NAN))


def log_float32(x):
    """k log(2) + log(1 + f)."""
    k, f = log_parts_float32(x)
    return ends_float32(x, fma(k, LN2, fma(f * f, polynomial(f, *LOG_32), f)))


def log_float64(x):
    """k log(2) + log(1 + f)."""
    k, f = log_parts_float64(x)
    return ends_float64(x, fma(k, LN2_HIGH, f + fma(f * f, polynomial(f, *LOG_64), k * LN2_LOW)))


def log2_float32(x):
    """k + log2(1 + f)."""
    k, f = log_parts_float32(x)
    return ends_float32(x, k + fma(f, LOG2_E_HIGH_32, fma(f * f, polynomial(f, *LOG2_32), f * LOG2_E_LOW_32)))


def log2_float64(x):
    """k + log2(1 + f)."""
    k, f = log_parts_float64(x)
    return ends_float64(x, k + fma(f, LOG2_E_HIGH_64, fma(f * f, polynomial(f, *LOG2_64), f * LOG2_E_LOW_64)))


def log10_float32(x):
    """k log10(2) + log10(1 + f)."""
    k, f = log_parts_float32(x)
    low = fma(k, LOG10_2_LOW_32, f * LOG10_E_LOW_32)
    return ends_float32(x, fma(k, LOG10_2_HIGH_32, fma(f, LOG10_E_HIGH_32, fma(f * f, polynomial(f, *LOG10_32), low))))


def log10_float64(x):
    """k log10(2) + log10(1 + f)."""
    k, f = log_parts_float64(x)
    low = fma(k, LOG10_2_LOW_64, f * LOG10_E_LOW_64)
    return ends_float64(x, fma(k, LOG10_2_HIGH_64, fma(f, LOG10_E_HIGH_64, fma(f * f, polynomial(f, *LOG10_64), low))))


def log1p_float32(x):
    """1 + x is 2^k m and what its rounding left, which f takes up."""
    u = 1.0 + x
    k, f = split_float32(u)
    back = real((127 - select(k < 127, k, 127)) << 23)  # 2^-k; from 2^127 on nothing was left
    f = fma(x - (u - 1.0), back, f)
    y = fma(to_float(k), LN2, fma(f * f, polynomial(f, *LOG_32), f))
    return select(x > -1.0, select(x < INFINITY, select(x == 0.0, x, y), x), select(x == -1.0, -INFINITY, NAN))


def log1p_float64(x):
    """1 + x is 2^k m and what its rounding left, which f takes up."""
    u = 1.0 + x
    k, f = split_float64(u)
    back = real((1023 - select(k < 1023, k, 1023)) << 52)  # 2^-k; from 2^1023 on nothing was left
    f = fma(x - (u - 1.0), back, f)
    n = to_float(k)
    y = fma(n, LN2_HIGH, f + fma(f * f, polynomial(f, *LOG_64), n * LN2_LOW))
    return select(x > -1.0, select(x < INFINITY, select(x == 0.0, x, y), x), select(x == -1.0, -INFINITY, NAN))


def log1p_unit_float32(x):
    """Return log(1 + x) for x from 0 to 1."""
    upper = x > 0.3333333
    f = select(upper, fma(x, 0.5, -0.5), x)
    return select(upper, LN2, 0.0) + fma(f * f, polynomial(f, *LOG_32), f)


def log1p_unit_float64(x):
    """Return log(1 + x) for x from 0 to 1."""
    upper = x > 0.3333333
    f = select(upper, fma(x, 0.5, -0.5), x)
    return select(upper, LN2, 0.0) + (f + fma(f * f, polynomial(f, *LOG_64), select(upper, LN2_TAIL, 0.0)))
