//! Composes a message.

use alloc::format;
use alloc::vec::Vec;
use core::ops::Range;

use super::error::Why;
use super::part::{Measured, Part, Piece, Width, Written};
use super::{ComposeError, Inputs, Template};
use crate::Encoding;
use crate::text::Short;

impl Written {
    /// Appends the message, which goes on with `behind` bytes. On an error, `out` has a part of it.
    pub(super) fn append(&self, inputs: &Inputs<'_>, behind: usize, out: &mut Vec<u8>) -> Result<(), ComposeError> {
        let mut message = Message { start: out.len(), out };
        if !self.has_lengths() {
            return self.pieces.iter().try_for_each(|piece| message.append(piece, inputs));
        }
        let mut offsets = Vec::with_capacity(self.pieces.len() + 1);
        for piece in &self.pieces {
            offsets.push(message.len());
            message.append(piece, inputs)?;
        }
        offsets.push(message.len());
        self.fill_lengths(&offsets, behind, &mut message)
    }

    fn has_lengths(&self) -> bool {
        self.pieces.iter().any(|piece| matches!(piece.part, Part::Length { .. }))
    }

    /// Writes the lengths over the zeros that hold their places.
    fn fill_lengths(&self, offsets: &[usize], behind: usize, message: &mut Message<'_>) -> Result<(), ComposeError> {
        for (index, piece) in self.pieces.iter().enumerate() {
            let Part::Length { field, of } = &piece.part else { continue };
            let offset = |index: usize| offsets.get(index).copied().unwrap_or_default();
            let measured = self.measured(index, of);
            let behind = if matches!(of, Measured::Part(_)) { 0 } else { behind };
            let len = offset(measured.end).saturating_sub(offset(measured.start)) + behind;
            let place = message.get_mut(offset(index), field.len);
            let len = u64::try_from(len).unwrap_or(u64::MAX);
            field.encoding.encode(len, place).map_err(|error| piece.fail(Why::TooLarge(error)))?;
        }
        Ok(())
    }

    /// The pieces whose bytes a length counts. `index` is that of the length.
    pub(super) fn measured(&self, index: usize, of: &Measured) -> Range<usize> {
        match of {
            Measured::All => 0..self.pieces.len(),
            Measured::Rest => index + 1..self.pieces.len(),
            Measured::Part(name) => self.part_named(name),
        }
    }

    fn part_named(&self, name: &str) -> Range<usize> {
        let is_begin = |piece: &Piece| matches!(&piece.part, Part::Begin(other) if **other == *name);
        let begin = self.pieces.iter().position(is_begin).unwrap_or_default();
        let mut depth = 0_usize;
        let inside = self.pieces.iter().skip(begin).take_while(|piece| {
            match piece.part {
                Part::Begin(_) => depth += 1,
                Part::End => depth = depth.saturating_sub(1),
                _ => {}
            }
            depth > 0
        });
        begin..begin + inside.count()
    }
}

impl Piece {
    pub(super) fn fail(&self, why: Why) -> ComposeError {
        let field = match &self.part {
            Part::Literal(bytes) => format!("{}", Short(bytes)),
            part => format!("{part}"),
        };
        ComposeError { column: self.column, field: field.into_boxed_str(), why }
    }
}

/// A message that is being composed, behind other bytes.
struct Message<'o> {
    start: usize,
    out: &'o mut Vec<u8>,
}

impl Message<'_> {
    fn len(&self) -> usize {
        self.out.len().saturating_sub(self.start)
    }

    fn get_mut(&mut self, offset: usize, len: usize) -> &mut [u8] {
        let start = self.start + offset;
        self.out.get_mut(start..start + len).unwrap_or_default()
    }

    fn append(&mut self, piece: &Piece, inputs: &Inputs<'_>) -> Result<(), ComposeError> {
        match &piece.part {
            Part::Literal(bytes) => self.extend(piece, bytes),
            Part::Number { field, of } => {
                let number = inputs.numbers.next_of(of.as_deref()).map_err(|error| piece.fail(Why::NoNumber(error)))?;
                let place = self.grow(piece, field.len)?;
                field.encoding.encode(number, place).map_err(|error| piece.fail(Why::TooLarge(error)))
            }
            Part::Time(time) => {
                time.append(inputs.now, inputs.local_offset, self.out).ok_or_else(|| piece.fail(Why::NoDate))?;
                self.check(piece, 0)
            }
            Part::Request(place) => {
                let request = inputs.request.ok_or_else(|| piece.fail(Why::NoRequest))?;
                let Some(place) = place else { return self.extend(piece, request) };
                let (found, needed) = (request.len(), place.end());
                let bytes = place.of(request).ok_or_else(|| piece.fail(Why::ShortRequest { found, needed }))?;
                self.extend(piece, bytes)
            }
            Part::Random(field) => {
                field.fill(self.grow(piece, field.len)?, inputs.random);
                Ok(())
            }
            Part::Variable(name) => {
                let value = (inputs.variable)(name).ok_or_else(|| piece.fail(Why::Unset))?;
                self.extend(piece, &value)
            }
            Part::Length { field, .. } => self.grow(piece, field.len).map(|_| ()),
            Part::Pad(to) => self.grow(piece, self.len().next_multiple_of(*to) - self.len()).map(|_| ()),
            Part::Begin(_) | Part::End => Ok(()),
        }
    }

    fn extend(&mut self, piece: &Piece, bytes: &[u8]) -> Result<(), ComposeError> {
        self.check(piece, bytes.len())?;
        self.out.extend_from_slice(bytes);
        Ok(())
    }

    /// Appends zeros.
    fn grow(&mut self, piece: &Piece, len: usize) -> Result<&mut [u8], ComposeError> {
        self.check(piece, len)?;
        let offset = self.len();
        self.out.resize(self.out.len() + len, 0);
        Ok(self.get_mut(offset, len))
    }

    /// Checks that there is room for more bytes, before they are copied.
    fn check(&self, piece: &Piece, more: usize) -> Result<(), ComposeError> {
        let (len, most) = (self.len().saturating_add(more), Template::MOST_LEN);
        if len > most { Err(piece.fail(Why::TooLong { len, most })) } else { Ok(()) }
    }
}

impl Width {
    /// Fills the bytes with random digits of the encoding.
    fn fill(self, bytes: &mut [u8], random: &dyn Fn() -> u64) {
        for byte in bytes {
            // One byte has one digit, or two of BCD: the largest number of one byte is the largest digit.
            let number = random() % (self.encoding.most(1) + 1);
            let written = self.encoding.encode(number, core::slice::from_mut(byte));
            debug_assert!(written.is_ok(), "{} holds {number}", Encoding::name(self.encoding));
        }
    }
}
