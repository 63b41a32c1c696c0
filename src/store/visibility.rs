//! Which metrics somebody is shown.

/// Which metrics somebody is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Visibility {
    /// All there are.
    #[default]
    All,
    /// Those that no user has defined.
    BuiltIn,
}

impl Visibility {
    /// Whether metrics are shown that the user has defined, or has not.
    pub(super) fn shows(self, is_custom: bool) -> bool {
        self == Self::All || !is_custom
    }
}
