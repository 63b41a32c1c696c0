//! The report in words.

use sampled_client::{SessionInfo, SourceInfo};

use super::{
    list::Line,
    owners::Owner,
    report::{Own, Report},
};
use crate::i18n::{self, count, gettext, gettext_f, ngettext_f};

/// The largest number of metrics of a session that are named.
const MOST_NAMES: usize = 50;

/// The service itself.
pub(super) fn of_service(report: &Report) -> Vec<(&'static str, Line)> {
    let process = report.pid.map(|pid| pid.to_string());
    let Own {
        cpu,
        cpu_time,
        age,
        rss,
    } = report.own;
    let share = cpu_time
        .zip(age)
        .filter(|(_, age)| *age > 0.0)
        .map(|(time, age)| {
            let (time, share) = (i18n::value(time, "s"), i18n::value(time / age * 100.0, "%"));
            // Translators: processor time since the start of the service: "1.20 s, 0.05 % of one processor".
            gettext_f(
                "{time}, {share} of one processor",
                &[("time", &time), ("share", &share)],
            )
        });
    [
        ("version", gettext("Version"), Some(report.version.clone())),
        ("process", gettext("Process"), process),
        (
            "cpu",
            gettext("Processor"),
            cpu.map(|cpu| i18n::value(cpu, "%")),
        ),
        ("cpu-time", gettext("Processor time since its start"), share),
        (
            "memory",
            gettext("Memory"),
            rss.map(|rss| i18n::value(rss, "By")),
        ),
    ]
    .into_iter()
    .filter_map(|(key, title, value)| Some((key, Line::new(title).with_value(value?))))
    .collect()
}

/// The sessions of all programs.
pub(super) fn of_sessions(report: &Report) -> Vec<(u32, Line)> {
    let sessions = report.sessions.iter();
    sessions
        .map(|(number, (session, owner))| (*number, of_session(session, owner)))
        .collect()
}

fn of_session(session: &SessionInfo, owner: &Owner) -> Line {
    let program = program(session, owner);
    let title = match session.label.as_str() {
        "" => program.clone(),
        label => label.to_owned(),
    };
    // A service of another version may not tell it.
    let interval =
        (!session.interval.is_zero()).then(|| i18n::value(session.interval.as_secs_f64(), "s"));
    let rhythm = match &interval {
        Some(interval) => gettext_f(
            "{program}, every {interval}",
            &[("program", &program), ("interval", interval)],
        ),
        None => program.clone(),
    };
    let columns = match session.fields.is_empty() {
        true => count(session.metrics.len(), |number, values| {
            ngettext_f("{count} metric", "{count} metrics", number, values)
        }),
        false => gettext("Processes"),
    };
    let mut details = vec![(gettext("Program"), program)];
    details.extend(interval.map(|interval| (gettext("Interval"), interval)));
    details.extend([
        (gettext("Frames"), session.frames.to_string()),
        (gettext("Dropped frames"), session.dropped.to_string()),
        (gettext("Missed moments"), session.missed.to_string()),
    ]);
    if let Some(kind) = kind(session) {
        details.push((gettext("Kind"), kind));
    }
    details.push(match session.fields.is_empty() {
        true => (gettext("Metrics"), names(&session.metrics)),
        false => (gettext("Fields"), session.fields.join(", ")),
    });
    let lost = session.dropped.saturating_add(session.missed);
    let value = match lost {
        0 => columns,
        _ => gettext_f(
            "{columns}, {lost} of {frames} frames lost",
            &[
                ("columns", &columns),
                ("lost", &lost.to_string()),
                ("frames", &session.frames.saturating_add(lost).to_string()),
            ],
        ),
    };
    Line::new(title)
        .with_subtitle(rhythm)
        .with_value(value)
        .with_details(details)
}

/// The ids of metrics below each other: the first ones, because the layout of thousands of lines takes seconds.
fn names(metrics: &[String]) -> String {
    let mut lines: Vec<String> = metrics.iter().take(MOST_NAMES).cloned().collect();
    let others = metrics.len().saturating_sub(MOST_NAMES);
    if others > 0 {
        lines.push(count(others, |number, values| {
            ngettext_f("and {count} other", "and {count} others", number, values)
        }));
    }
    lines.join("\n")
}

/// The program behind a session, as far as it is known.
fn program(session: &SessionInfo, owner: &Owner) -> String {
    match (owner.pid, owner.name.as_str()) {
        (Some(pid), "") => gettext_f("process {pid}", &[("pid", &pid.to_string())]),
        (Some(pid), name) => gettext_f(
            // Translators: "plasmashell, process 4711".
            "{name}, process {pid}",
            &[("name", name), ("pid", &pid.to_string())],
        ),
        (None, _) if session.detached => gettext("A program that has ended"),
        (None, _) => session.owner.clone(),
    }
}

/// The properties of a session that the usual ones do not have.
fn kind(session: &SessionInfo) -> Option<String> {
    if let Some(threshold) = &session.threshold {
        let unitless = i18n::value(threshold.value, "1");
        return Some(gettext_f(
            "Waits for a crossing of {value}",
            &[("value", &unitless)],
        ));
    }
    match (session.detached, session.stream) {
        (true, _) => Some(gettext("Outlives its program")),
        (_, true) => Some(gettext("Stream")),
        _ => None,
    }
}

/// The sources of readings.
pub(super) fn of_sources(report: &Report) -> Vec<(String, Line)> {
    let sources = report.sources.iter();
    sources
        .map(|(name, source)| (name.clone(), of_source(name, source)))
        .collect()
}

fn of_source(name: &str, source: &SourceInfo) -> Line {
    let state = match source.state.as_str() {
        "ok" => gettext("Works"),
        "failing" => gettext("Fails"),
        "unused" => gettext("Not read by anybody"),
        "off" => gettext("Switched off"),
        // A word of a later version of the service.
        other => other.to_owned(),
    };
    let subtitle = match source.error.as_str() {
        "" => state,
        error => gettext_f("{state}: {error}", &[("state", &state), ("error", error)]),
    };
    let line = Line::new(name.to_owned())
        .with_subtitle(subtitle)
        .with_warning(!source.error.is_empty());
    if source.reads == 0 {
        return line;
    }
    let cost = source.cost.as_secs_f64();
    // A number of reads above 2^53 takes longer than any machine runs.
    let each = i18n::value(cost / source.reads as f64, "s");
    let metrics = usize::try_from(source.metrics).unwrap_or(usize::MAX);
    let metrics = count(metrics, |number, values| {
        ngettext_f("{count} metric", "{count} metrics", number, values)
    });
    let details = vec![
        (gettext("Metrics"), source.metrics.to_string()),
        (gettext("Reads"), source.reads.to_string()),
        (gettext("Processor time of one read"), each.clone()),
        (
            gettext("Processor time of all reads"),
            i18n::value(cost, "s"),
        ),
    ];
    line.with_value(gettext_f(
        "{metrics}, {time} a read",
        &[("metrics", &metrics), ("time", &each)],
    ))
    .with_details(details)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn session() -> SessionInfo {
        SessionInfo {
            owner: ":1.7".to_owned(),
            label: String::new(),
            interval: Duration::from_millis(500),
            metrics: vec!["cpu/all/usage".to_owned()],
            fields: Vec::new(),
            frames: 90,
            dropped: 0,
            missed: 0,
            detached: false,
            stream: false,
            threshold: None,
        }
    }

    #[test]
    fn a_session_is_called_by_its_label_or_its_program() {
        let owner = Owner {
            pid: Some(7),
            name: "panel".to_owned(),
        };
        assert_eq!(of_session(&session(), &owner).title, "panel, process 7");
        let labelled = SessionInfo {
            label: "Load".to_owned(),
            ..session()
        };
        assert_eq!(of_session(&labelled, &owner).title, "Load");
        assert_eq!(of_session(&session(), &Owner::default()).title, ":1.7");
        let detached = SessionInfo {
            detached: true,
            ..session()
        };
        assert_eq!(
            of_session(&detached, &Owner::default()).title,
            "A program that has ended"
        );
    }

    #[test]
    fn lost_frames_are_told() {
        let value = |session: &SessionInfo| of_session(session, &Owner::default()).value;
        assert_eq!(value(&session()), "1 metric");
        let lossy = SessionInfo {
            dropped: 6,
            missed: 4,
            ..session()
        };
        assert_eq!(value(&lossy), "1 metric, 10 of 100 frames lost");
    }

    #[test]
    fn the_first_of_many_metrics_are_named() {
        for (number, last) in [(50, "a/b"), (51, "and 1 other"), (2399, "and 2349 others")] {
            let names = names(&vec!["a/b".to_owned(); number]);
            assert!(names.lines().count() <= 51);
            assert_eq!(names.lines().last(), Some(last));
        }
    }

    #[test]
    fn a_source_tells_its_error() {
        let source = SourceInfo {
            state: "failing".to_owned(),
            metrics: 0,
            reads: 0,
            cost: Duration::ZERO,
            path: None,
            error: "/proc/x: No such file".to_owned(),
        };
        let line = of_source("x", &source);
        assert_eq!(line.subtitle, "Fails: /proc/x: No such file");
        assert!(line.is_warning);
        assert_eq!(line.value, "");
    }
}
