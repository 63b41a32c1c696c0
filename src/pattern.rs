//! Patterns, compared with ids segment by segment.
//!
//! There are two kinds. In a selector, `*` stands for any run of characters within a segment, and segments at the end
//! can be missing. A scope describes the ids that a source may have: there a segment `*` stands for any segment, and
//! none can be missing.

/// Whether the segments of a selector match those of an id.
pub fn matches<'s, 'i>(
    selector: impl IntoIterator<Item = &'s str>,
    id: impl IntoIterator<Item = &'i str>,
) -> bool {
    rest_of_id(selector, id).is_some()
}

/// Whether a selector may match an id of this scope. May say yes too often, never no.
pub fn may_match(selector: &str, scope: &str) -> bool {
    let mut segments = scope.split('/');
    selector.split('/').all(|pattern| {
        let segment = segments.next();
        segment.is_some_and(|segment| segment == "*" || segment_matches(pattern, segment))
    })
}

/// Whether a scope includes an id.
pub fn covers(scope: &str, id: &str) -> bool {
    let mut segments = id.split('/');
    let is_covered = scope.split('/').all(|pattern| {
        let segment = segments.next();
        segment.is_some_and(|segment| pattern == "*" || pattern == segment)
    });
    is_covered && segments.next().is_none()
}

/// The segments of an id after those that a selector matches; `None` if it does not match the id.
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

/// Whether a segment of a selector matches a segment of an id. `*` stands for any run of characters.
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
        match after_first(text, part) {
            Some(rest) => text = rest,
            None => return false,
        }
    }
    true
}

/// The text after the first occurrence of `part`. Segments are short, so a search that needs preparation is slower.
fn after_first<'a>(text: &'a [u8], part: &[u8]) -> Option<&'a [u8]> {
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
    fn selectors_match_segments() {
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
    fn selectors_match_ids_and_scopes_cover_them() {
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
    fn selectors_may_match_scopes() {
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
