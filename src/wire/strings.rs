//! Arrays of strings in wire format, parsed without copies and without serde.

/// The strings of an array at the start of a body, in the byte order of this machine, and the position behind it. `None`
/// if it is malformed.
pub(crate) fn strings(body: &[u8]) -> Option<(Vec<&str>, usize)> {
    let (first, rest) = body.split_first_chunk()?;
    let length = usize::try_from(u32::from_ne_bytes(*first)).ok()?;
    let mut array = rest.get(..length)?;
    // Few ids are shorter.
    let mut strings = Vec::with_capacity(length / 16);
    while !array.is_empty() {
        let (first, rest) = array.split_first_chunk()?;
        let length = usize::try_from(u32::from_ne_bytes(*first)).ok()?;
        let (text, rest) = rest.split_at_checked(length)?;
        let (&end, rest) = rest.split_first()?;
        if end != 0 || text.contains(&0) {
            return None;
        }
        strings.push(str::from_utf8(text).ok()?);
        // The next string begins at a multiple of four; behind the last one there is no padding.
        let unpadded = length.checked_add(1)?;
        let padding = unpadded
            .checked_next_multiple_of(4)?
            .checked_sub(unpadded)?;
        array = rest.get(padding.min(rest.len())..)?;
    }
    Some((strings, length.checked_add(first.len())?))
}

#[cfg(test)]
mod tests {
    use zbus::Message;

    use super::*;

    fn encoded(strings: &[&str]) -> Vec<u8> {
        let message = Message::method_call("/", "M").build(&strings).unwrap();
        message.body().data().to_vec()
    }

    #[test]
    fn arrays_of_zbus_are_parsed() {
        for given in [
            &[][..],
            &[""],
            &["a", "", "bc", "def", "ghij"],
            &["ß√", "cpu/*"],
        ] {
            let body = encoded(given);
            assert_eq!(strings(&body), Some((given.to_vec(), body.len())));
            // Further arguments follow.
            let message = Message::method_call("/", "M")
                .build(&(given, 7_u64))
                .unwrap();
            let longer = message.body();
            assert_eq!(strings(longer.data()), Some((given.to_vec(), body.len())));
        }
    }

    #[test]
    fn what_is_malformed_is_not_parsed() {
        let body = encoded(&["one", "two"]);
        for end in 0..body.len() {
            assert_eq!(strings(&body[..end]), None, "{end}");
        }
        // No byte causes a read beyond the end or a panic.
        for at in 0..body.len() {
            for byte in [0, 1, 0x7f, 0xff] {
                let mut body = body.clone();
                body[at] = byte;
                strings(&body);
            }
        }
        let mut with_nul = encoded(&["one"]);
        with_nul[9] = 0;
        assert_eq!(strings(&with_nul), None);
    }
}
