//! Names of objects in ids: what a device is called, in plain ASCII, and patterns of such names.

/// Whether a byte stands for itself in the name of an object; others are written `%XX`.
pub fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"._:@+-".contains(&byte)
}

/// The name of an object in an id.
pub fn escape(name: &[u8]) -> String {
    let mut escaped = String::with_capacity(name.len());
    for &byte in name {
        if is_plain(byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

/// Whether a segment of an id has the form of a pattern, whose `*` stand for any run of characters.
pub fn is_like(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(text) = text.strip_prefix(head) else {
        return false;
    };
    let mut text = text.as_bytes();
    let mut parts = rest.split('*').map(str::as_bytes).peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return text.ends_with(part);
        }
        match after(text, part) {
            Some(rest) => text = rest,
            None => return false,
        }
    }
    true
}

/// What comes after the first of these parts. Segments are short: preparing a search would take longer.
fn after<'a>(text: &'a [u8], part: &[u8]) -> Option<&'a [u8]> {
    let Some(first) = part.first() else {
        return Some(text);
    };
    let mut rest = text;
    loop {
        let at = rest.iter().position(|byte| byte == first)?;
        rest = &rest[at..];
        if let Some(after) = rest.strip_prefix(part) {
            return Some(after);
        }
        rest = &rest[1..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &[u8], expected: &str) {
        assert_eq!(escape(name), expected);
    }

    #[test]
    fn bytes_that_are_not_plain_are_hexadecimal() {
        check(b"eth0", "eth0");
        check(b"nvme.1a_B:c@d+e-f", "nvme.1a_B:c@d+e-f");
        check(b"My Disk/1", "My%20Disk%2F1");
        check(b"100%*", "100%25%2A");
        check("\u{fc}".as_bytes(), "%C3%BC");
        check(b"", "");
    }

    #[test]
    fn patterns() {
        let check = |pattern, text, expected| {
            assert_eq!(is_like(pattern, text), expected, "{pattern} {text}");
        };
        check("", "", true);
        check("a", "a", true);
        check("a", "ab", false);
        check("*", "", true);
        check("a*", "a", true);
        check("a*a", "a", false);
        check("*b*", "abc", true);
        check("*aab*", "aaab", true);
        check("*ab*ab*", "xabyabz", true);
        check("*ab*ab*", "xabyaz", false);
        check("a*b*c", "abbc", true);
        check("**", "x", true);
        check("*c", "abcd", false);
    }
}
