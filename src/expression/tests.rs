//! Parsing and evaluating expressions.

use super::*;

/// Evaluates with 10 for the first operand, 100 for the second, and so on.
#[track_caller]
fn check(text: &str, operands: &[&str], expected: f64) {
    let expression = Expression::parse(text).unwrap();
    let found = expression
        .operands()
        .iter()
        .map(|operand| match operand.fold {
            Some(fold) => format!("{fold:?} {}", operand.selector),
            None => operand.selector.clone(),
        });
    let found: Vec<_> = found.collect();
    assert_eq!(found, operands);
    let values: Vec<_> = (1..)
        .map(|power| 10f64.powi(power))
        .take(operands.len())
        .collect();
    assert_eq!(expression.evaluate(&values), expected, "{text}");
}

#[track_caller]
fn refuses(text: &str, at: usize, expected: &str) {
    let error = Expression::parse(text).unwrap_err();
    assert_eq!((error.at, error.to_string().as_str()), (at, expected));
}

#[test]
fn arithmetic() {
    check("2 - 3 - 4", &[], -5.0);
    check("2+3*4", &[], 14.0);
    check("(2+3)*4", &[], 20.0);
    check("8 / 4 / 2", &[], 1.0);
    check("2^-1", &[], 0.5);
    check("1e3 + 2.5E-1 + .5", &[], 1000.75);
    check("-(3)", &[], -3.0);
    check("max(1, 2) + min(3, 4)", &[], 5.0);
    check("sqrt(16) + abs(-2) + round(2.5)", &[], 9.0);
    check("0.1 + 0.2", &[], 0.1 + 0.2);
    check("1e-7", &[], 1e-7);
}

#[test]
fn ranks_and_directions_of_operators() {
    check("-2^2", &[], 4.0);
    check("2^3^2", &[], 64.0);
    check("2 * 3^2", &[], 18.0);
    check("12 / 2 * 3", &[], 18.0);
    check("12 * 2 / 3", &[], 8.0);
    check("1 - 2 + 3", &[], 2.0);
    check("1 - -2", &[], 3.0);
    check("+2 - +3", &[], -1.0);
    check("-sqrt(9) ^ 2", &[], 9.0);
    check("abs -2 + 1", &[], 3.0);
    check("-abs(-2)", &[], -2.0);
    check("max(1, min(5, 2 + 2) * 2) - 1", &[], 7.0);
}

#[test]
fn metrics_are_operands() {
    check(
        "disk/all/read + disk/all/write",
        &["disk/all/read", "disk/all/write"],
        110.0,
    );
    check("cpu/all/usage*2", &["cpu/all/usage"], 20.0);
    check("(cpu/all/usage)/2", &["cpu/all/usage"], 5.0);
    check("2*cpu/all/usage", &["cpu/all/usage"], 20.0);
    check("a/b/c - a/b/c", &["a/b/c"], 0.0);
    check(
        "b/b/b / a/a/a + network/wlan0%20x/10-G+y",
        &["b/b/b", "a/a/a", "network/wlan0%20x/10-G+y"],
        1000.1,
    );
    check("max(a/b/c, 11)", &["a/b/c"], 11.0);
    check("max(a/b/c, d/e/f)", &["a/b/c", "d/e/f"], 100.0);
}

#[test]
fn patterns_are_folded() {
    check(
        "sum(disk/*/temperature) / count( disk/*/temperature )",
        &["Sum disk/*/temperature", "Count disk/*/temperature"],
        0.1,
    );
    check("max(*/all/usage) - 20", &["Max */all/usage"], -10.0);
    check(
        "min(lmsensors/a*/t) + mean(lmsensors)"
            .replace("lmsensors)", "x/y)")
            .as_str(),
        &["Min lmsensors/a*/t", "Mean x/y"],
        110.0,
    );
    let values = [3.0, 1.0, 2.0];
    let fold = |fold: Fold| fold.apply(&values);
    assert_eq!(fold(Fold::Sum), 6.0);
    assert_eq!(fold(Fold::Mean), 2.0);
    assert_eq!(fold(Fold::Min), 1.0);
    assert_eq!(fold(Fold::Max), 3.0);
    assert_eq!(fold(Fold::Count), 3.0);
    assert!(Fold::Sum.apply(&[]).is_nan());
    assert_eq!(Fold::Count.apply(&[]), 0.0);
}

#[test]
fn length_is_limited() {
    let nested = |depth| format!("{}7{}", "(".repeat(depth), ")".repeat(depth));
    let minus = |count| "-".repeat(count) + "7";
    let functions = |depth| format!("{}7{}", "abs(".repeat(depth), ")".repeat(depth));
    let sum = |count| "1+".repeat(count) + "1";
    check(&nested(511), &[], 7.0);
    check(&minus(1023), &[], -7.0);
    check(&functions(204), &[], 7.0);
    check(&sum(511), &[], 512.0);
    let refused = "an expression has at most 1024 bytes";
    for text in [nested(512), minus(1024), nested(100_000), minus(100_000)] {
        refuses(&text, 0, refused);
    }
    refuses(&functions(100_000), 0, refused);
    refuses(&sum(100_000), 0, refused);
}

#[test]
fn more_than_ten_operands_keep_their_order() {
    let ids: Vec<_> = (0..12).map(|number| format!("a/b/c{number}")).collect();
    let expression = Expression::parse(&ids.join(" + 2 * ")).unwrap();
    let mut values = vec![0.0; 12];
    values[0] = 1.0;
    assert_eq!(expression.evaluate(&values), 1.0);
    values[11] = 1.0;
    assert_eq!(expression.evaluate(&values), 3.0);
}

#[test]
fn division_by_zero_is_not_finite() {
    let divided = Expression::parse("1 / a/b/c").unwrap();
    assert!(!divided.evaluate(&[0.0]).is_finite());
}

#[test]
fn errors_have_a_position() {
    const KNOWN: &str = "neither a metric (source/object/property) nor a function (abs, ceil, exp, \
                         floor, ln, log10, log2, max, min, round, signum, sqrt, trunc, sum, mean, count)";
    refuses("2 + usage", 4, &format!("usage: {KNOWN}"));
    refuses("cpu/all + 1", 0, &format!("cpu/all: {KNOWN}"));
    refuses("a/b/c > 3", 6, "'>' has no meaning here");
    refuses("a/b/c + ä", 8, "'ä' has no meaning here");
    refuses("1.2.3", 0, "\"1.2.3\" is no number");
    refuses("1e999", 0, "\"1e999\" is no number");
    refuses(
        "3 + sum(4, 5)",
        4,
        "sum: a selector is expected after it: sum(cpu/*/usage)",
    );
    refuses("$(reboot)", 0, "'$' has no meaning here");
    const OPERAND: &str = "a number, a metric or a function is expected here";
    refuses("", 0, OPERAND);
    refuses("1 + ", 4, OPERAND);
    refuses("2 * / 3", 4, OPERAND);
    refuses("1 2", 2, "an operator is expected here");
    refuses("2(3)", 1, "an operator is expected here");
    refuses("a/b/c  d/e/f", 7, "an operator is expected here");
    refuses("(1", 2, "a closing parenthesis is expected here");
    refuses("(1,2)", 2, "a closing parenthesis is expected here");
    refuses("1)", 1, "this parenthesis was not opened");
    refuses(
        "1,5",
        1,
        "a comma is between the arguments of min and max only",
    );
    refuses(
        "max(1)",
        5,
        "a comma and the second argument are expected here",
    );
    refuses("max(1, 2, 3)", 8, "a closing parenthesis is expected here");
    refuses("max 1", 4, "an opening parenthesis is expected here");
    refuses("abs", 3, OPERAND);
    for text in [
        "",
        "  ",
        "1 +",
        "(1",
        "1)",
        "1 2",
        "a/b/c d/e/f",
        "* 2",
        "()",
        "1,5",
        "abs",
    ] {
        assert!(Expression::parse(text).is_err(), "{text}");
    }
}
