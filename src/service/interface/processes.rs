//! `io.github.sampled.Processes1`: each method parses its arguments, makes one call and replies.

#![allow(
    clippy::too_many_arguments,
    reason = "the arguments of a signal are given, and the macro takes no `allow` for one method"
)]

use std::{collections::HashMap, sync::Arc};

use zbus::{
    Connection, Variant, interface,
    message::Header,
    object_server::{ResponseDispatchNotifier, SignalEmitter},
};

use super::{VariantMap, caller, owned, run_call};
use crate::{
    process::{self, Field},
    service::{
        caller::{Caller, Grant},
        control::SessionRequest,
        error::{self, Error},
        options::{self, CallOptions},
        processes::{
            self,
            columns::{PROCESSES, WireColumns},
            end, query, snapshot,
        },
        session,
        state::ServiceState,
    },
    wire::{Columns, Details, RowFaults, Table},
};

/// The interface of the processes.
pub(crate) struct Processes {
    pub(crate) state: Arc<ServiceState>,
}

/// The names of the columns, in order.
type Names = Vec<&'static str>;

/// The table of processes. `dbus/io.github.sampled.Processes1.xml` documents the interface.
#[interface(name = "io.github.sampled.Processes1")]
impl Processes {
    #[zbus(out_args("fields"))]
    async fn fields(&self) -> Result<HashMap<&'static str, VariantMap>, Error> {
        let entries = |field: Field| {
            let kind = if field.is_text() { "text" } else { "number" };
            let entries = [
                ("description", Variant::from(field.description())),
                ("formula", Variant::from(field.formula())),
                ("unit", Variant::from(field.unit())),
                ("kind", Variant::from(kind)),
                ("summable", Variant::from(field.is_summable())),
            ];
            (field.name(), owned(entries))
        };
        Ok(Field::ALL.into_iter().map(entries).collect())
    }

    /// Calls in this machine's byte order are [answered directly](super::direct).
    #[zbus(out_args("timestamp", "columns", "values", "faults", "details"))]
    async fn snapshot(
        &self,
        fields: Vec<&str>,
        options: CallOptions,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] bus: &Connection,
    ) -> Result<(u64, Names, Columns, RowFaults, Details), Error> {
        let caller = caller(&header)?;
        self.take_snapshot(bus, caller, &fields, options).await
    }

    #[zbus(out_args("timestamp", "columns", "values", "faults", "details"))]
    async fn sums(
        &self,
        by: &str,
        fields: Vec<&str>,
        options: CallOptions,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] bus: &Connection,
    ) -> Result<(u64, Names, Columns, RowFaults, Details), Error> {
        let member = "Processes1.Sums";
        let name = caller(&header)?;
        let caller = self.authorize(bus, name, member, Grant::Processes).await?;
        let limits = self.state.settings.limits();
        let (by, mut query) = query::of_sums(by, &fields, &options, &limits)?;
        caller.restrict(member, &mut query, fields.is_empty())?;
        let sampling = options::sample(&options)?.timing;
        let fields = query.fields.clone();
        let needed = query.clone();
        let make = move |table: &mut process::Table, since, before: Option<&process::Pass>| {
            table.sums(by, &query, since, before)
        };
        let snapshot = snapshot::take(self.state.process_table()?, sampling, &needed, make);
        let snapshot = run_call(&self.state.shutdown, snapshot).await?;
        let sums = &snapshot.table;
        let fault = |fault| snapshot.fault(fault);
        let content = WireColumns::of_sums(by.field(), &fields, &sums.groups, fault);
        let names = [by.field().name(), PROCESSES].into_iter();
        let names = names.chain(fields.iter().map(|field| field.name()));
        let names = names.collect();
        Ok(table_reply(
            &sums.pass,
            names,
            content,
            sums.total,
            sums.matched,
        ))
    }

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
        let caller = caller(&header)?;
        let client = self
            .authorize(bus, caller, member, Grant::Processes)
            .await?;
        self.state.process_table()?;
        let interval = error::interval(interval)?;
        let mut query = query::of_rows(&fields, &options, &self.state.settings.limits())?;
        client.restrict(member, &mut query, fields.is_empty())?;
        let shows_arguments = query.all_fields().any(Field::has_arguments);
        let more = shows_arguments.then_some(Grant::CommandLines);
        let permit = client.permit([Grant::Processes].into_iter().chain(more));
        let options = options::start(&options)?;
        let subject = processes::TableSubject::new(query);
        let columns = subject.columns();
        let subject = session::Subject::Processes(subject);
        let request = SessionRequest {
            interval,
            options,
            subject,
            permit,
            stream: None,
        };
        let added = self.state.control.add(bus, caller, request);
        self.state
            .control
            .reply(run_call(&self.state.shutdown, added).await?, columns)
    }

    async fn stop(
        &self,
        session: u32,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] bus: &Connection,
    ) -> Result<(), Error> {
        run_call(
            &self.state.shutdown,
            self.state.control.stop(bus, caller(&header)?, session),
        )
        .await
    }

    async fn end(
        &self,
        pid: u32,
        start_time: u64,
        signal: i32,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] bus: &Connection,
    ) -> Result<(), Error> {
        self.authorize(bus, caller(&header)?, "Processes1.End", Grant::End)
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
        run_call(&self.state.shutdown, end).await
    }

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

    #[zbus(signal)]
    async fn ended(emitter: &SignalEmitter<'_>, session: u32, reason: &str) -> zbus::Result<()>;
}

impl Processes {
    /// The table for a call of `Snapshot`.
    pub(super) async fn take_snapshot(
        &self,
        bus: &Connection,
        caller: &str,
        fields: &[&str],
        options: CallOptions,
    ) -> Result<Table, Error> {
        let member = "Processes1.Snapshot";
        let caller = self
            .authorize(bus, caller, member, Grant::Processes)
            .await?;
        let mut query = query::of_rows(fields, &options, &self.state.settings.limits())?;
        caller.restrict(member, &mut query, fields.is_empty())?;
        let sampling = options::sample(&options)?.timing;
        let fields = query.fields.clone();
        let needed = query.clone();
        let make = move |table: &mut process::Table, since, before: Option<&process::Pass>| {
            table.rows(&query, since, before)
        };
        let snapshot = snapshot::take(self.state.process_table()?, sampling, &needed, make);
        let snapshot = run_call(&self.state.shutdown, snapshot).await?;
        let rows = &snapshot.table;
        let content =
            WireColumns::of_rows(&fields, rows.rows.iter(), |fault| snapshot.fault(fault));
        let names = fields.iter().map(|field| field.name()).collect();
        Ok(table_reply(
            &rows.pass,
            names,
            content,
            rows.total,
            rows.matched,
        ))
    }

    /// Identifies the caller and checks that the settings grant it what the member needs.
    async fn authorize(
        &self,
        bus: &Connection,
        name: &str,
        member: &str,
        grant: Grant,
    ) -> Result<Caller, Error> {
        run_call(&self.state.shutdown, async {
            let caller = self.state.access.caller(bus, name).await;
            caller.check(member, grant)?;
            Ok(caller)
        })
        .await
    }
}

fn table_reply(
    pass: &process::Pass,
    columns: Names,
    content: WireColumns,
    total: usize,
    matched: usize,
) -> Table {
    let timestamp = pass.stamp.realtime;
    let boot = timestamp.saturating_sub(pass.stamp.boottime.as_micros() as u64);
    let details = Details {
        total: total as u32,
        matched: matched as u32,
        boot_time: boot,
    };
    let WireColumns {
        columns: values,
        faults,
        ..
    } = content;
    (timestamp, columns, values, faults, details)
}
