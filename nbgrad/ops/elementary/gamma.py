"""Logarithm of the gamma function and its first two derivatives.

From 0 to 3.3 polynomials (minimax, Remez) in a quotient of linear functions of x that keeps the singularities at 0, -1
and infinity far away; beyond, Stirling's series with coefficients fitted to its place (Abramowitz and Stegun 6.1.41,
6.3.18, 6.4.12). Negative numbers by reflection. Many values are a pair: a number and the digits below it. The float32
functions compute in float64, with fewer terms.
"""

from .bits import bits, fabs, fma, narrow, polynomial, real, select, to_float, wide
from .circular import (
    cosine_float64,
    half_turns_float64,
    quotient_float64,
    sine_float64,
    tangent_float64,
    turned_float64,
    two_sum_float64,
)  # fmt: skip

_LARGEST_32, _LARGEST_64 = 3.4028234663852886e38, 1.7976931348623157e308
COMMON = {  # positive numbers
    "lgamma_float32": (1e-45, _LARGEST_32), "lgamma_float64": (5e-324, _LARGEST_64),
    "digamma_float32": (1e-45, _LARGEST_32), "digamma_float64": (5e-324, _LARGEST_64),
    "trigamma_float32": (1e-45, _LARGEST_32), "trigamma_float64": (5e-324, _LARGEST_64),
}  # fmt: skip
# log((1 + s) / (1 - s)) = 2 s + s^3 P(s^2)
_LOG_32 = (
    0.6666666564515688, 0.40000335277328153, 0.28537302311699864, 0.23582280826636368,
)  # fmt: skip
_LOG_64 = (
    0.6666666666666666, 0.4000000000000625, 0.28571428569085905, 0.22222222646789438, 0.18181775666334635,
    0.15387090713343696, 0.13250119273553063, 0.1325131769094187,
)  # fmt: skip
# lgamma(x) = (x - 1) (x - 2) (_LGAMMA + v P(v)) between 0.65 and 3.3, v = (x - 1.5) / (x + 1.5)
_LGAMMA, _LGAMMA_LOW = 0.4831289505409809, 1.6718818997178506e-17
_LGAMMA_32 = (
    -0.4378796849004741, 0.12832291935758436, -0.1508041327984181, 0.08530609221431652, -0.09318531870505438,
    0.06380577203854632, -0.06823265534850378, 0.05138794194892307, -0.047717327351716195, 0.03756355563945275,
    -0.06939201771469004, 0.058222910340262335,
)  # fmt: skip
_LGAMMA_64 = (
    -0.43787968774291824, 0.1283229219281662, -0.15080363092805796, 0.085305642814592, -0.09321052269369728,
    0.06382812038527465, -0.06769490474282969, 0.05091575318919587, -0.053194675055364515, 0.04232682306271553,
    -0.04382699523240415, 0.0362102459019523, -0.03726439162747901, 0.03162937050176681, -0.03251446606079456,
    0.028158707215920863, -0.02788085518425144, 0.024579701747913765, -0.030590022729414128, 0.02695769469281426,
    -0.00545365382216954, 0.005967434337975903, -0.05629885619668968, 0.049598682877990685,
)  # fmt: skip
# lgamma(x) = (x - 1/2) log(x) - x + log(2 pi) / 2 + P(1 / x^2) / x from 3.3 on
_STIRLING_32 = (
    0.08333333302983158, -0.0027776675090700406, 0.0007873330603533935, -0.0004748151366441863,
)  # fmt: skip
_STIRLING_64 = (
    0.08333333333333333, -0.0027777777777658994, 0.0007936507881609948, -0.000595237099596068, 0.0008416571625352285,
    -0.0019122831922883737, 0.006221095382724395, -0.024905317982472513, 0.0979724916781323, -0.28865788024648387,
    0.43191735556523303,
)  # fmt: skip
# digamma(x) = (x - _ROOT) (_DIGAMMA + v P(v)) / x between 0 and 3.3, v = (x - 1.0625) / (x + 3.0625)
_ROOT, _ROOT_LOW = 1.4616321449683622, 9.549995429965697e-17
_DIGAMMA, _DIGAMMA_LOW = 1.274720263959672, -3.51004163425135e-17
_DIGAMMA_32 = (
    1.5812686184678169, -0.04330787793022596, 0.7294672597511757, -0.17168553291442412, 0.5859475776933394,
    -0.23686917704036126, 0.535091713204517, -0.2726851458396754, 0.45276195805275526, -0.2974153333813457,
    0.7493471513927451, -0.3953642707840147,
)  # fmt: skip
_DIGAMMA_64 = (
    1.5812686323257454, -0.0433078625285033, 0.7294644421023606, -0.1716879295829934, 0.5861112491800088,
    -0.2367740386101399, 0.5310294191174139, -0.2739066745298103, 0.501219949702604, -0.2971130452508382,
    0.48217859695860865, -0.3128396086231064, 0.46924828833972415, -0.3241035961293891, 0.45492880006875397,
    -0.3327592323961039, 0.4869448769170289, -0.3453263086321805, 0.26340989746506727, -0.28053700328761494,
    0.9426887626296141, -0.6247576006459711,
)  # fmt: skip
# digamma(x) = log(x) - 1 / (2 x) - P(1 / x^2) / x^2 from 3.3 on
_DIGAMMA_FAR_32 = (
    0.08333333321619915, -0.008333266086889102, 0.003962030548545058, -0.003959293911067391, 0.004520333873031447,
)  # fmt: skip
_DIGAMMA_FAR_64 = (
    0.08333333333333326, -0.0083333333331247, 0.003968253871423094, -0.004166649021767155, 0.007574087780530735,
    -0.020998619552094058, 0.07989957629507201, -0.35755674246312125, 1.5070974135300466, -4.620727044085629,
    7.076078496326183,
)  # fmt: skip
# trigamma(x) = (_TRIGAMMA + v P(v)) / x^2 between 0 and 3.3, v as for digamma
_TRIGAMMA, _TRIGAMMA_LOW = 1.7006070015724795, -7.58268033211146e-17
_TRIGAMMA_32 = (
    3.6942307353296746, 4.947655931835346, 2.7475613326946253, 6.201437129497366, 1.242348957339454,
    7.880143364286726, -0.5300273648279047, 9.723909838522626, -2.5717494748399043, 11.561646055402868,
    -2.7771567650420503, 12.865173178098924, -12.535347869183619, 22.255024537324378,
)  # fmt: skip
_TRIGAMMA_64 = (
    3.6942307502969984, 4.947655961176741, 2.747557365780362, 6.201430984889267, 1.2426506004133548,
    7.880482834956302, -0.540067717569166, 9.717178016112044, -2.4020342177115195, 11.590143573097794,
    -4.279541998402626, 13.469640999665922, -6.1610016691627445, 15.347992197693156, -8.0173485643747,
    17.26506411917858, -10.206151431576183, 18.715797470736426, -9.411579826558993, 23.976759005912147,
    -26.713384659051364, 8.885858010939916, 27.05064987834923, 59.86842627861319, -85.62570281738957,
)  # fmt: skip
# trigamma(x) = 1 / x + 1 / (2 x^2) + P(1 / x^2) / x^3 from 3.3 on
_TRIGAMMA_FAR_32 = (
    0.1666666654169183, -0.03333261038709702, 0.02374202342276808, -0.03105408584272987, 0.041310189732613495,
)  # fmt: skip
_TRIGAMMA_FAR_64 = (
    0.16666666666666663, -0.033333333333203256, 0.02380952372466688, -0.033333311466980264, 0.07575461931013729,
    -0.2528718234123785, 1.1536524863800375, -6.602950903027276, 41.492369351560825, -242.15450626562912,
    1110.2857701212167, -3336.6314696186546, 4767.373527339248,
)  # fmt: skip


def log_pair_float64(x, series):
    """Logarithm of a positive number as a pair; its error is some 2^-60."""
    tiny = x < 2.2250738585072014e-308
    i = bits(select(tiny, x * 18014398509481984.0, x))
    k = (i - 0x3FE6A09E667F3BCD) >> 52
    n = to_float(k) - select(tiny, 54.0, 0.0)
    m = real(i - (k << 52))  # between the roots of 1/2 and 2
    g = m + 1.0
    f = m - 1.0
    inverse = 1.0 / g
    s = f * inverse
    s_low = fma(-s, m - (g - 1.0), fma(-s, g, f)) * inverse
    z = s * s
    a = n * 0.6931471803691238
    h = fma(2.0, s, a)
    low = fma(2.0, s_low, fma(s * z, polynomial(z, *series), fma(2.0, s, a - h)))
    return h, fma(n, 1.9082149292705877e-10, low)


def near_float64(v, first, first_low, series):
    """Return first + v P(v) as a pair."""
    c, c_low = two_sum_float64(first, v * polynomial(v, *series))
    return c, c_low + first_low


def lgamma_parts_float64(x, log, near, far):
    """lgamma of a positive number as a sum of two numbers, the second one of any size."""
    small = x < 0.65
    h, low = log_pair_float64(x, log)
    t = select(small, x, x - 1.0)  # lgamma(x) = lgamma(x + 1) - log(x)
    u = t - 1.0
    c, c_low = near_float64((t - 0.5) / (t + 2.5), _LGAMMA, _LGAMMA_LOW, near)
    q = t * u
    m = q * c
    m_low = fma(q, c, -m) + fma(q, c_low, fma(t, u, -q) * c + t * (t - (u + 1.0)) * c)
    w = 1.0 / x
    a, b = x - 0.5, h - 1.0
    p = a * b
    stirling = fma(w, polynomial(w * w, *far), 0.4189385332046727)
    rest = fma(a, low + ((h - b) - 1.0), fma(a, b, -p)) + stirling
    above = x >= 3.3
    return select(above, p, select(small, -h, m)), select(above, rest, select(small, m + (m_low - low), m_low))


def lgamma_positive_float64(x, log, near, far):
    """lgamma of a positive number."""
    h, low = lgamma_parts_float64(x, log, near, far)
    return select(x > 2.5563481638716906e305, x * 2.0e303, h + low)


def lgamma_left_float64(x):
    """lgamma of x = -a < 0: -log(a) - log(|sin(pi a)| / pi) - lgamma(a)."""
    a = fabs(x)
    h, low = lgamma_parts_float64(a, _LOG_64, _LGAMMA_64, _STIRLING_64)
    a_h, a_low = log_pair_float64(a, _LOG_64)
    v = select(a < 1e-17, a, fabs(turned_float64(*half_turns_float64(a))) * 0.3183098861837907)
    v_h, v_low = log_pair_float64(v, _LOG_64)
    b, b_low = two_sum_float64(h, a_h)
    c, c_low = two_sum_float64(b, v_h)
    y = -(c + ((b_low + c_low) + (low + (a_low + v_low))))
    return select((v == 0.0) | (a > 9007199254740992.0), real(0x7FF0000000000000), y)


def digamma_parts_float64(x, log, near, far):
    """digamma of a positive number as a pair."""
    w = 1.0 / x
    small = x < 0.65
    t = x + select(small, 1.0, 0.0)  # digamma(x) = digamma(x + 1) - 1 / x
    root, root_low = select(small, 0.46163214496836236, _ROOT), select(small, -1.5522348162858677e-17, _ROOT_LOW)
    c, c_low = near_float64((t - 1.0625) / (t + 3.0625), _DIGAMMA, _DIGAMMA_LOW, near)
    from_root = x - root
    top = from_root * c
    rest = (x - (from_root + root)) - root_low
    y, y_low = quotient_float64(top, fma(from_root, c, -top) + fma(from_root, c_low, rest * c), t, 0.0)
    pole_low = y + (y_low - w * fma(-w, x, 1.0))
    h, low = log_pair_float64(x, log)
    h, low = select(x > _LARGEST_64, x, h), low - w * fma(w, polynomial(w * w, *far), 0.5)
    above = x >= 3.3
    return select(above, h, select(small, -w, y)), select(above, low, select(small, pole_low, y_low))


def digamma_positive_float64(x, log, near, far):
    """digamma of a positive number."""
    h, low = digamma_parts_float64(x, log, near, far)
    return select(x < 1e-200, -1.0 / x, h + low)


def digamma_left_float64(x):
    """digamma of x < 0: digamma(1 - x) - pi / tan(pi x)."""
    b, b_low = two_sum_float64(1.0, -x)
    h, low = digamma_parts_float64(b, _LOG_64, _DIGAMMA_64, _DIGAMMA_FAR_64)
    n, r, r_low = half_turns_float64(x)
    y, y_low = tangent_float64(n + 1, r, r_low)
    p = 3.141592653589793 * y
    s, s_low = two_sum_float64(p, h)
    rest = fma(3.141592653589793, y, -p) + fma(3.141592653589793, y_low, 1.2246467991473532e-16 * y)
    left = s + (s_low + (rest + (low + b_low / (b - 0.5))))
    return select(x > -1e-200, -1.0 / x, left)


def trigamma_positive_float64(x, near, far):
    """Derivative of digamma at a positive number."""
    w = 1.0 / x
    square = w * w
    small = x < 0.65
    t = x + select(small, 1.0, 0.0)  # trigamma(x) = trigamma(x + 1) + 1 / x^2
    c, c_low = near_float64((t - 1.0625) / (t + 3.0625), _TRIGAMMA, _TRIGAMMA_LOW, near)
    y, y_low = quotient_float64(*quotient_float64(c, c_low, t, 0.0), t, 0.0)
    pole_low = fma(w, w, -square) + 2.0 * square * fma(-w, x, 1.0)
    below = select(small, square + (pole_low + y), y + y_low)
    above = fma(square, fma(w, polynomial(square, *far), 0.5), w)
    return select(x >= 3.3, above, select(x < 1e-150, w / x, below))


def trigamma_left_float64(x):
    """trigamma of x < 0: (pi / sin(pi x))^2 - trigamma(1 - x)."""
    y = trigamma_positive_float64(1.0 - x, _TRIGAMMA_64, _TRIGAMMA_FAR_64)
    n, r, r_low = half_turns_float64(x)
    s, s_low = sine_float64(r, r_low)
    c, c_low = cosine_float64(r, r_low)
    odd = (n & 1) == 1
    t, t_low = select(odd, c, s), select(odd, c_low, s_low)
    square = t * t
    pole, low = quotient_float64(9.869604401089358, 6.265295508739711e-16, square, fma(t, t, -square) + 2.0 * t * t_low)
    return select(square < 1e-300, 9.869604401089358 / square, pole + (low - y))


def lgamma_common_float32(x):
    return narrow(lgamma_positive_float64(wide(x), _LOG_32, _LGAMMA_32, _STIRLING_32))


def lgamma_float32(x):
    return select(x > 0.0, lgamma_common_float32(x), narrow(lgamma_left_float64(wide(x))))


def lgamma_common_float64(x):
    return lgamma_positive_float64(x, _LOG_64, _LGAMMA_64, _STIRLING_64)


def lgamma_float64(x):
    return select(x > 0.0, lgamma_common_float64(x), lgamma_left_float64(x))


def digamma_common_float32(x):
    return narrow(digamma_positive_float64(wide(x), _LOG_32, _DIGAMMA_32, _DIGAMMA_FAR_32))


def digamma_float32(x):
    return select(x > 0.0, digamma_common_float32(x), narrow(digamma_left_float64(wide(x))))


def digamma_common_float64(x):
    return digamma_positive_float64(x, _LOG_64, _DIGAMMA_64, _DIGAMMA_FAR_64)


def digamma_float64(x):
    return select(x > 0.0, digamma_common_float64(x), digamma_left_float64(x))


def trigamma_common_float32(x):
    return narrow(trigamma_positive_float64(wide(x), _TRIGAMMA_32, _TRIGAMMA_FAR_32))


def trigamma_float32(x):
    return select(x > 0.0, trigamma_common_float32(x), narrow(trigamma_left_float64(wide(x))))


def trigamma_common_float64(x):
    return trigamma_positive_float64(x, _TRIGAMMA_64, _TRIGAMMA_FAR_64)


def trigamma_float64(x):
    return select(x > 0.0, trigamma_common_float64(x), trigamma_left_float64(x))
