//! The grammar of PROTOCOL.md as nom parsers, and the buffer for a header that arrives in pieces.
//!
//! The parsers are nom's streaming parsers: a header of which only a part has arrived is
//! `Incomplete`, and a byte that cannot belong to a message is an error *at that byte*, however few
//! bytes follow. The offset of that byte alone tells which field is wrong, since every header field
//! has a fixed place.

use heapless::Vec;
use nom::combinator::{map, map_opt, verify};
use nom::error::{Error, ErrorKind};
use nom::number::streaming::{be_u32, u8 as octet};
use nom::sequence::preceded;
use nom::{IResult, Needed, Parser};

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
pub(crate) fn magic(input: &[u8]) -> IResult<&[u8], ()> {
    let [first, second] = MAGIC;
    map((exactly(first), exactly(second)), |_| ()).parse(input)
}

/// `status = %x00 / %x01 / %x02`
fn status(input: &[u8]) -> IResult<&[u8], Status> {
    map_opt(octet, Status::from_octet).parse(input)
}

/// `length16`, 1 to 1024 (R2). The first byte alone can show that the length is above 1024.
pub(crate) fn length16(input: &[u8]) -> IResult<&[u8], u16> {
    let fits = |len: u16| usize::from(len) <= MAX_FILENAME;
    let (input, high) = verify(octet, |high| fits(u16::from_be_bytes([*high, 0]))).parse(input)?;
    let length = map(octet, |low| u16::from_be_bytes([high, low]));
    verify(length, |len| *len > 0 && fits(*len)).parse(input)
}

/// One byte that equals `expected`.
pub(crate) fn exactly<'a>(
    expected: u8,
) -> impl Parser<&'a [u8], Output = u8, Error = Error<&'a [u8]>> {
    verify(octet, move |found| *found == expected)
}

/// Bytes that equal `expected`. An error is at the first byte that differs, unlike that of nom's
/// `tag`.
pub(crate) fn equal<'a, const L: usize>(
    expected: [u8; L],
) -> impl Parser<&'a [u8], Output = [u8; L], Error = Error<&'a [u8]>> {
    move |input: &'a [u8]| match input.split_first_chunk::<L>() {
        Some((found, rest)) if *found == expected => Ok((rest, expected)),
        _ => Err(first_difference(input, &expected)),
    }
}

/// Returns the error of [`equal`]: the first byte of `input` that differs from `expected`, or the
/// number of bytes that are missing.
#[cold]
fn first_difference<'a>(input: &'a [u8], expected: &[u8]) -> nom::Err<Error<&'a [u8]>> {
    match input.iter().zip(expected).position(|(found, expected)| found != expected) {
        Some(at) => wrong_at(input, at),
        None => missing(expected.len().saturating_sub(input.len())),
    }
}

/// A big-endian integer of `L` bytes, at most 8, from `least` to `most`. An error is at the first
/// byte that shows that the integer is out of these bounds, whatever follows.
pub(crate) fn between<'a, const L: usize>(
    least: u64,
    most: u64,
) -> impl Parser<&'a [u8], Output = u64, Error = Error<&'a [u8]>> {
    move |input: &'a [u8]| {
        let Some((bytes, rest)) = input.split_first_chunk::<L>() else {
            return Err(first_out_of_bounds::<L>(input, least, most));
        };
        let value = big_endian(bytes, 0);
        if value < least || value > most {
            return Err(first_out_of_bounds::<L>(input, least, most));
        }
        Ok((rest, value))
    }
}

/// Returns the error of [`between`].
#[cold]
fn first_out_of_bounds<const L: usize>(
    input: &[u8],
    least: u64,
    most: u64,
) -> nom::Err<Error<&[u8]>> {
    let input_len = input.len().min(L);
    let shown = (0..input_len).find(|at| {
        // The integer is one of those whose first bytes are these, and the others 00 to FF.
        let known = input.get(..=*at).unwrap_or_default();
        let unknown = L.saturating_sub(known.len());
        let smallest = big_endian(known, unknown);
        let span = 1_u64.checked_shl(bits(unknown)).unwrap_or(0).wrapping_sub(1);
        smallest > most || smallest | span < least
    });
    match shown {
        Some(at) => wrong_at(input, at),
        None => missing(L.saturating_sub(input_len)),
    }
}

/// The big-endian integer of `bytes` and `zeros` bytes 00 behind them, at most 8 bytes in all.
fn big_endian(bytes: &[u8], zeros: usize) -> u64 {
    let value = bytes.iter().fold(0_u64, |value, byte| value << 8 | u64::from(*byte));
    value.checked_shl(bits(zeros)).unwrap_or(0)
}

/// The number of bits in `bytes` bytes.
fn bits(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX).saturating_mul(u8::BITS)
}

/// Returns the error that the byte of `input` at offset `at` is wrong.
pub(crate) fn wrong_at(input: &[u8], at: usize) -> nom::Err<Error<&[u8]>> {
    nom::Err::Error(Error::new(input.get(at..).unwrap_or_default(), ErrorKind::Verify))
}

/// Returns the error that `bytes` more bytes are needed.
fn missing<'a>(bytes: usize) -> nom::Err<Error<&'a [u8]>> {
    nom::Err::Incomplete(Needed::new(bytes))
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

impl InvalidByte {
    /// The first byte of `rest`, which is the end of `held`.
    fn new(held: &[u8], rest: &[u8]) -> Self {
        Self {
            at: u8::try_from(held.len().saturating_sub(rest.len())).unwrap_or(u8::MAX),
            found: rest.first().copied().unwrap_or_default(),
        }
    }
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

    /// The bytes held.
    pub(crate) fn held(&self) -> &[u8] {
        &self.0
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
            Err(nom::Err::Error(fault) | nom::Err::Failure(fault)) => {
                Err(InvalidByte::new(held, fault.input))
            }
        }
    }

    /// Takes the header's bytes off the front of `input`, as many as the parser says are missing,
    /// until the parser returns a value or an error. No byte behind the header is taken, though
    /// the header's length is in the header. Returns `Ok(None)` while the header is not whole, and
    /// holds nothing once the header has been returned.
    pub(crate) fn gather<T>(
        &mut self,
        input: &mut &[u8],
        mut parser: impl FnMut(&[u8]) -> IResult<&[u8], T>,
    ) -> Result<Option<T>, InvalidByte> {
        loop {
            let needed = match parser(&self.0) {
                Ok((_, value)) => {
                    self.0.clear();
                    return Ok(Some(value));
                }
                Err(nom::Err::Incomplete(Needed::Size(needed))) => needed.get(),
                Err(nom::Err::Incomplete(Needed::Unknown)) => 1,
                Err(nom::Err::Error(fault) | nom::Err::Failure(fault)) => {
                    return Err(InvalidByte::new(&self.0, fault.input));
                }
            };
            let taken = take_front(input, needed.min(L.saturating_sub(self.0.len())));
            if taken.is_empty() {
                return Ok(None);
            }
            // Never an error: not more bytes than there is room for.
            self.0.extend_from_slice(taken).ok();
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
