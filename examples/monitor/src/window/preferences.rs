//! The preferences: how often is sampled, and how much graphs show.

use std::time::Duration;

use adw::prelude::*;

use super::Window;
use crate::i18n::{gettext, ngettext_f};

/// Intervals to choose from, in milliseconds.
const INTERVALS: [u64; 6] = [250, 500, 1000, 2000, 5000, 10_000];
/// Spans to choose from, in seconds.
const SPANS: [u64; 6] = [60, 120, 300, 600, 1800, 3600];

/// Opens the preferences.
pub(super) fn show(window: &Window) {
    let (interval, span) = {
        let settings = window.context().settings();
        (settings.interval, settings.span)
    };
    let group = adw::PreferencesGroup::builder()
        .title(gettext("Sampling"))
        .description(gettext("A shorter interval costs more of the processor."))
        .build();
    let intervals = INTERVALS.map(Duration::from_millis);
    let of_window = window.downgrade();
    group.add(&choice(
        &gettext("Interval"),
        &intervals,
        interval,
        move |interval| {
            if let Some(window) = of_window.upgrade() {
                window.set_interval(interval);
            }
        },
    ));
    let spans = SPANS.map(Duration::from_secs);
    let of_window = window.downgrade();
    group.add(&choice(
        &gettext("Time that graphs show"),
        &spans,
        span,
        move |span| {
            if let Some(window) = of_window.upgrade() {
                window.set_span(span);
            }
        },
    ));
    let page = adw::PreferencesPage::new();
    page.add(&group);
    let preferences = adw::PreferencesWindow::builder()
        .transient_for(window)
        .modal(true)
        .search_enabled(false)
        .default_width(480)
        .default_height(360)
        .build();
    preferences.add(&page);
    preferences.present();
}

/// A row with times to choose from. One that is not among them is added.
fn choice(
    title: &str,
    times: &[Duration],
    chosen: Duration,
    choose: impl Fn(Duration) + 'static,
) -> adw::ComboRow {
    let mut times = times.to_vec();
    times.push(chosen);
    times.sort_unstable();
    times.dedup();
    let words: Vec<String> = times.iter().map(|time| words(*time)).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let position = times.iter().position(|time| *time == chosen).unwrap_or(0);
    let row = adw::ComboRow::builder()
        .title(title)
        .model(&gtk::StringList::new(&words))
        .selected(u32::try_from(position).unwrap_or(0))
        .build();
    row.connect_selected_notify(move |row| {
        let chosen = usize::try_from(row.selected()).ok();
        if let Some(time) = chosen.and_then(|chosen| times.get(chosen)) {
            choose(*time);
        }
    });
    row
}

/// A time in words.
pub(super) fn words(time: Duration) -> String {
    let seconds = u32::try_from(time.as_secs()).unwrap_or(u32::MAX);
    let minutes = seconds.checked_div(60).unwrap_or(0);
    if time.subsec_millis() > 0 || seconds == 0 {
        let milliseconds = u32::try_from(time.as_millis()).unwrap_or(u32::MAX);
        let number = milliseconds.to_string();
        return ngettext_f(
            "{number} millisecond",
            "{number} milliseconds",
            milliseconds,
            &[("number", &number)],
        );
    }
    if seconds.is_multiple_of(60) {
        let number = minutes.to_string();
        return ngettext_f(
            "{number} minute",
            "{number} minutes",
            minutes,
            &[("number", &number)],
        );
    }
    let number = seconds.to_string();
    ngettext_f(
        "{number} second",
        "{number} seconds",
        seconds,
        &[("number", &number)],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_in_words() {
        for (milliseconds, expected) in [
            (250, "250 milliseconds"),
            (1000, "1 second"),
            (1500, "1500 milliseconds"),
            (90_000, "90 seconds"),
            (600_000, "10 minutes"),
        ] {
            assert_eq!(words(Duration::from_millis(milliseconds)), expected);
        }
    }
}
