use zbus::Variant;

use super::*;

/// Options that were sent in a message.
fn options_of<'a>(given: &[(&str, Variant<'a>)]) -> CallOptions {
    let given: HashMap<_, _> = given.iter().map(|(key, value)| (*key, value)).collect();
    let call = zbus::Message::method_call("/", "M").build(&given).unwrap();
    call.body().deserialize().unwrap()
}

fn options(key: &str, value: Variant<'static>) -> CallOptions {
    options_of(&[(key, value)])
}

#[track_caller]
fn refuses<T>(result: Result<T, Error>, name: &str) {
    let error = result.err().expect("this is refused");
    assert!(error.name().ends_with(name), "{error:?}");
}

#[test]
fn the_options_of_sample() {
    assert_eq!(
        sample(&CallOptions::default()),
        Ok(SampleOptions::default())
    );
    let window = sample(&options("window", Variant::U64(50_000)))
        .unwrap()
        .timing
        .window;
    assert_eq!(window, Duration::from_millis(50));
    assert!(sample(&options("colour", Variant::U64(1))).is_ok());
    refuses(
        sample(&options("window", Variant::U32(50_000))),
        ".InvalidArgs",
    );
    refuses(
        sample(&options("max_age", Variant::from("1"))),
        ".InvalidArgs",
    );
    refuses(
        sample(&options("timeout", Variant::from(true))),
        ".InvalidArgs",
    );
    refuses(
        sample(&options("window", Variant::U64(0))),
        ".InvalidInterval",
    );
    refuses(
        sample(&options("window", Variant::U64(u64::MAX))),
        ".InvalidInterval",
    );
    let endless = sample(&options("timeout", Variant::U64(u64::MAX))).unwrap();
    assert_eq!(endless.timing.timeout, MAX_DURATION);
}

#[test]
fn the_options_of_start() {
    assert_eq!(start(&CallOptions::default()), Ok(StartOptions::default()));
    assert_eq!(
        start(&options("label", Variant::from("x"))).unwrap().label,
        "x"
    );
    assert!(
        start(&options("detached", Variant::from(true)))
            .unwrap()
            .detached
    );
    let optional = options("optional", Variant::from(true));
    assert!(start(&optional).unwrap().is_optional);
    assert!(sample(&optional).unwrap().is_optional);
    let mistyped = options("optional", Variant::U64(1));
    refuses(start(&mistyped), ".InvalidArgs");
    refuses(sample(&mistyped), ".InvalidArgs");
    let history = |span| {
        let options = options("history", Variant::U64(span));
        start(&options).unwrap().history
    };
    assert_eq!(history(0), Duration::ZERO);
    assert_eq!(history(u64::MAX), Duration::from_micros(u64::MAX));
    refuses(start(&options("history", Variant::U32(1))), ".InvalidArgs");
    refuses(start(&options("label", Variant::U64(1))), ".InvalidArgs");
    refuses(
        start(&options("detached", Variant::from("yes"))),
        ".InvalidArgs",
    );
    refuses(
        start(&options("label", Variant::from("x".repeat(257)))),
        ".LimitExceeded",
    );
}

#[test]
fn unknown_options_are_counted_and_not_kept() {
    let nested = Variant::from(vec![Variant::from("x"), Variant::from(vec![1_u64, 2])]);
    let given = [
        ("a", nested.clone()),
        ("window", Variant::U64(50_000)),
        ("z", Variant::new(HashMap::from([("key", nested)]))),
    ];
    let options = options_of(&given);
    assert_eq!(options.known.len(), 1);
    assert_eq!(sample(&options).unwrap().timing.window.as_millis(), 50);
    let limits = |options| Limits {
        options,
        ..Limits::default()
    };
    assert!(options.check(&limits(3)).is_ok());
    refuses(options.check(&limits(2)), ".LimitExceeded");
    let many = Variant::from(vec![0_u64; MAX_VALUES]);
    refuses(
        options_of(&[("x", many)]).check(&limits(64)),
        ".LimitExceeded",
    );
}
