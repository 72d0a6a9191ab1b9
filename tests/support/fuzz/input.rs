//! `Input`: a fuzzer's bytes, taken one after another; after their end there are zeros.

/// The bytes that were not taken yet.
pub struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    /// All of them.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Reports whether no byte is left.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes the next byte.
    pub fn byte(&mut self) -> u8 {
        let Some((&first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        first
    }

    /// Takes the next two bytes as a number.
    pub fn short(&mut self) -> u16 {
        u16::from_be_bytes([self.byte(), self.byte()])
    }

    /// Takes a number below `end`, which is not 0; from two bytes where one is not enough.
    pub fn below(&mut self, end: u32) -> u32 {
        let number = if end > 256 { u32::from(self.short()) } else { u32::from(self.byte()) };
        number % end
    }

    /// Takes the next byte's lowest bit.
    pub fn flag(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    /// Takes all bytes that are left.
    pub fn rest(self) -> &'a [u8] {
        self.0
    }
}
