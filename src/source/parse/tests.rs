use super::*;

#[track_caller]
fn check_number(field: &str, expected: Option<u64>) {
    assert_eq!(number(field.as_bytes()), expected);
}

#[test]
fn numbers_of_digits_only() {
    check_number("0", Some(0));
    check_number("007", Some(7));
    check_number("9007199254740993", Some((1 << 53) + 1));
    check_number("18446744073709551615", Some(u64::MAX));
    check_number("18446744073709551616", None);
    check_number("99999999999999999999999", None);
    check_number("", None);
    check_number("-1", None);
    check_number("+1", None);
    check_number("1.0", None);
    check_number("1x", None);
    check_number("\u{661}", None);
}

#[test]
fn numbers_with_a_sign() {
    assert_eq!(signed(b"-56"), Some(-56));
    assert_eq!(signed(b"-9223372036854775808"), Some(i64::MIN));
    assert_eq!(signed(b"7"), Some(7));
    for bad in [
        "-9223372036854775809",
        "9223372036854775808",
        "--1",
        "-",
        "",
    ] {
        assert_eq!(signed(bad.as_bytes()), None);
    }
}

#[track_caller]
fn check_decimal(field: &str, expected: Option<f64>) {
    assert_eq!(decimal(field.as_bytes()), expected);
}

#[test]
fn decimals() {
    check_decimal("0.00", Some(0.0));
    check_decimal("0.20", Some(0.2));
    check_decimal("12345.67", Some(12345.67));
    check_decimal("3", Some(3.0));
    check_decimal("18446744073709551615.25", Some(18446744073709551615.25));
    for bad in [
        "", ".", "1.", ".5", "-0.5", "1e5", "nan", "inf", "1,5", "1.2.3",
    ] {
        check_decimal(bad, None);
    }
    check_decimal("0.00000000000000000000001", None);
}

#[test]
fn kilobytes_are_bytes() {
    assert_eq!(kilobytes(b"  16316416 kB\n"), Some(16316416 * 1024));
    assert_eq!(kilobytes(b"0 kB\nx"), Some(0));
    let bad = [
        "18014398509481984 kB\n",
        "5\n",
        "-5 kB\n",
        " kB\n",
        "5 kB",
        "5 MB\n",
        "",
    ];
    for bad in bad {
        assert_eq!(kilobytes(bad.as_bytes()), None);
    }
}

#[test]
fn a_number_is_alone_on_an_ended_line() {
    assert_eq!(ended_number(b"5\nx"), Some(5));
    assert_eq!(ended_number(b"  0\n"), Some(0));
    for bad in ["5", "5 kB\n", "-5\n", "\n", ""] {
        assert_eq!(ended_number(bad.as_bytes()), None);
    }
}

#[test]
fn numbers_end_at_the_first_other_field() {
    let check = |line: &str, expected: &[u64]| {
        assert_eq!(numbers(line.as_bytes()).collect::<Vec<_>>(), expected);
    };
    check("  1 22\t333 ", &[1, 22, 333]);
    check("1 -2 3", &[1]);
    check("1 2x 3", &[1]);
    check("1 18446744073709551616", &[1]);
    check("", &[]);
}

#[track_caller]
fn check_list(text: &str, expected: Option<&[u32]>) {
    let expected = expected.map(|numbers| numbers.iter().copied().collect());
    assert_eq!(list(text.as_bytes()), expected);
}

#[test]
fn lists() {
    check_list("0\n", Some(&[0]));
    check_list("0-3,5,7-8\n", Some(&[0, 1, 2, 3, 5, 7, 8]));
    for bad in ["", "\n", "3-1", "0-", "-3", "0,,1", "0-4294967295", "a"] {
        check_list(bad, None);
    }
}

#[test]
fn pairs_and_fields() {
    assert_eq!(
        pair(b"model name\t: AMD: EPYC "),
        Some((&b"model name"[..], &b"AMD: EPYC"[..]))
    );
    assert_eq!(pair(b"no colon"), None);
    assert_eq!(fields(b"  a \t b ").collect::<Vec<_>>(), [b"a", b"b"]);
    assert_eq!(word(b"  a\t b "), (&b"a"[..], &b"\t b "[..]));
    assert_eq!(word(b" "), (&b""[..], &b""[..]));
    assert_eq!(lines(b"a\n\nb").count(), 3);
    assert_eq!(
        ended_lines(b"a\nb").collect::<Vec<_>>(),
        [(&b"a"[..], true), (&b"b"[..], false)]
    );
}

#[test]
fn texts_are_trimmed_utf8() {
    assert_eq!(&*text(b" caf\xc3\xa9\n"), "caf\u{e9}");
    assert_eq!(&*text(b"Raspberry Pi 4\0"), "Raspberry Pi 4");
    assert_eq!(&*text(b"\xff\n"), "\u{fffd}");
}
