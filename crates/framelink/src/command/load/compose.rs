//! Composes a message of a template.

use framelink_template::{Inputs, NumberSource, NumbersError, Template};

/// Appends a message with this number. What can be wrong with a template was found at the start.
pub(super) fn compose(template: &Template, number: u64, out: &mut Vec<u8>) {
    let composed = template.append(&Inputs::system(&One(number)), out);
    debug_assert!(composed.is_ok(), "{composed:?}");
}

/// One number for all fields.
pub(super) struct One(pub(super) u64);

impl NumberSource for One {
    fn next_of(&self, _name: Option<&str>) -> Result<u64, NumbersError> {
        Ok(self.0)
    }
}
