//! Names of objects in ids: names of devices, escaped to plain ASCII.

/// Whether a byte stands for itself in the name of an object. Other bytes are escaped as `%XX`.
pub fn is_unescaped(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"._:@+-".contains(&byte)
}

/// Escapes the name of an object for use in an id.
pub fn escape(name: &[u8]) -> String {
    let mut escaped = String::with_capacity(name.len());
    for &byte in name {
        if is_unescaped(byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &[u8], expected: &str) {
        assert_eq!(escape(name), expected);
    }

    #[test]
    fn other_bytes_are_hexadecimal() {
        check(b"eth0", "eth0");
        check(b"nvme.1a_B:c@d+e-f", "nvme.1a_B:c@d+e-f");
        check(b"My Disk/1", "My%20Disk%2F1");
        check(b"100%*", "100%25%2A");
        check("\u{fc}".as_bytes(), "%C3%BC");
        check(b"", "");
    }
}
