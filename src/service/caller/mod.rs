//! The caller: a program of the user, or one in a sandbox, which may do only what `config.toml` grants it.
//!
//! Flatpak's `--talk-name` lets the proxy of a sandbox filter by service name, not by interface. So the service
//! identifies callers itself, as portals do: when a call needs a grant, and once for each unique name, which the bus
//! never gives to a second connection. See `docs/security.md`.

mod callers;
mod flatpak;
mod grants;
mod identity;
mod permit;
mod snap;

use std::sync::Arc;

use super::error::Error;

pub(crate) use callers::Callers;
pub(crate) use flatpak::is_app_id;
pub(crate) use grants::Grant;
pub use grants::Grants;
pub(crate) use permit::{GrantsByApp, Permit};

/// The identity of the owner of a unique name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Identity {
    /// A program of the user.
    Host,
    /// A program in a sandbox, with its app id.
    Sandboxed(Arc<str>),
    /// A program in a sandbox without an app id, or one that could not be identified. The text says why.
    Unknown(String),
}

/// The identity of a caller, and its grants at the moment.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    identity: Arc<Identity>,
    grants: Grants,
}

impl Caller {
    /// Whether the caller has this grant.
    pub(crate) fn may(&self, grant: Grant) -> bool {
        self.grants.has(grant)
    }

    /// Whether the caller is, or may be, in a sandbox.
    pub(crate) fn is_sandboxed(&self) -> bool {
        *self.identity != Identity::Host
    }

    /// Refuses `what` if the caller lacks the grant for it.
    ///
    /// # Errors
    /// `AccessDenied`, which names the grant.
    pub(crate) fn check(&self, what: &str, grant: Grant) -> Result<(), Error> {
        match self.may(grant) {
            true => Ok(()),
            false => Err(Error::access_denied(self.refusal(what, Some(grant)))),
        }
    }

    /// Refuses `what` to every program in a sandbox, with any grant.
    ///
    /// # Errors
    /// `AccessDenied`.
    pub(crate) fn check_is_host(&self, what: &str) -> Result<(), Error> {
        match self.is_sandboxed() {
            false => Ok(()),
            true => Err(Error::access_denied(self.refusal(what, None))),
        }
    }

    /// Adds to `UnknownMetric` that custom metrics need a grant. The text is the same whether the metric exists or
    /// not, so that it tells nothing.
    pub(crate) fn add_grant_hint(&self, error: Error) -> Error {
        if !error.is_unknown_metric() {
            return error;
        }
        let hidden = self.refusal("metrics that the user has defined", Some(Grant::Custom));
        error.with_note(&hidden)
    }

    fn refusal(&self, what: &str, grant: Option<Grant>) -> String {
        match (&*self.identity, grant) {
            (Identity::Sandboxed(app), Some(grant)) => format!(
                "{what}: denied to {app}, which runs in a sandbox: {} = true below \
                 [sandbox.\"{app}\"] in config.toml grants it",
                grant.key()
            ),
            (Identity::Sandboxed(app), None) => {
                format!("{what}: denied to {app}, which runs in a sandbox, whatever it is granted")
            }
            (Identity::Unknown(why), _) => {
                format!("{what}: denied to this caller, which can be granted nothing: {why}")
            }
            (Identity::Host, _) => what.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(identity: Identity, grants: Grants) -> Caller {
        Caller {
            identity: Arc::new(identity),
            grants,
        }
    }

    #[track_caller]
    fn refuses(result: Result<(), Error>, expected: &str) {
        assert_eq!(result.expect_err("this is refused").to_string(), expected);
    }

    #[test]
    fn a_refusal_names_the_program_and_the_grant() {
        let app = || Identity::Sandboxed("org.example.App".into());
        let none = caller(app(), Grants::default());
        refuses(
            none.check("Processes1.End", Grant::End),
            "Processes1.End: denied to org.example.App, which runs in a sandbox: end = true below \
             [sandbox.\"org.example.App\"] in config.toml grants it",
        );
        refuses(
            none.check_is_host("Quit"),
            "Quit: denied to org.example.App, which runs in a sandbox, whatever it is granted",
        );
        let unknown = caller(
            Identity::Unknown("it has no id".to_owned()),
            Grants::default(),
        );
        refuses(
            unknown.check("Processes1.End", Grant::End),
            "Processes1.End: denied to this caller, which can be granted nothing: it has no id",
        );
    }

    #[test]
    fn a_grant_is_for_one_thing() {
        let grants = Grants {
            processes: true,
            ..Grants::default()
        };
        let caller = caller(Identity::Sandboxed("org.example.App".into()), grants);
        assert!(caller.check("x", Grant::Processes).is_ok());
        for other in [Grant::Custom, Grant::CommandLines, Grant::End] {
            assert!(caller.check("x", other).is_err());
        }
        assert!(caller.check_is_host("x").is_err());
    }
}
