//! Setters of structs whose fields can be set at compile time.

/// Setters: the field is named like its setter.
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
