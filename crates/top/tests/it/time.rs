//! The time cursor.

use crate::support::{bus::Bus, terminal::Terminal};

/// The text without its last line, which says how long ago the cursor is.
fn above(text: &str) -> String {
    text.rsplit_once('\n')
        .map_or("", |(above, _)| above)
        .to_owned()
}

/// How long ago the footer says the cursor is.
fn ago(text: &str) -> Option<String> {
    let last = text.lines().last()?;
    let words = last.strip_suffix(" ago: Esc returns")?;
    Some(words.rsplit("  ").next()?.to_owned())
}

#[test]
fn graphs_and_values_go_back_together_and_stay() {
    let bus = Bus::new();
    let watch = "watch cpu/all/system --interval 250ms --count 8";
    assert!(bus.sampled(watch).output().unwrap().status.success());
    let mut top = Terminal::top(&bus, "cpu/all/system --interval 250ms", 12, 80);
    top.until(|text| {
        text.contains("1 metric every 250ms")
            && text.matches(|c: char| ('▁'..='█').contains(&c)).count() > 8
    });
    top.key_in("[");
    let first = top.until(|text| ago(text).is_some());
    // Frames come, the distance grows, and nothing else changes.
    let later = top.until(|text| ago(text).is_some() && ago(text) != ago(&first));
    let moment = above(&later);
    let last = top.until(|text| ago(text).is_some() && ago(text) != ago(&later));
    assert_eq!(above(&last), moment);
    // Another page, the same moment.
    top.key_in("3");
    top.until(|text| text.contains("Page faults") && ago(text).is_some());
    top.key_in("m{");
    top.until(|text| text.contains("All") && ago(text).is_some());
    top.key_in("\x1b");
    top.until(|text| text.contains("1 metric every 250ms"));
    let now = above(&top.text());
    top.until(|text| above(text) != now);
    top.key_in("[}");
    top.until(|text| text.contains("1 metric every 250ms"));
    top.key_in("zzZq");
    assert_eq!(top.end().code(), Some(0));
}
