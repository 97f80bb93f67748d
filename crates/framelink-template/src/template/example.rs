//! What `check` shows of a template.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;
use core::time::Duration;

use super::part::{Form, Part, Written};

/// 2027-01-15 08:00:00 UTC.
const NOW: Duration = Duration::from_secs(1_800_000_000);

impl Written {
    /// A message without secrets and without inputs.
    pub(super) fn example(&self) -> String {
        let mut example = Example { form: self.form, text: self.form.prefix().into(), bytes: Vec::new() };
        for (index, piece) in self.pieces.iter().enumerate() {
            match &piece.part {
                Part::Literal(bytes) => example.bytes.extend_from_slice(bytes),
                Part::Number { field, .. } => example.number(1, field.len, field.encoding),
                Part::Random(field) => example.number(0, field.len, field.encoding),
                Part::Time(time) => drop(time.append(NOW, 0, &mut example.bytes)),
                Part::Length { field, of } => {
                    let measured = self.pieces.get(self.measured(index, of)).unwrap_or_default();
                    let len = measured.iter().try_fold(0, |sum, piece| Some(sum + piece.part.fixed_len()?));
                    match len.and_then(|len| u64::try_from(len).ok()) {
                        Some(len) => example.number(len, field.len, field.encoding),
                        None => example.field(&piece.part),
                    }
                }
                Part::Variable(_) => example.show("•••"),
                Part::Request(_) | Part::Pad(_) => example.field(&piece.part),
                Part::Begin(_) | Part::End => {}
            }
        }
        example.show("");
        example.text
    }
}

struct Example {
    form: Form,
    text: String,
    /// Bytes behind the text that are not shown yet.
    bytes: Vec<u8>,
}

impl Example {
    /// Appends a number that fits its bytes; one that does not is shown as zeros.
    fn number(&mut self, number: u64, len: usize, encoding: crate::Encoding) {
        let start = self.bytes.len();
        self.bytes.resize(start + len, 0);
        let place = self.bytes.get_mut(start..).unwrap_or_default();
        let _ = encoding.encode(number, place);
    }

    fn field(&mut self, part: &Part) {
        self.show(&alloc::format!("{part}"));
    }

    /// Shows the bytes, then a text as it is.
    fn show(&mut self, text: &str) {
        // Writing to a String does not fail.
        let _ = self.form.show(&self.bytes, &mut self.text).and_then(|()| self.text.write_str(text));
        self.bytes.clear();
    }
}
