//! `Processes1`: arguments parsed, one call into the domain, the reply.

#![allow(
    clippy::too_many_arguments,
    reason = "a signal has as many as are sent, and the macro takes no allowance for one"
)]

use std::{collections::HashMap, sync::Arc};

use zbus::{
    Connection, Variant, interface,
    message::Header,
    object_server::{ResponseDispatchNotifier, SignalEmitter},
};

use super::{Facts, answer, caller, owned};
use crate::{
    process::{self, Field},
    service::{
        caller::{Caller, Grant},
        control::Wish,
        error::{self, Error},
        options::{self, CallOptions},
        processes::{
            self,
            columns::{PROCESSES, Sheet},
            end, query, take,
        },
        session,
        state::State,
    },
    wire::{Columns, RowFaults},
};

/// The table of processes, on the object of the readings.
pub(crate) struct Processes {
    pub(crate) state: Arc<State>,
}

/// The names of columns, in their order.
type Names = Vec<&'static str>;
/// A table: its moment, the names of its columns, the columns, their faults, and details.
type Answer = (u64, Names, Columns, RowFaults, Facts);

/// The processes of this machine, as a table that all who ask share.
///
/// A row is a process, a column is a field. A table comes by columns, each an array of doubles (`ad`)
/// or of strings (`as`), all of the same length. Where there is no value there is NaN or an empty
/// string, and a fault: by column, then by fault, the indices of the rows that have it.
///
/// A program in a sandbox may call `Fields`, and the others where the configuration grants it.
#[interface(name = "io.github.sampled.Processes1")]
impl Processes {
    /// What can be asked of a process, by name.
    ///
    /// `description` (s), `unit` (s, UCUM), `kind` (s: `number` or `text`), `summable` (b).
    #[zbus(out_args("fields"))]
    async fn fields(&self) -> Result<HashMap<&'static str, Facts>, Error> {
        let facts = |field: Field| {
            let kind = if field.is_text() { "text" } else { "number" };
            let facts = [
                ("description", Variant::from(field.description())),
                ("unit", Variant::from(field.unit())),
                ("kind", Variant::from(kind)),
                ("summable", Variant::from(field.is_summable())),
            ];
            (field.name(), owned(facts))
        };
        Ok(Field::ALL.into_iter().map(facts).collect())
    }

    /// The table, now.
    ///
    /// No field at all means a usual choice. Options: `order` (s), a field, `-` before it for the
    /// largest first; `limit` (u); `filter` (a{ss}), patterns by field; `window`, `max_age`, `timeout`
    /// (t) as of `Sample`. Details: `total` (u), `matched` (u), `boot_time` (t).
    #[zbus(out_args("timestamp", "columns", "values", "faults", "details"))]
    async fn snapshot(
        &self,
        fields: Vec<&str>,
        options: CallOptions,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] bus: &Connection,
    ) -> Result<(u64, Names, Columns, RowFaults, Facts), Error> {
        let member = "Processes1.Snapshot";
        let caller = self.admit(bus, &header, member, Grant::Processes).await?;
        let mut query = query::of_rows(&fields, &options, &self.state.settings.limits())?;
        caller.restrict(member, &mut query, fields.is_empty())?;
        let sampling = options::sample(&options)?;
        let fields = query.fields.clone();
        let asked = query.clone();
        let make = move |table: &mut process::Table, since, before: Option<&process::Pass>| {
            table.rows(&query, since, before)
        };
        let taken = take::take(self.state.process_table()?, sampling, &asked, make);
        let taken = answer(&self.state.leaving, taken).await?;
        let rows = &taken.table;
        let sheet = Sheet::of_rows(&fields, rows.rows.iter(), |fault| taken.fault(fault));
        let names = fields.iter().map(|field| field.name()).collect();
        Ok(table(&rows.pass, names, sheet, rows.total, rows.matched))
    }

    /// Sums over the processes that belong together, by `application`, `unit` or `user`.
    ///
    /// The first column is what they have in common, `processes` is how many they are. Options and
    /// details as of `Snapshot`.
    #[zbus(out_args("timestamp", "columns", "values", "faults", "details"))]
    async fn sums(
        &self,
        by: &str,
        fields: Vec<&str>,
        options: CallOptions,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] bus: &Connection,
    ) -> Result<(u64, Names, Columns, RowFaults, Facts), Error> {
        let member = "Processes1.Sums";
        let caller = self.admit(bus, &header, member, Grant::Processes).await?;
        let limits = self.state.settings.limits();
        let (by, mut query) = query::of_sums(by, &fields, &options, &limits)?;
        caller.restrict(member, &mut query, fields.is_empty())?;
        let sampling = options::sample(&options)?;
        let fields = query.fields.clone();
        let asked = query.clone();
        let make = move |table: &mut process::Table, since, before: Option<&process::Pass>| {
            table.sums(by, &query, since, before)
        };
        let taken = take::take(self.state.process_table()?, sampling, &asked, make);
        let taken = answer(&self.state.leaving, taken).await?;
        let sums = &taken.table;
        let fault = |fault| taken.fault(fault);
        let sheet = Sheet::of_sums(by.field(), &fields, &sums.groups, fault);
        let names = [by.field().name(), PROCESSES].into_iter();
        let names = names.chain(fields.iter().map(|field| field.name()));
        let names = names.collect();
        Ok(table(&sums.pass, names, sheet, sums.total, sums.matched))
    }

    /// Begin to acquire, and signal `Changed` to the caller every `interval`.
    ///
    /// Returns the session and its columns. Options: `order`, `limit`, `filter` as of `Snapshot`,
    /// `label` and `detached` as of `Start` of the other interface.
    #[zbus(out_args("session", "columns"))]
    async fn start(
        &self,
        fields: Vec<&str>,
        interval: u64,
        options: CallOptions,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] bus: &Connection,
    ) -> Result<(u32, ResponseDispatchNotifier<Names>), Error> {
        let member = "Processes1.Start";
        let client = self.admit(bus, &header, member, Grant::Processes).await?;
        self.state.process_table()?;
        let interval = error::interval(interval)?;
        let mut query = query::of_rows(&fields, &options, &self.state.settings.limits())?;
        client.restrict(member, &mut query, fields.is_empty())?;
        let shows_arguments = query.all_fields().any(Field::has_arguments);
        let more = shows_arguments.then_some(Grant::CommandLines);
        let permit = client.permit([Grant::Processes].into_iter().chain(more));
        let options = options::start(&options)?;
        let subject = processes::Subject::new(query);
        let columns = subject.columns();
        let subject = session::Subject::Processes(subject);
        let caller = caller(&header)?;
        let wish = Wish {
            interval,
            options,
            subject,
            permit,
        };
        let added = self.state.control.add(bus, caller, wish);
        self.state
            .control
            .reply(answer(&self.state.leaving, added).await?, columns)
    }

    /// End a session. Only its owner may; anybody outside of a sandbox, if it is detached.
    async fn stop(
        &self,
        session: u32,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] bus: &Connection,
    ) -> Result<(), Error> {
        answer(
            &self.state.leaving,
            self.state.control.stop(bus, caller(&header)?, session),
        )
        .await
    }

    /// Send a signal to a process, such as 15 (SIGTERM) or 9 (SIGKILL), if it is the one that
    /// started at `start_time`. Not to the service itself, nor to the session bus.
    async fn end(
        &self,
        pid: u32,
        start_time: u64,
        signal: i32,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] bus: &Connection,
    ) -> Result<(), Error> {
        self.admit(bus, &header, "Processes1.End", Grant::End)
            .await?;
        let table = self.state.process_table()?;
        let end = async {
            let callers = &self.state.callers;
            let bus = self
                .state
                .peer
                .check_end(callers, bus, pid, start_time)
                .await?;
            end::end(table, pid, start_time, signal, bus).await
        };
        answer(&self.state.leaving, end).await
    }

    /// What has changed in the table of a session: the pids of rows that came, changed and went, and
    /// the values of those that came, then of those that changed, by columns.
    #[zbus(signal)]
    async fn changed(
        emitter: &SignalEmitter<'_>,
        session: u32,
        timestamp: u64,
        came: &[u32],
        changed: &[u32],
        gone: &[u32],
        values: Columns,
        faults: RowFaults,
    ) -> zbus::Result<()>;

    /// A session is over: `stopped` by a client, `denied` by a new configuration, or the service is
    /// `stopping`.
    #[zbus(signal)]
    async fn ended(emitter: &SignalEmitter<'_>, session: u32, reason: &str) -> zbus::Result<()>;
}

impl Processes {
    /// Who calls, if it is granted what the member takes.
    async fn admit(
        &self,
        bus: &Connection,
        header: &Header<'_>,
        member: &str,
        grant: Grant,
    ) -> Result<Caller, Error> {
        let name = caller(header)?;
        answer(&self.state.leaving, async {
            let caller = self.state.access.caller(bus, name).await;
            caller.check(member, grant)?;
            Ok(caller)
        })
        .await
    }
}

fn table(
    pass: &process::Pass,
    columns: Names,
    sheet: Sheet,
    total: usize,
    matched: usize,
) -> Answer {
    let moment = pass.stamp.realtime;
    let boot = moment.saturating_sub(pass.stamp.boottime.as_micros() as u64);
    let details = [
        ("total", Variant::from(total as u32)),
        ("matched", Variant::from(matched as u32)),
        ("boot_time", Variant::from(boot)),
    ];
    let Sheet {
        columns: values,
        faults,
        ..
    } = sheet;
    (moment, columns, values, faults, owned(details))
}
