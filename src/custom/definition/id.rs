//! The ids that a user may give to metrics.

use crate::{object, pattern};

/// The longest id, in bytes: no selector is longer.
const LONGEST: usize = 256;

/// Checks the id of a custom metric. `taken` are the patterns of the ids of other sources.
///
/// # Errors
/// The rule that the id breaks, in words.
pub(super) fn check(id: &str, taken: &[&'static str]) -> Result<(), String> {
    let form = "an id is source/object/property";
    let segments: Vec<_> = id.split('/').collect();
    if segments.len() != 3 || segments.contains(&"") {
        return Err(form.to_owned());
    }
    if id.len() > LONGEST {
        return Err(format!("an id has at most {LONGEST} bytes"));
    }
    let mut rest = id.bytes().filter(|byte| *byte != b'/');
    while let Some(byte) = rest.next() {
        let mut is_hexadecimal = || rest.next().is_some_and(|byte| byte.is_ascii_hexdigit());
        match byte {
            b'%' if is_hexadecimal() && is_hexadecimal() => {}
            byte if object::is_unescaped(byte) => {}
            _ => {
                let plain = "A-Z a-z 0-9 . _ : @ + - are written as they are, and others as %XX";
                return Err(format!("{form}, in which {plain}"));
            }
        }
    }
    match taken.iter().find(|scope| pattern::covers(scope, id)) {
        Some(pattern) => Err(format!(
            "this id belongs to a source that is built in ({pattern}); another object or property \
             is free"
        )),
        None => Ok(()),
    }
}

/// The default title of the object of a metric: its object in the id.
pub(super) fn object(id: &str) -> String {
    id.split('/').nth(1).unwrap_or_default().to_owned()
}

/// The default name of a metric: its property in the id, with a capital letter.
pub(super) fn name(id: &str) -> String {
    let mut name = id.split('/').nth(2).unwrap_or_default().to_owned();
    if let Some(first) = name.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids() {
        let taken = ["cpu/*/usage", "gpu/*/*"];
        let fits = |id| assert_eq!(check(id, &taken), Ok(()), "{id}");
        let refuses = |id: &str, why: &str| {
            let error = check(id, &taken).expect_err(id);
            assert!(error.contains(why), "{id}: {error}");
        };
        fits("room/desk/temperature");
        fits("room/my%20desk/temperature+1");
        fits("cpu/desk/fan");
        refuses("room/desk", "source/object/property");
        refuses("room/desk/a/b", "source/object/property");
        refuses("room//temperature", "source/object/property");
        refuses("", "source/object/property");
        refuses("room/*/temperature", "%XX");
        refuses("room/my desk/temperature", "%XX");
        refuses("room/ö/temperature", "%XX");
        refuses("room/%2/temperature", "%XX");
        refuses("room/a%", "source/object/property");
        refuses("room/a/b%", "%XX");
        refuses(&format!("a/b/{}", "x".repeat(253)), "256 bytes");
        refuses("cpu/desk/usage", "built in (cpu/*/usage)");
        refuses("gpu/desk/fan", "built in (gpu/*/*)");
    }

    #[test]
    fn names() {
        assert_eq!(name("room/desk/temperature"), "Temperature");
        assert_eq!(name("room/desk/%C3%BC"), "%C3%BC");
        assert_eq!(object("room/desk/temperature"), "desk");
    }
}
