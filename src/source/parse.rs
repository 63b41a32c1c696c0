//! Parsers of bytes, without locale, regular expressions, or allocation for a number.

pub(crate) mod layout;

use std::{collections::BTreeSet, io::BufRead, iter, sync::Arc};

/// The lines of a text. The last one need not end with a newline.
pub(crate) fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    ended_lines(text).map(|(line, _)| line)
}

/// The lines of a text, and for each whether it ends with a newline. The kernel ends every line, so that the number at
/// the end of a cut line may have lost digits.
pub(crate) fn ended_lines(text: &[u8]) -> impl Iterator<Item = (&[u8], bool)> {
    ended_lines_while(text, |_| true)
}

/// The same, up to the first line at which the remaining text is not `wanted`; that line is not searched for its end.
pub(crate) fn ended_lines_while(
    mut text: &[u8],
    wanted: impl Fn(&[u8]) -> bool,
) -> impl Iterator<Item = (&[u8], bool)> {
    iter::from_fn(move || {
        if text.is_empty() || !wanted(text) {
            return None;
        }
        let all = text;
        // The memchr of the standard library. A read from memory does not fail.
        let length = text.skip_until(b'\n').ok()?;
        match all[..length].strip_suffix(b"\n") {
            Some(whole) => Some((whole, true)),
            None => Some((&all[..length], false)),
        }
    })
}

/// The fields between blanks.
pub(crate) fn fields(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|byte| matches!(byte, b' ' | b'\t'))
        .filter(|field| !field.is_empty())
}

/// A number of decimal digits and nothing else, if it fits into 64 bits.
pub(crate) fn number(field: &[u8]) -> Option<u64> {
    match digits(field)? {
        (number, b"") => Some(number),
        _ => None,
    }
}

/// The same, with an optional minus.
pub(crate) fn signed(field: &[u8]) -> Option<i64> {
    match field.strip_prefix(b"-") {
        Some(digits) => 0_i64.checked_sub_unsigned(number(digits)?),
        None => number(field)?.try_into().ok(),
    }
}

/// The numbers of a line with blanks in between, up to the first field that is none.
pub(crate) fn numbers(mut line: &[u8]) -> impl Iterator<Item = u64> {
    iter::from_fn(move || {
        let (number, rest) = digits(after_blanks(line))?;
        line = rest;
        matches!(rest, [] | [b' ' | b'\t', ..]).then_some(number)
    })
}

/// The decimal number at the start of a text, if it fits into 64 bits, and the rest.
fn digits(text: &[u8]) -> Option<(u64, &[u8])> {
    // So many digits always fit into 64 bits.
    const SAFE: usize = 19;
    let mut number = 0_u64;
    let mut length = 0_usize;
    for digit in text.iter().map_while(digit) {
        // If there are more digits than that, the number is computed again.
        number = number.wrapping_mul(10).wrapping_add(digit);
        length = length.wrapping_add(1);
    }
    let (digits, rest) = text.split_at(length);
    match length {
        0 => None,
        1..=SAFE => Some((number, rest)),
        _ => {
            let mut digits = digits.iter().map_while(digit);
            let number = digits.try_fold(0_u64, |number, digit| {
                number.checked_mul(10)?.checked_add(digit)
            });
            Some((number?, rest))
        }
    }
}

fn digit(byte: &u8) -> Option<u64> {
    let digit = byte.wrapping_sub(b'0');
    (digit < 10).then(|| digit.into())
}

fn after_blanks(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = text {
        text = rest;
    }
    text
}

/// The first word of a text, and the rest.
pub(crate) fn word(text: &[u8]) -> (&[u8], &[u8]) {
    let text = after_blanks(text);
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    text.split_at(text.iter().position(is_blank).unwrap_or(text.len()))
}

/// A number with or without a decimal point, without sign or exponent.
pub(crate) fn decimal(field: &[u8]) -> Option<f64> {
    let (whole, rest) = digits(field)?;
    if rest.is_empty() {
        return Some(whole as f64);
    }
    let fraction = rest.strip_prefix(b".")?;
    let part = number(fraction)?;
    // Both powers and all numbers of up to 15 digits are exact, so the division rounds once.
    let scale = 10_u64.checked_pow(fraction.len().try_into().ok()?)?;
    match whole
        .checked_mul(scale)
        .and_then(|shifted| shifted.checked_add(part))
    {
        Some(digits) => Some(digits as f64 / scale as f64),
        None => Some(whole as f64 + part as f64 / scale as f64),
    }
}

/// The parts before and after the first colon, without the blanks around them.
pub(crate) fn pair(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let (key, value) = split(line, b':')?;
    Some((key.trim_ascii(), value.trim_ascii()))
}

/// The parts before and after the first such byte.
pub(crate) fn split(text: &[u8], byte: u8) -> Option<(&[u8], &[u8])> {
    let at = text.iter().position(|&other| other == byte)?;
    let (before, after) = text.split_at(at);
    Some((before, after.get(1..)?))
}

/// The number of bytes in a text that begins like `  16316416 kB` and a newline.
pub(crate) fn kilobytes(text: &[u8]) -> Option<u64> {
    let (number, rest) = digits(after_blanks(text))?;
    if !rest.starts_with(b" kB\n") {
        return None;
    }
    number.checked_mul(1024)
}

/// The number at the start of a text, if it is alone on its line and the line ends with a newline.
pub(crate) fn ended_number(text: &[u8]) -> Option<u64> {
    let (number, rest) = digits(after_blanks(text))?;
    rest.starts_with(b"\n").then_some(number)
}

/// The numbers of a list such as `0-3,5`, the form in which sysfs writes sets of CPUs.
pub(crate) fn list(text: &[u8]) -> Option<BTreeSet<u32>> {
    // The kernel has at most 8192 CPUs; a larger number is malformed.
    const MOST: u64 = 1 << 16;
    let mut all = BTreeSet::new();
    for range in text.trim_ascii().split(|&byte| byte == b',') {
        let (first, last) = match split(range, b'-') {
            Some((first, last)) => (number(first)?, number(last)?),
            None => (number(range)?, number(range)?),
        };
        if first > last || last >= MOST {
            return None;
        }
        all.extend(first as u32..=last as u32);
    }
    Some(all)
}

/// A text without the blanks around it. Bytes that are not UTF-8 become U+FFFD. Device trees end their texts with a
/// zero byte.
pub(crate) fn text(bytes: &[u8]) -> Arc<str> {
    let bytes = bytes.strip_suffix(b"\0").unwrap_or(bytes);
    String::from_utf8_lossy(bytes).trim().into()
}

#[cfg(test)]
mod tests;
