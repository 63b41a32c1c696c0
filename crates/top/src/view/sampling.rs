//! The page of who samples.

use ratatui::style::Style;
use sampled_client::{SessionInfo, SourceInfo, units};

use super::canvas::Canvas;
use crate::{application::Application, sampling::Report, text, theme::Theme};

/// A line: its columns, each with a width and a style. The last one fills the line.
type Line = Vec<(String, usize, Style)>;

/// Draws the service itself, the sessions, and the sources.
pub(super) fn draw(canvas: &mut Canvas<'_>, application: &mut Application) {
    let Some(report) = &application.report else {
        return;
    };
    let lines = lines(report, application.theme, canvas.width());
    let (width, height) = (canvas.width(), canvas.height());
    application.scroll = application.scroll.min(lines.len().saturating_sub(height));
    let shown = lines.iter().skip(application.scroll).take(height);
    for (y, line) in shown.enumerate() {
        let mut x = 0;
        for (place, (text, room, style)) in line.iter().enumerate() {
            let is_last = place.saturating_add(1) == line.len();
            let room = if is_last {
                width.saturating_sub(x)
            } else {
                *room
            };
            canvas.cell(x, y, room, &text::escape(text), *style);
            x = x.saturating_add(room).saturating_add(1);
        }
    }
}

fn lines(report: &Report, theme: Theme, width: usize) -> Vec<Line> {
    let plain = Style::new();
    let name = if width < 80 { 18 } else { 28 };
    let head = |cells: [&str; 4]| {
        let [first, second, third, last] = cells.map(str::to_owned);
        vec![
            (first, name, theme.title()),
            (second, 10, theme.dim()),
            (third, 12, theme.dim()),
            (last, 0, theme.dim()),
        ]
    };
    let mut lines = vec![head(["Service", "Processor", "Memory", "Process"])];
    let format = |value: Option<f64>, unit| {
        value.map_or(units::NO_VALUE.to_owned(), |value| text::value(value, unit))
    };
    let pid = report.pid.map_or(String::new(), |pid| format!("{pid}, "));
    lines.push(vec![
        (format!("sampled {}", report.version), name, plain),
        (format(report.cpu, "%"), 10, theme.title()),
        (format(report.rss, "By"), 12, theme.title()),
        (
            format!(
                "{pid}{} of processors since its start",
                format(report.cpu_time, "s")
            ),
            0,
            plain,
        ),
    ]);
    lines.push(Line::new());
    lines.push(head(["Sessions", "Interval", "Columns", "Program"]));
    for (session, program) in report.sessions.values() {
        lines.push(of_session(session, program, theme, name));
    }
    lines.push(Line::new());
    lines.push(head(["Sources", "Metrics", "One read", "State"]));
    for (source, info) in &report.sources {
        lines.push(of_source(source, info, theme, name));
    }
    lines
}

fn of_session(session: &SessionInfo, program: &str, theme: Theme, name: usize) -> Line {
    let title = match session.label.as_str() {
        "" => program,
        label => label,
    };
    let columns = match session.fields.is_empty() {
        true => format!("{} metrics", session.metrics.len()),
        false => "processes".to_owned(),
    };
    let lost = session.dropped.saturating_add(session.missed);
    let mut words = program.to_owned();
    if session.detached {
        words.push_str(", outlives its program");
    }
    if session.stream {
        words.push_str(", stream");
    }
    if let Some(threshold) = &session.threshold {
        let value = text::value(threshold.value, "1");
        words.push_str(&format!(", waits for a crossing of {value}"));
    }
    if lost > 0 {
        let all = session.frames.saturating_add(lost);
        words.push_str(&format!(", {lost} of {all} frames lost"));
    }
    vec![
        (title.to_owned(), name, Style::new()),
        (
            text::value(session.interval.as_secs_f64(), "s"),
            10,
            theme.title(),
        ),
        (columns, 12, Style::new()),
        (words, 0, Style::new()),
    ]
}

fn of_source(source: &str, info: &SourceInfo, theme: Theme, name: usize) -> Line {
    let state = match info.state.as_str() {
        "ok" => "Works",
        "failing" => "Fails",
        "unused" => "Not read by anybody",
        "off" => "Switched off",
        // A word of a later version of the service.
        other => other,
    };
    let (words, style) = match info.error.as_str() {
        "" => (state.to_owned(), theme.dim()),
        error => (format!("{state}: {error}"), theme.fault()),
    };
    let each = match info.reads {
        0 => String::new(),
        // A number of reads above 2^53 takes longer than any machine runs.
        reads => text::value(info.cost.as_secs_f64() / reads as f64, "s"),
    };
    vec![
        (source.to_owned(), name, Style::new()),
        (info.metrics.to_string(), 10, Style::new()),
        (each, 12, theme.title()),
        (words, 0, style),
    ]
}
