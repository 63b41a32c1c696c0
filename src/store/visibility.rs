//! Which metrics a caller may see.

/// Which metrics a caller may see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Visibility {
    /// All metrics.
    #[default]
    All,
    /// All but custom metrics.
    BuiltIn,
}

impl Visibility {
    /// Whether the caller may see metrics that are custom, or are not.
    pub(super) fn includes(self, is_custom: bool) -> bool {
        self == Self::All || !is_custom
    }
}
