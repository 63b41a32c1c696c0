//! Ends processes, after a question.

use adw::prelude::*;
use sampled_client::{Error, Processes, SampleOptions, TableOptions, Value};

use super::{fields::one_line, item::Key};
use crate::{
    excerpt::excerpt,
    i18n::{gettext, gettext_f},
};

/// SIGTERM asks a process to end; SIGKILL ends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signal {
    /// The process may save its work first, or refuse.
    Terminate,
    /// The kernel ends it.
    Kill,
}

/// Asks the user, and calls back if the user is sure.
pub(super) fn ask(
    window: Option<&gtk::Window>,
    key: &Key,
    name: &str,
    signal: Signal,
    sure: impl Fn() + 'static,
) {
    let name = one_line(name);
    let pid = match key {
        Key::Process { pid, .. } => pid.to_string(),
        Key::Application(_) => String::new(),
    };
    let values = [("name", name.as_str()), ("pid", pid.as_str())];
    let heading = match key {
        Key::Process { .. } => gettext_f("End “{name}” ({pid})?", &values),
        Key::Application(_) => gettext_f("End All Processes of “{name}”?", &values),
    };
    let body = match signal {
        Signal::Terminate => gettext("It is asked to end. Work that it has not saved may be lost."),
        Signal::Kill => gettext("It ends at once. Work that it has not saved is lost."),
    };
    let dialog = adw::MessageDialog::new(window, Some(&heading), Some(&body));
    dialog.add_response("cancel", &gettext("_Cancel"));
    let label = match signal {
        Signal::Terminate => gettext("_End"),
        Signal::Kill => gettext("_Kill"),
    };
    dialog.add_response("end", &label);
    dialog.set_response_appearance("end", adw::ResponseAppearance::Destructive);
    dialog.set_default_response(Some("cancel"));
    dialog.set_close_response("cancel");
    dialog.connect_response(Some("end"), move |_, _| sure());
    dialog.present();
}

/// Sends the signal. The error is a text for the user.
pub(super) async fn end(
    processes: &Processes,
    key: &Key,
    name: &str,
    signal: Signal,
) -> Result<(), String> {
    let failed = |error: Error| {
        let (name, cause) = (one_line(name), excerpt(&error.to_string()));
        let values = [("name", name.as_str()), ("cause", cause.as_str())];
        gettext_f("“{name}” was not ended: {cause}", &values)
    };
    let number = match signal {
        Signal::Terminate => 15,
        Signal::Kill => 9,
    };
    match key {
        Key::Process { pid, start_time } => processes
            .end(*pid, *start_time, number)
            .await
            .map_err(failed),
        Key::Application(application) => {
            let mut result = Ok(());
            for (pid, start_time) in members(processes, application).await.map_err(failed)? {
                match processes.end(pid, start_time, number).await {
                    // It has ended meanwhile.
                    Ok(()) | Err(Error::NoSuchProcess(_)) => {}
                    Err(error) => result = Err(failed(error)),
                }
            }
            result
        }
    }
}

/// The processes of an application, as they are now.
async fn members(processes: &Processes, application: &str) -> Result<Vec<(u32, u64)>, Error> {
    let fields = ["pid", "start_time", "application"];
    let snapshot = processes
        .snapshot(&fields, &TableOptions::default(), SampleOptions::default())
        .await?;
    let places = fields.map(|field| snapshot.column(field));
    let [Some(pid), Some(start_time), Some(of)] = places else {
        return Ok(Vec::new());
    };
    let number = |value: &Value| match value {
        Value::Number(number) => *number as u64,
        Value::Text(_) => 0,
    };
    let members = snapshot.rows.iter().filter_map(|row| {
        let (Ok(pid), Ok(start_time), Ok(Value::Text(name))) =
            (row.get(pid)?, row.get(start_time)?, row.get(of)?)
        else {
            return None;
        };
        let pid = u32::try_from(number(pid)).ok()?;
        (&**name == application).then_some((pid, number(start_time)))
    });
    Ok(members.collect())
}
