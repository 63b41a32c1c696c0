//! The signals that the service has sent, as a client has to print them.

use std::collections::HashMap;

use futures_util::StreamExt;
use sampled::wire::NAME;
use tokio::time::timeout;
use zbus::{Connection, MatchRule, MessageStream, fdo::MonitoringProxy, message::Type};

use crate::support::{bus::Bus, process::DEADLINE};

/// The signals of all sessions that pass the bus.
pub(super) struct Sent {
    messages: MessageStream,
    _monitor: Connection,
}

/// A line that a client has to print.
#[derive(Debug)]
pub(super) enum Line {
    /// A text as it is.
    Text(String),
    /// The number of a metric in a frame.
    Number {
        frame: usize,
        id: String,
        number: f64,
    },
}

type Words = HashMap<String, String>;

/// The lines that a client has to print, and the state of its session.
#[derive(Default)]
struct Transcript {
    lines: Vec<Line>,
    frame: usize,
    session: Option<u32>,
    columns: Vec<String>,
    texts: Words,
    faults: Words,
}

impl Sent {
    pub(super) async fn on(bus: &Bus) -> Self {
        let monitor = bus.connect().await;
        let messages = MessageStream::from(&monitor);
        let rule = MatchRule::builder()
            .msg_type(Type::Signal)
            .interface(NAME)
            .build();
        let proxy = MonitoringProxy::new(&monitor).await.expect("proxy");
        proxy
            .become_monitor(&[rule.expect("rule")], 0)
            .await
            .expect("monitor");
        Self {
            messages,
            _monitor: monitor,
        }
    }

    /// The lines of the first frames, and of the changes and deaths between them.
    pub(super) async fn lines(&mut self, frames: usize) -> Vec<Line> {
        let mut transcript = Transcript::default();
        while transcript.frame < frames {
            let message = timeout(DEADLINE, self.messages.next()).await;
            let message = message
                .expect("a signal")
                .expect("a bus")
                .expect("a message");
            let body = message.body();
            match message
                .header()
                .member()
                .map_or("", |member| member.as_str())
            {
                "Changed" => {
                    let (session, columns, texts, faults) = body.deserialize().expect("Changed");
                    transcript.changed(session, columns, texts, faults);
                }
                "Sampled" => {
                    let (session, _, values): (_, u64, _) = body.deserialize().expect("Sampled");
                    transcript.sampled(session, values);
                }
                // Other signals, and the reply to the monitor.
                _ => (),
            }
        }
        transcript.lines
    }
}

impl Transcript {
    fn changed(&mut self, session: u32, columns: Vec<String>, texts: Words, faults: Words) {
        if self
            .session
            .replace(session)
            .is_some_and(|old| old != session)
        {
            let gone = "the service has gone: starting again";
            self.lines.push(Line::Text(gone.to_owned()));
        }
        if !columns.is_empty() {
            let line = format!("columns: {}", columns.join(" "));
            self.lines.push(Line::Text(line));
            self.columns = columns;
            self.texts.clear();
            self.faults.clear();
        }
        self.texts.extend(texts);
        self.faults.extend(faults);
    }

    fn sampled(&mut self, session: u32, values: Vec<f64>) {
        assert_eq!(Some(session), self.session);
        assert_eq!(values.len(), self.columns.len());
        self.frame += 1;
        for (id, number) in self.columns.iter().zip(values) {
            let (frame, id) = (self.frame, id.clone());
            self.lines.push(if number.is_nan() {
                let word = self.word(&id);
                Line::Text(format!("frame {frame}: {id} = {word}"))
            } else {
                Line::Number { frame, id, number }
            });
        }
    }

    /// What NaN stands for, by the description of `Sampled`.
    fn word(&self, id: &str) -> String {
        match (self.faults.get(id).map(String::as_str), self.texts.get(id)) {
            (None | Some(""), Some(text)) => text.clone(),
            (None | Some(""), None) => "(stale)".to_owned(),
            (Some(fault), _) => format!("({fault})"),
        }
    }
}

impl Line {
    /// Whether a client has printed it, with these units. A number may be rounded up or down where it is in the middle.
    pub(super) fn is(&self, printed: &str, units: &HashMap<&str, &str>) -> bool {
        match self {
            Self::Text(text) => printed == text,
            Self::Number { frame, id, number } => {
                let rest = printed.strip_prefix(&format!("frame {frame}: {id} = "));
                let words = rest.and_then(|rest| rest.split_once(' '));
                words.is_some_and(|(printed, unit)| {
                    let printed = printed.parse::<f64>();
                    printed.is_ok_and(|printed| (printed - number).abs() < 0.051)
                        && Some(&unit) == units.get(id.as_str()).or(Some(&""))
                })
            }
        }
    }
}
