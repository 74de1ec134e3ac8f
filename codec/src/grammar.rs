//! The grammar of PROTOCOL.md as nom parsers, and the buffer for a header that arrives in pieces.
//!
//! The parsers are nom's streaming parsers: a header of which only a part has arrived is
//! `Incomplete`, and a byte that cannot belong to a message is an error *at that byte*, however few
//! bytes follow. The offset of that byte alone tells which field is wrong, since every header field
//! has a fixed place.

use heapless::Vec;
use nom::combinator::{map, map_opt, verify};
use nom::error::Error;
use nom::number::streaming::{be_u32, u8 as octet};
use nom::sequence::preceded;
use nom::{IResult, Parser};

use crate::response::{ResponseHeader, Status};
use crate::wire::{MAGIC, MAX_FILENAME, REQUEST_TYPE, RESPONSE_TYPE};

/// `request = magic %x01 length16 filename`, up to the filename. Returns the filename's length.
#[inline]
pub(crate) fn request_header(input: &[u8]) -> IResult<&[u8], u16> {
    preceded((magic, exactly(REQUEST_TYPE)), length16).parse(input)
}

/// `response = magic %x02 status length32 data`, up to the data.
#[inline]
pub(crate) fn response_header(input: &[u8]) -> IResult<&[u8], ResponseHeader> {
    let (input, status) = preceded((magic, exactly(RESPONSE_TYPE)), status).parse(input)?;
    match status {
        Status::File => map(be_u32, ResponseHeader::file).parse(input),
        Status::NotFound | Status::Malformed => {
            let (input, _) = (exactly(0), exactly(0), exactly(0), exactly(0)).parse(input)?;
            Ok((input, ResponseHeader::without_data(status)))
        }
    }
}

/// `magic = %x49.7E`
fn magic(input: &[u8]) -> IResult<&[u8], ()> {
    let [first, second] = MAGIC;
    map((exactly(first), exactly(second)), |_| ()).parse(input)
}

/// `status = %x00 / %x01 / %x02`
fn status(input: &[u8]) -> IResult<&[u8], Status> {
    map_opt(octet, Status::from_octet).parse(input)
}

/// `length16`, 1 to 1024 (R2). The first byte alone can show that the length is above 1024.
fn length16(input: &[u8]) -> IResult<&[u8], u16> {
    let fits = |len: u16| usize::from(len) <= MAX_FILENAME;
    let (input, high) = verify(octet, |high| fits(u16::from_be_bytes([*high, 0]))).parse(input)?;
    let length = map(octet, |low| u16::from_be_bytes([high, low]));
    verify(length, |len| *len > 0 && fits(*len)).parse(input)
}

/// One byte that equals `expected`.
fn exactly<'a>(expected: u8) -> impl Parser<&'a [u8], Output = u8, Error = Error<&'a [u8]>> {
    verify(octet, move |found| *found == expected)
}

/// The first bytes of a header that arrives in pieces: at most `L`, kept until the header is whole.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(crate) struct HeaderBuffer<const L: usize>(Vec<u8, L, u8>);

/// A byte that no header can have at this place.
pub(crate) struct InvalidByte {
    /// The byte's offset in the header.
    pub at: u8,
    /// The byte's value.
    pub found: u8,
}

impl<const L: usize> HeaderBuffer<L> {
    /// A buffer that holds nothing.
    pub(crate) const fn new() -> Self {
        Self(Vec::new())
    }

    /// The number of bytes held.
    pub(crate) fn len(&self) -> u8 {
        u8::try_from(self.0.len()).unwrap_or(u8::MAX)
    }

    /// Whether no byte of the header has arrived.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes the missing bytes off the front of `input` and parses all bytes held. Returns
    /// `Ok(None)` while the header is not whole, and holds nothing once the header has been
    /// returned.
    pub(crate) fn parse<T>(
        &mut self,
        input: &mut &[u8],
        parser: impl FnOnce(&[u8]) -> IResult<&[u8], T>,
    ) -> Result<Option<T>, InvalidByte> {
        let held = self.fill(input);
        match parser(held) {
            Ok((_, value)) => {
                self.0.clear();
                Ok(Some(value))
            }
            Err(nom::Err::Incomplete(_)) => Ok(None),
            Err(nom::Err::Error(fault) | nom::Err::Failure(fault)) => Err(InvalidByte {
                at: u8::try_from(held.len().saturating_sub(fault.input.len())).unwrap_or(u8::MAX),
                found: fault.input.first().copied().unwrap_or_default(),
            }),
        }
    }

    /// Takes the missing bytes off the front of `input`. Returns all bytes held.
    fn fill(&mut self, input: &mut &[u8]) -> &[u8] {
        let missing = L.saturating_sub(self.0.len());
        // Never an error: at most `missing` bytes are added.
        self.0.extend_from_slice(take_front(input, missing)).ok();
        &self.0
    }
}

/// Takes up to `max` bytes off the front of `input`.
pub(crate) fn take_front<'a>(input: &mut &'a [u8], max: usize) -> &'a [u8] {
    let len = max.min(input.len());
    input.split_off(..len).unwrap_or_default()
}
