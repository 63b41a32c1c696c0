//! Patterns of ids, compared with ids segment by segment.
//!
//! There are two kinds. In a selector, `*` stands for any run of characters in a segment, and segments at the end
//! may be missing. In a scope, which says what ids a source may have, a segment that is `*` stands for
//! any one, and no segment is missing.

/// Whether a selector, by its segments, means this id.
pub fn matches<'s, 'i>(
    selector: impl IntoIterator<Item = &'s str>,
    id: impl IntoIterator<Item = &'i str>,
) -> bool {
    rest_of_id(selector, id).is_some()
}

/// Whether a selector may mean an id of this scope. May say yes too often, never no.
pub fn may_match(selector: &str, scope: &str) -> bool {
    let mut segments = scope.split('/');
    selector.split('/').all(|pattern| {
        let segment = segments.next();
        segment.is_some_and(|segment| segment == "*" || segment_matches(pattern, segment))
    })
}

/// Whether an id is one of this scope.
pub fn covers(scope: &str, id: &str) -> bool {
    let mut segments = id.split('/');
    let is_covered = scope.split('/').all(|pattern| {
        let segment = segments.next();
        segment.is_some_and(|segment| pattern == "*" || pattern == segment)
    });
    is_covered && segments.next().is_none()
}

/// The segments of an id that come after those that a selector means; none if it does not mean the id.
pub fn rest_of_id<'s, 'i, I: IntoIterator<Item = &'i str>>(
    selector: impl IntoIterator<Item = &'s str>,
    id: I,
) -> Option<I::IntoIter> {
    let mut segments = id.into_iter();
    for pattern in selector {
        let segment = segments.next()?;
        if !segment_matches(pattern, segment) {
            return None;
        }
    }
    Some(segments)
}

/// Whether a segment of an id has the form of a pattern, whose `*` stand for any run of characters.
pub fn segment_matches(pattern: &str, text: &str) -> bool {
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
        match behind(text, part) {
            Some(rest) => text = rest,
            None => return false,
        }
    }
    true
}

/// What comes after the first of these parts. Segments are short: preparing a search would take longer.
fn behind<'a>(text: &'a [u8], part: &[u8]) -> Option<&'a [u8]> {
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

    #[test]
    fn segments() {
        let check = |pattern, text, expected| {
            assert_eq!(segment_matches(pattern, text), expected, "{pattern} {text}");
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

    #[test]
    fn ids() {
        let check = |pattern: &str, id: &str, is_meant, is_covered| {
            let is_match = matches(pattern.split('/'), id.split('/'));
            assert_eq!(is_match, is_meant, "{pattern} {id}");
            assert_eq!(covers(pattern, id), is_covered, "{pattern} {id}");
        };
        check("cpu/all/usage", "cpu/all/usage", true, true);
        check("cpu/*/usage", "cpu/all/usage", true, true);
        check("cpu/*/usage", "cpu/all/user", false, false);
        check("*/*/*", "cpu/all/user", true, true);
        check("cpu/a*/usage", "cpu/all/usage", true, false);
        check("cpu/all", "cpu/all/usage", true, false);
        check("cpu", "cpu/all/usage", true, false);
        check("cpu/al", "cpu/all/usage", false, false);
        check("cpu/all/usage/x", "cpu/all/usage", false, false);
        let rest = |pattern: &str| {
            let rest = rest_of_id(pattern.split('/'), "cpu/all/usage".split('/'));
            rest.map(|segments| segments.collect::<Vec<_>>().join("/"))
        };
        assert_eq!(rest("c*").as_deref(), Some("all/usage"));
        assert_eq!(rest("*/all/usage").as_deref(), Some(""));
        assert_eq!(rest("c*/b"), None);
    }

    #[test]
    fn scopes() {
        let check = |selector, scope, expected| {
            assert_eq!(may_match(selector, scope), expected, "{selector} {scope}");
        };
        check("cpu", "cpu/*/usage", true);
        check("cpu/cpu0/usage", "cpu/*/usage", true);
        check("*/*/us*", "cpu/*/usage", true);
        check("*/*/us*", "cpu/*/name", false);
        check("memory", "cpu/*/usage", false);
    }
}
