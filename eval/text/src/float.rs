//! Floats as Nix reads and prints them.
//!
//! There are three ways to print one: `toString` has six decimals, a printed value six significant
//! digits, and JSON as many digits as it takes to read the same float again.

/// A decimal integer of the language: `None` beyond 64 bits, where CppNix says
/// `invalid integer '…'`.
pub fn parse_int(digits: &str) -> Option<i64> {
    digits.parse().ok()
}

/// A float of the language: `None` where C's `strtod` reports a range error, and CppNix says
/// `invalid float '…'`.
///
/// Too large is out of range, and so is too small for full precision, but for zero itself.
pub fn parse_float(text: &str) -> Option<f64> {
    let value: f64 = text.parse().ok()?;
    let mantissa = text.split(['e', 'E']).next().unwrap_or_default();
    let is_zero = !mantissa.bytes().any(|c| matches!(c, b'1'..=b'9'));
    (value.is_normal() || is_zero).then_some(value)
}

/// As `toString` prints it: six decimals.
pub fn to_fixed(value: f64) -> String {
    special(value).map_or_else(|| format!("{value:.6}"), String::from)
}

/// As a value is printed: at most six significant digits, with an exponent if it is below -4 or
/// above 5.
pub fn to_general(value: f64) -> String {
    const PRECISION: usize = 6;
    if let Some(special) = special(value) {
        return special.into();
    }
    let scientific = format!("{value:.*e}", PRECISION - 1);
    let (digits, exponent) = scientific.split_once('e').expect("{:e} writes an exponent");
    let exponent: i32 = exponent.parse().expect("{:e} writes a number");
    if !(-4..PRECISION as i32).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{}e{sign}{:02}", trim_zeros(digits), exponent.unsigned_abs());
    }
    let n_decimals = (PRECISION as i32 - 1 - exponent) as usize;
    trim_zeros(&format!("{value:.n_decimals$}")).into()
}

fn special(value: f64) -> Option<&'static str> {
    match (value.is_nan(), value.is_infinite(), value.is_sign_negative()) {
        (true, _, false) => Some("nan"),
        (true, _, true) => Some("-nan"),
        (_, true, false) => Some("inf"),
        (_, true, true) => Some("-inf"),
        _ => None,
    }
}

fn trim_zeros(digits: &str) -> &str {
    if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits }
}

/// Appends the float as JSON has it; infinities and what is no number are `null`.
///
/// The digits are those of the Grisu2 algorithm, as in nlohmann's library: mostly the fewest that
/// read back the same, now and then one more.
pub fn json_into(value: f64, out: &mut Vec<u8>) {
    if !value.is_finite() {
        return out.extend_from_slice(b"null");
    }
    if value.is_sign_negative() {
        out.push(b'-');
    }
    if value == 0.0 {
        return out.extend_from_slice(b"0.0");
    }
    let (digits, exponent) = grisu2(value.abs());
    layout(&digits, exponent, out);
}

/// Writes `digits * 10^exponent`, as a plain decimal if the point is near the digits.
fn layout(digits: &[u8], exponent: i32, out: &mut Vec<u8>) {
    const MIN_POINT: i32 = -4;
    const MAX_POINT: i32 = f64::DIGITS as i32;
    let len = digits.len() as i32;
    // Where the decimal point stands, counted from before the first digit.
    let point = len + exponent;
    let zeros = |n: i32| std::iter::repeat_n(b'0', n as usize);
    if len <= point && point <= MAX_POINT {
        out.extend_from_slice(digits);
        out.extend(zeros(point - len));
        out.extend_from_slice(b".0");
    } else if 0 < point && point <= MAX_POINT {
        let (whole, decimals) = digits.split_at(point as usize);
        out.extend_from_slice(whole);
        out.push(b'.');
        out.extend_from_slice(decimals);
    } else if MIN_POINT < point && point <= 0 {
        out.extend_from_slice(b"0.");
        out.extend(zeros(-point));
        out.extend_from_slice(digits);
    } else {
        out.push(digits[0]);
        if len > 1 {
            out.push(b'.');
            out.extend_from_slice(&digits[1..]);
        }
        let sign = if point < 1 { '-' } else { '+' };
        out.extend_from_slice(format!("e{sign}{:02}", (point - 1).unsigned_abs()).as_bytes());
    }
}

/// A float with 64 bits of mantissa: `f * 2^e`.
#[derive(Clone, Copy)]
struct Wide {
    f: u64,
    e: i32,
}

impl Wide {
    fn normalized(self) -> Wide {
        let shift = self.f.leading_zeros();
        Wide { f: self.f << shift, e: self.e - shift as i32 }
    }

    fn with_exponent(self, e: i32) -> Wide {
        Wide { f: self.f << (self.e - e), e }
    }

    /// The upper half of the product, rounded to nearest with ties up.
    fn times(self, other: Wide) -> Wide {
        let product = u128::from(self.f) * u128::from(other.f) + (1 << 63);
        Wide { f: (product >> 64) as u64, e: self.e + other.e + 64 }
    }
}

/// Digits and a decimal exponent that read back as `value`, which is finite and positive.
fn grisu2(value: f64) -> (Vec<u8>, i32) {
    const HIDDEN_BIT: u64 = 1 << 52;
    const BIAS: i32 = 1075;
    let bits = value.to_bits();
    let (fraction, biased) = (bits & (HIDDEN_BIT - 1), (bits >> 52) as i32);
    let v = match biased {
        0 => Wide { f: fraction, e: 1 - BIAS },
        _ => Wide { f: fraction + HIDDEN_BIT, e: biased - BIAS },
    };
    // Half way to the neighbours: the lower one is nearer below a power of two.
    let upper = Wide { f: 2 * v.f + 1, e: v.e - 1 }.normalized();
    let lower = match fraction == 0 && biased > 1 {
        true => Wide { f: 4 * v.f - 1, e: v.e - 2 },
        false => Wide { f: 2 * v.f - 1, e: v.e - 1 },
    };
    let (power, power_exponent) = cached_power(upper.e);
    let w = v.normalized().times(power);
    let lower = lower.with_exponent(upper.e).times(power);
    let upper = upper.times(power);
    // The products may be off by one: stay inside.
    let (low, high) = (Wide { f: lower.f + 1, ..lower }, Wide { f: upper.f - 1, ..upper });
    generate(low, w, high, -power_exponent)
}

/// Generates the fewest digits between `low` and `high`, then moves them towards `w`.
fn generate(low: Wide, w: Wide, high: Wide, mut exponent: i32) -> (Vec<u8>, i32) {
    let mut delta = high.f - low.f;
    let mut distance = high.f - w.f;
    let one_e = high.e;
    let one = 1u64 << -one_e;
    let mut whole = (high.f >> -one_e) as u32;
    let mut part = high.f & (one - 1);
    let mut digits = Vec::with_capacity(17);

    let mut n = whole.checked_ilog10().unwrap_or(0) + 1;
    while n > 0 {
        let power = 10u32.pow(n - 1);
        digits.push(b'0' + (whole / power) as u8);
        whole %= power;
        n -= 1;
        let rest = (u64::from(whole) << -one_e) + part;
        if rest <= delta {
            exponent += n as i32;
            round(&mut digits, distance, delta, rest, u64::from(power) << -one_e);
            return (digits, exponent);
        }
    }
    loop {
        part *= 10;
        digits.push(b'0' + (part >> -one_e) as u8);
        part &= one - 1;
        exponent -= 1;
        delta *= 10;
        distance *= 10;
        if part <= delta {
            round(&mut digits, distance, delta, part, one);
            return (digits, exponent);
        }
    }
}

/// Lowers the last digit while that brings the number nearer to the wanted one.
fn round(digits: &mut [u8], distance: u64, delta: u64, mut rest: u64, ten_k: u64) {
    let last = digits.last_mut().expect("a digit was generated");
    while rest < distance
        && delta - rest >= ten_k
        && (rest + ten_k < distance || distance - rest > rest + ten_k - distance)
    {
        *last -= 1;
        rest += ten_k;
    }
}

/// A power of ten that brings a number of binary exponent `e` near 2^-60..2^-32, and its exponent.
fn cached_power(e: i32) -> (Wide, i32) {
    const ALPHA: i32 = -60;
    const MIN_EXPONENT: i32 = -300;
    const STEP: i32 = 8;
    // 78913 / 2^18 is a little more than the logarithm of two.
    let f = ALPHA - e - 1;
    let k = (f * 78913) / (1 << 18) + i32::from(f > 0);
    let index = (-MIN_EXPONENT + k + (STEP - 1)) / STEP;
    let (f, e) = POWERS[index as usize];
    (Wide { f, e }, MIN_EXPONENT + index * STEP)
}

/// 10^-300, 10^-292, … 10^324 as mantissa and binary exponent, correctly rounded.
const POWERS: [(u64, i32); 79] = [
    (0xab70fe17c79ac6ca, -1060),
    (0xff77b1fcbebcdc4f, -1034),
    (0xbe5691ef416bd60c, -1007),
    (0x8dd01fad907ffc3c, -980),
    (0xd3515c2831559a83, -954),
    (0x9d71ac8fada6c9b5, -927),
    (0xea9c227723ee8bcb, -901),
    (0xaecc49914078536d, -874),
    (0x823c12795db6ce57, -847),
    (0xc21094364dfb5637, -821),
    (0x9096ea6f3848984f, -794),
    (0xd77485cb25823ac7, -768),
    (0xa086cfcd97bf97f4, -741),
    (0xef340a98172aace5, -715),
    (0xb23867fb2a35b28e, -688),
    (0x84c8d4dfd2c63f3b, -661),
    (0xc5dd44271ad3cdba, -635),
    (0x936b9fcebb25c996, -608),
    (0xdbac6c247d62a584, -582),
    (0xa3ab66580d5fdaf6, -555),
    (0xf3e2f893dec3f126, -529),
    (0xb5b5ada8aaff80b8, -502),
    (0x87625f056c7c4a8b, -475),
    (0xc9bcff6034c13053, -449),
    (0x964e858c91ba2655, -422),
    (0xdff9772470297ebd, -396),
    (0xa6dfbd9fb8e5b88f, -369),
    (0xf8a95fcf88747d94, -343),
    (0xb94470938fa89bcf, -316),
    (0x8a08f0f8bf0f156b, -289),
    (0xcdb02555653131b6, -263),
    (0x993fe2c6d07b7fac, -236),
    (0xe45c10c42a2b3b06, -210),
    (0xaa242499697392d3, -183),
    (0xfd87b5f28300ca0e, -157),
    (0xbce5086492111aeb, -130),
    (0x8cbccc096f5088cc, -103),
    (0xd1b71758e219652c, -77),
    (0x9c40000000000000, -50),
    (0xe8d4a51000000000, -24),
    (0xad78ebc5ac620000, 3),
    (0x813f3978f8940984, 30),
    (0xc097ce7bc90715b3, 56),
    (0x8f7e32ce7bea5c70, 83),
    (0xd5d238a4abe98068, 109),
    (0x9f4f2726179a2245, 136),
    (0xed63a231d4c4fb27, 162),
    (0xb0de65388cc8ada8, 189),
    (0x83c7088e1aab65db, 216),
    (0xc45d1df942711d9a, 242),
    (0x924d692ca61be758, 269),
    (0xda01ee641a708dea, 295),
    (0xa26da3999aef774a, 322),
    (0xf209787bb47d6b85, 348),
    (0xb454e4a179dd1877, 375),
    (0x865b86925b9bc5c2, 402),
    (0xc83553c5c8965d3d, 428),
    (0x952ab45cfa97a0b3, 455),
    (0xde469fbd99a05fe3, 481),
    (0xa59bc234db398c25, 508),
    (0xf6c69a72a3989f5c, 534),
    (0xb7dcbf5354e9bece, 561),
    (0x88fcf317f22241e2, 588),
    (0xcc20ce9bd35c78a5, 614),
    (0x98165af37b2153df, 641),
    (0xe2a0b5dc971f303a, 667),
    (0xa8d9d1535ce3b396, 694),
    (0xfb9b7cd9a4a7443c, 720),
    (0xbb764c4ca7a44410, 747),
    (0x8bab8eefb6409c1a, 774),
    (0xd01fef10a657842c, 800),
    (0x9b10a4e5e9913129, 827),
    (0xe7109bfba19c0c9d, 853),
    (0xac2820d9623bf429, 880),
    (0x80444b5e7aa7cf85, 907),
    (0xbf21e44003acdd2d, 933),
    (0x8e679c2f5e44ff8f, 960),
    (0xd433179d9c8cb841, 986),
    (0x9e19db92b4e31ba9, 1013),
];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn json(value: f64) -> String {
        let mut out = Vec::new();
        json_into(value, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn general() {
        let cases = [
            (1.0, "1"),
            (1.5, "1.5"),
            (0.1, "0.1"),
            (123456789.0, "1.23457e+08"),
            (1234567.0, "1.23457e+06"),
            (123456.0, "123456"),
            (999999.5, "1e+06"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (0.0, "0"),
            (-0.0, "-0"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
            (-f64::NAN, "-nan"),
        ];
        for (value, text) in cases {
            assert_eq!(to_general(value), text);
        }
    }

    #[test]
    fn fixed() {
        let cases = [(1.0, "1.000000"), (123456789.0, "123456789.000000"), (0.0000005, "0.000000")];
        for (value, text) in cases {
            assert_eq!(to_fixed(value), text);
        }
    }

    #[test]
    fn shortest() {
        let cases = [
            (1.0, "1.0"),
            (1.5, "1.5"),
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1e100, "1e+100"),
            (5e-324, "5e-324"),
            (1e15, "1e+15"),
            (123456789012345680.0, "1.2345678901234568e+17"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (f64::MAX, "1.7976931348623157e+308"),
            (f64::INFINITY, "null"),
        ];
        for (value, text) in cases {
            assert_eq!(json(value), text);
        }
    }

    #[test]
    fn range() {
        assert_eq!(parse_float("2.2250738585072014e-308"), Some(f64::MIN_POSITIVE));
        for refused in ["1.0e400", "1.0e-400", "1.0e-310", "4.9e-324"] {
            assert_eq!(parse_float(refused), None);
        }
        assert_eq!(parse_float("0.0e-999"), Some(0.0));
        assert_eq!(parse_float(".5"), Some(0.5));
        assert_eq!(parse_float("1."), Some(1.0));
        assert_eq!(parse_int("9223372036854775807"), Some(i64::MAX));
        assert_eq!(parse_int("9223372036854775808"), None);
    }

    proptest! {
        #[test]
        fn json_reads_back_the_same(value in proptest::num::f64::NORMAL | proptest::num::f64::SUBNORMAL) {
            prop_assert_eq!(json(value).parse::<f64>().unwrap().to_bits(), value.to_bits());
        }
    }
}
