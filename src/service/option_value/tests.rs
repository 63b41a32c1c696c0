use std::collections::HashMap;

use serde::de::Deserialize;
use zbus::{Message, Signature, Type, Variant};

use super::*;

/// A value, and the rest of a budget of 100 after it.
#[derive(Debug, PartialEq)]
struct Read(OptionValue, usize);

impl Type for Read {
    const SIGNATURE: &'static Signature = &Signature::Variant;
}

impl<'de> Deserialize<'de> for Read {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let budget = Budget::new(100);
        let argument = Value(&budget).deserialize(deserializer)?;
        Ok(Self(argument, budget.0.get()))
    }
}

#[track_caller]
fn check(given: Variant<'_>, expected: OptionValue) {
    assert_eq!(given.value_signature().to_string(), expected.signature());
    // The next argument shows whether the whole value was consumed.
    let call = Message::method_call("/", "M");
    let call = call.build(&(given, 77_u64)).unwrap();
    let body = call.body();
    let (Read(argument, left), behind): (Read, u64) = body.deserialize().unwrap();
    assert_eq!(argument, expected);
    assert_eq!(behind, 77);
    assert!(left > 50, "{left}");
}

#[test]
fn values_of_known_types_are_kept_and_others_skipped() {
    check(Variant::Bool(true), OptionValue::Bool(true));
    check(Variant::U32(7), OptionValue::U32(7));
    check(Variant::U64(u64::MAX), OptionValue::U64(u64::MAX));
    check(Variant::from("text"), OptionValue::Text("text".to_owned()));
    let texts = HashMap::from([("name", "x*")]);
    let expected = vec![("name".to_owned(), "x*".to_owned())];
    check(Variant::from(texts), OptionValue::Texts(expected));
    check(Variant::F64(0.5), OptionValue::F64(0.5));
    let texts = vec!["a".to_owned(), "b".to_owned()];
    check(Variant::from(texts.clone()), OptionValue::TextList(texts));
    let other = |signature: &str| OptionValue::Other(signature.to_owned());
    check(Variant::U8(1), other("y"));
    check(Variant::I16(-1), other("n"));
    check(Variant::from(vec![1_u64, 2]), other("at"));
    check(Variant::from(vec![1_u8, 2, 3]), other("ay"));
    check(Variant::new(Variant::from(1_u8)), other("v"));
    let nested = Variant::from(vec![Variant::from("x"), Variant::from(vec![1_u64])]);
    check(nested.clone(), other("av"));
    check(
        Variant::from(HashMap::from([("k", nested)])),
        other("a{sv}"),
    );
    check(Variant::from((1_u8, "two", 3_u64)), other("(yst)"));
}

#[test]
fn values_beyond_the_budget_are_not_read() {
    let check = |given: Variant<'_>| {
        let call = Message::method_call("/", "M").build(&given).unwrap();
        let Read(argument, left) = call.body().deserialize().unwrap();
        assert_eq!(left, 0, "{argument:?}");
    };
    check(Variant::from(vec![1_u64; 100]));
    check(Variant::from(vec!["x"; 1000]));
    check(Variant::from(vec![Variant::from(1_u8); 1000]));
    let keys: Vec<_> = (0..200).map(|key| key.to_string()).collect();
    let texts: HashMap<_, _> = keys.iter().map(|key| (key.as_str(), "")).collect();
    check(Variant::from(texts));
}
