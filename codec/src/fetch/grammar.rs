//! The grammar of FETCH as nom parsers (R18, R19), each of which refuses a field at the first byte
//! that shows that no allowed value follows.

use nom::branch::alt;
use nom::combinator::{map, value, verify};
use nom::number::streaming::{be_i64, be_u16, be_u32, be_u64, u8 as octet};
use nom::sequence::preceded;
use nom::{IResult, Parser};

use super::known::{HAS_DIGEST, HAS_MODIFIED, Known, TAG_FROM_CONTENT, least_known_len};
use super::response::{FetchResponse, status};
use super::tag::{Digest, Tag};
use super::terms::{Condition, DIGEST_WANTED, IF_OTHER_TAG, IF_TAG, MODIFIED_WANTED, Terms};
use super::version::Version;
use crate::error::Preamble;
use crate::grammar::{between, equal, exactly, length16, magic, wrong_at};
use crate::wire::{
    FETCH_REQUEST_TYPE, FETCH_RESPONSE_TYPE, MAX_TOTAL, REQUEST_TYPE, RESPONSE_TYPE,
};

/// The flag that later versions may not use for what may be overlooked (R21), in a request.
const REFUSED_IN_REQUEST: u8 = 0x08;

/// The flags that a response must not have (R21).
const REFUSED_IN_RESPONSE: u8 = 0x0C;

/// The length of a FETCH request's rest with the shortest and with the longest name (R18).
const REQUEST_REST: (u64, u64) = (30, 1053);

/// The longest known part: its length is one byte (R19).
const MOST_KNOWN: u64 = 255;

/// The length of the known part without a digest and a time (R19).
const LEAST_KNOWN: u64 = 34;

/// The start of what a client sends, up to a filename.
#[derive(Clone, Debug)]
pub(crate) enum Start {
    /// A request (R2) with a filename of that many bytes, 1 to 1024.
    Get { name_len: u16 },
    /// A FETCH request (R18) with a filename of that many bytes, 1 to 1024.
    Fetch { terms: Terms, name_len: u16 },
    /// Not this protocol (R36).
    Other(Preamble),
}

/// What a connection begins with: a request, or the preamble of another protocol.
pub(crate) fn first_start(input: &[u8]) -> IResult<&[u8], Start> {
    match start(input) {
        // Only of bytes that are no request: a request costs nothing more.
        Err(nom::Err::Error(fault)) if fault.input.len() == input.len() => {
            match map(preamble, Start::Other).parse(input) {
                Err(nom::Err::Error(_)) => Err(nom::Err::Error(fault)),
                other => other,
            }
        }
        other => other,
    }
}

/// `request` or `fetch`, up to the filename.
#[inline]
pub(crate) fn start(input: &[u8]) -> IResult<&[u8], Start> {
    let is_known = |kind: &u8| matches!(*kind, REQUEST_TYPE | FETCH_REQUEST_TYPE);
    let (input, kind) = preceded(magic, verify(octet, is_known)).parse(input)?;
    if kind == REQUEST_TYPE {
        map(length16, |name_len| Start::Get { name_len }).parse(input)
    } else {
        fetch(input)
    }
}

/// The preambles of R36.
fn preamble(input: &[u8]) -> IResult<&[u8], Preamble> {
    alt((
        value(Preamble::Tls, exactly(0x16)),
        value(Preamble::Proxy, equal(*b"PROXY ")),
        value(Preamble::Proxy, equal(*b"\r\n\r\n\0")),
    ))
    .parse(input)
}

/// `fetch = magic %x03 length16 flags offset64 limit32 tag filename`, after the type and up to the
/// filename.
#[inline]
fn fetch(input: &[u8]) -> IResult<&[u8], Start> {
    let (least, most) = REQUEST_REST;
    let (input, rest) = between::<2>(least, most).parse(input)?;
    // Never an error: `rest` is 30 to 1053.
    let name_len = u16::try_from(rest.saturating_sub(least)).unwrap_or(0).saturating_add(1);
    let is_allowed = |flags: &u8| {
        flags & REFUSED_IN_REQUEST == 0 && flags & (IF_TAG | IF_OTHER_TAG) != IF_TAG | IF_OTHER_TAG
    };
    let (input, flags) = verify(octet, is_allowed).parse(input)?;
    let (input, offset) = if flags & IF_OTHER_TAG == 0 {
        be_u64(input)?
    } else {
        value(0, equal([0; 8])).parse(input)?
    };
    let (input, limit) = be_u32(input)?;
    let (input, condition) = if flags & IF_TAG != 0 {
        map(tag, Condition::IfTag).parse(input)?
    } else if flags & IF_OTHER_TAG != 0 {
        map(tag, Condition::IfOtherTag).parse(input)?
    } else {
        value(Condition::None, equal([0; Tag::LEN])).parse(input)?
    };
    let wants_digest = flags & DIGEST_WANTED != 0;
    let wants_modified = flags & MODIFIED_WANTED != 0;
    let terms = Terms { offset, limit, condition, kept: None, wants_digest, wants_modified };
    Ok((input, Start::Fetch { terms, name_len }))
}

/// `tag = 16OCTET`
fn tag(input: &[u8]) -> IResult<&[u8], Tag> {
    map(octets, Tag::new).parse(input)
}

/// `L` bytes, whatever they are.
fn octets<const L: usize>(input: &[u8]) -> IResult<&[u8], [u8; L]> {
    let whole = input.split_first_chunk().map(|(octets, rest)| (rest, *octets));
    whole.ok_or(nom::Err::Incomplete(nom::Needed::new(L.saturating_sub(input.len()))))
}

/// The start of what a server sends, up to the data and to what a later version may have put before
/// the data.
#[derive(Clone, Debug)]
pub(crate) enum ParsedAnswer {
    /// A FETCH response (R19).
    Fetch {
        response: FetchResponse,
        /// The number of bytes between the known fields and the data.
        unknown_len: u8,
    },
    /// A response of type 2 with status 2: the server knows only the first pair (R35).
    FirstPair,
}

/// `answer`, up to the data, for a request with these terms; if it is the first on its connection,
/// also the answer of a server of the first pair.
#[inline]
pub(crate) fn answer<'a>(
    input: &'a [u8],
    terms: &Terms,
    is_first: bool,
) -> IResult<&'a [u8], ParsedAnswer> {
    let is_known = |kind: &u8| *kind == FETCH_RESPONSE_TYPE || (is_first && *kind == RESPONSE_TYPE);
    let (input, kind) = preceded(magic, verify(octet, is_known)).parse(input)?;
    if kind == RESPONSE_TYPE {
        let refused = (exactly(status::MALFORMED), equal([0; 4]));
        return value(ParsedAnswer::FirstPair, refused).parse(input);
    }
    let (input, number) = verify(octet, |number| may_answer(*number, terms)).parse(input)?;
    match number {
        status::NOT_FOUND => without_rest(input, FetchResponse::NotFound),
        status::MALFORMED => without_rest(input, FetchResponse::Malformed),
        status::NOT_NOW => not_now(input),
        _ => known(input, number, terms),
    }
}

/// Whether a response with this status can be an answer to a request with these terms (R22),
/// whatever follows.
fn may_answer(number: u8, terms: &Terms) -> bool {
    match number {
        status::NOT_FOUND | status::MALFORMED | status::NOT_NOW => true,
        status::DATA => terms.offset <= terms.max_total(),
        status::CHANGED => matches!(terms.condition, Condition::IfTag(_)),
        status::BEYOND_END => terms.offset > 0,
        status::UNCHANGED => matches!(terms.condition, Condition::IfOtherTag(_)),
        _ => false,
    }
}

/// `length32` 0: nothing follows.
fn without_rest(input: &[u8], response: FetchResponse) -> IResult<&[u8], ParsedAnswer> {
    value(ParsedAnswer::Fetch { response, unknown_len: 0 }, equal([0; 4])).parse(input)
}

/// `length32 [seconds16]`
fn not_now(input: &[u8]) -> IResult<&[u8], ParsedAnswer> {
    let (input, _) = equal([0; 3]).parse(input)?;
    let (input, len) = verify(octet, |len| matches!(len, 0 | 2)).parse(input)?;
    let (input, retry_after) =
        if len == 0 { (input, None) } else { map(be_u16, Some).parse(input)? };
    let response = FetchResponse::NotNow { retry_after };
    Ok((input, ParsedAnswer::Fetch { response, unknown_len: 0 }))
}

/// `length32 known`, up to the fields that only later versions know.
#[inline]
fn known<'a>(input: &'a [u8], number: u8, terms: &Terms) -> IResult<&'a [u8], ParsedAnswer> {
    // The length of the data is at least `least` and at most `most`, whatever else the file is.
    let (least, most) = if number == status::DATA { data_bounds(terms) } else { (0, 0) };
    let rest_bounds = (LEAST_KNOWN.saturating_add(least), MOST_KNOWN.saturating_add(most));
    let (input, rest) = between::<4>(rest_bounds.0, rest_bounds.1).parse(input)?;

    let (input, flags) = verify(octet, |flags| {
        let known_len = u64::from(least_known_len(*flags));
        flags & REFUSED_IN_RESPONSE == 0
            && (flags & HAS_DIGEST == 0 || terms.wants_digest)
            && known_len <= rest.saturating_sub(least)
            && (number != status::DATA || fits_kept(*flags, terms))
    })
    .parse(input)?;
    let fields_len = u64::from(least_known_len(flags));
    let shortest = fields_len.max(rest.saturating_sub(most));
    let (input, known_len) = between::<1>(shortest, rest.saturating_sub(least)).parse(input)?;
    let data_len = rest.saturating_sub(known_len);

    let (least_total, most_total) = total_bounds(number, terms, data_len);
    let (input, total) = between::<8>(least_total, most_total).parse(input)?;
    let (input, _) = equal(terms.offset.to_be_bytes()).parse(input)?;
    let (input, tag) = answered_tag(input, number, terms)?;
    let (input, digest) = digest(input, flags, tag)?;
    let (input, modified) =
        if flags & HAS_MODIFIED == 0 { (input, None) } else { map(be_i64, Some).parse(input)? };

    let version = Version::within(total, tag, flags & TAG_FROM_CONTENT != 0);
    let known = Known::with_fields(version, terms.offset, digest, modified);
    // Never more than 32 bits: `rest` has no more.
    let response = response(number, known, u32::try_from(data_len).unwrap_or(u32::MAX));
    let unknown_len = u8::try_from(known_len.saturating_sub(fields_len)).unwrap_or_default();
    Ok((input, ParsedAnswer::Fetch { response, unknown_len }))
}

/// The least and the most data that can follow with status 1, as far as the request says (R22).
fn data_bounds(terms: &Terms) -> (u64, u64) {
    let most_left = terms.max_total().saturating_sub(terms.offset);
    let is_due = terms.kept.is_some() && terms.limit > 0 && most_left > 0;
    (u64::from(is_due), most_left.min(terms.limit.into()))
}

/// Whether flag `02` of a response with data is the one that the client keeps (R22).
fn fits_kept(flags: u8, terms: &Terms) -> bool {
    let from_content = flags & TAG_FROM_CONTENT != 0;
    terms.kept.is_none_or(|kept| kept.tag_from_content() == from_content)
}

/// The least and the largest total that R22 allows with that much data.
fn total_bounds(number: u8, terms: &Terms, data_len: u64) -> (u64, u64) {
    match number {
        // Data up to the kept total, or up to where some total can be: the sum is at most 2^63 - 1.
        status::DATA => match terms.kept {
            Some(kept) => (kept.total(), kept.total()),
            // None, though some is wanted: the offset is the end.
            None if data_len == 0 && terms.limit > 0 => (terms.offset, terms.offset),
            None => (terms.offset.saturating_add(data_len), MAX_TOTAL),
        },
        status::BEYOND_END => (0, terms.offset.saturating_sub(1).min(MAX_TOTAL)),
        _ => (0, MAX_TOTAL),
    }
}

/// `tag`, the one that was asked for or another, as R22 says for this status.
fn answered_tag<'a>(input: &'a [u8], number: u8, terms: &Terms) -> IResult<&'a [u8], Tag> {
    match (number, terms.condition) {
        (status::DATA, Condition::IfTag(asked))
        | (status::UNCHANGED, Condition::IfOtherTag(asked)) => {
            map(equal(*asked.as_bytes()), Tag::new).parse(input)
        }
        (status::CHANGED, Condition::IfTag(asked)) => match tag(input)? {
            // Only the last byte shows that it is the same.
            (_, found) if found == asked => Err(wrong_at(input, Tag::LEN.saturating_sub(1))),
            other => Ok(other),
        },
        _ => tag(input),
    }
}

/// `[digest]`, which begins with a tag that comes from the content (R22).
fn digest(input: &[u8], flags: u8, tag: Tag) -> IResult<&[u8], Option<Digest>> {
    if flags & HAS_DIGEST == 0 {
        return Ok((input, None));
    }
    if flags & TAG_FROM_CONTENT != 0 {
        equal(*tag.as_bytes()).parse(input)?;
    }
    map(octets, |octets| Some(Digest::new(octets))).parse(input)
}

/// The response with this status, one of those that tell of the file.
fn response(number: u8, known: Known, data_len: u32) -> FetchResponse {
    match number {
        status::DATA => FetchResponse::Data { known, data_len },
        status::CHANGED => FetchResponse::Changed(known),
        status::BEYOND_END => FetchResponse::BeyondEnd(known),
        _ => FetchResponse::Unchanged(known),
    }
}
