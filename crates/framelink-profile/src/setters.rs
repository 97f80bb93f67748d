//! Setters for structs that can be set up at compile time.

/// Setters. Each field has the name of its setter.
macro_rules! setters {
    ($($(#[$doc:meta])* $name:ident($given:ident: $type:ty) = $value:expr;)*) => { $(
        $(#[$doc])*
        #[must_use]
        pub const fn $name(mut self, $given: $type) -> Self {
            self.$name = $value;
            self
        }
    )* };
}
pub(crate) use setters;
