use super::*;

#[test]
fn numbers_that_mean_no_limit_are_none() {
    let check = |prefix: &str, text: &str, expected: Option<f64>| {
        let found = SENSOR_TYPES.iter().find(|each| each.prefix == prefix);
        assert_eq!(
            found.unwrap().parse_limit(text),
            expected,
            "{prefix} {text}"
        );
    };
    check("temp", "84850\n", Some(84.85));
    check("temp", "-40000\n", Some(-40.0));
    for unset in [
        "0", "127000", "127875", "128000", "255000", "255875", "65261850",
    ] {
        check("temp", unset, None);
    }
    for unset in [
        "-127000",
        "-128000",
        "-273150",
        "9223372036854775807",
        "x",
        "",
    ] {
        check("temp", unset, None);
    }
    check("fan", "300\n", Some(300.0));
    check("fan", "65535\n", None);
    check("in", "13200\n", Some(13.2));
    check("in", "2147483647\n", None);
    check("power", "4294967295\n", None);
    check("power", "120000000\n", Some(120.0));
    check("curr", "9223372036854775807\n", None);
}

#[track_caller]
fn check(prefix: &str, text: &str, expected: Result<f64, Fault>) {
    let sensor_type = SENSOR_TYPES
        .iter()
        .find(|sensor_type| sensor_type.prefix == prefix)
        .unwrap();
    let expected = expected.map_or_else(Raw::Fault, Raw::Number);
    assert_eq!(sensor_type.parse_value(text.as_bytes()), expected);
}

#[test]
fn impossible_values_are_malformed() {
    let malformed = Err(Fault::Malformed);
    check("temp", "-40000\n", Ok(-40.0));
    check("temp", "0\n", Ok(0.0));
    check("temp", "127800\n", Ok(127.8));
    check("temp", "1023000\n", Ok(1023.0));
    for full in [
        "-128000", "-127000", "127000", "127500", "127875", "127996", "255000", "255875", "511000",
    ] {
        check("temp", full, malformed);
    }
    check("temp", "65261850\n", malformed);
    check("temp", "-273150\n", malformed);
    check("temp", "4294939296\n", malformed);
    check("temp", "", malformed);
    check("temp", "N/A\n", malformed);
    check("fan", "0\n", Ok(0.0));
    check("fan", "-1\n", malformed);
    check("fan", "65535\n", malformed);
    check("fan", "1350000\n", malformed);
    check("in", "-11904\n", Ok(-11.904));
    check("in", "2147483647\n", malformed);
    check("curr", "-1500\n", Ok(-1.5));
    check("power", "15250000\n", Ok(15.25));
    check("energy", "18446744073709551615\n", malformed);
    check("energy", "2500000\n", Ok(2.5));
    check("humidity", "45123\n", Ok(45.123));
    check("humidity", "101000\n", Ok(100.0));
    check("humidity", "-1500\n", Ok(0.0));
    check("humidity", "655350\n", malformed);
    check("freq", "2100000000\n", Ok(2100.0));
    check("freq", "-1\n", malformed);
    check("pwm", "255\n", Ok(100.0));
    check("pwm", "51\n", Ok(20.0));
    check("pwm", "256\n", malformed);
    check("intrusion", "1\n", Ok(1.0));
    check("intrusion", "2\n", malformed);
}

#[test]
fn a_zone_at_zero_has_not_measured() {
    let stale = Raw::Fault(Fault::Stale);
    assert_eq!(ZONE_TEMPERATURE.parse_value(b"0\n"), stale);
    assert_eq!(ZONE_TEMPERATURE.parse_value(b"-2000\n"), Raw::Number(-2.0));
}
