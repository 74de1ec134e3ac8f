//! The record of an unfinished file that outlives a power failure (R27).

use crc::{CRC_32_ISO_HDLC, Crc, NoTable};
use heapless::Vec;

use super::tag::Tag;
use super::version::Version;

/// The record of an unfinished file (R27): which file, which version, and how many of its bytes are
/// durable. It is 64 bytes long when encoded.
///
/// Records go to two places in turn, so that a power failure in the middle of a write leaves the
/// record before; [`place`](Self::place) says which is next, [`newest`](Self::newest) which of two
/// holds. A record whose write was torn is found by its checksum.
///
/// The keeper's order, without which two versions mix (R27, R28):
///
/// 1. [`begin`](Self::begin), or [`invalidated`](Self::invalidated) if there was a part, is durable
///    *before* the first byte of another version is erased or written.
/// 2. Bytes are programmed or synced *before* the record that [counts](Self::advanced) them is
///    written.
///
/// ```
/// use fetchlet_codec::{Checkpoint, Tag, Version};
///
/// let version = Version::from_hint(300, Tag::new([7; 16]))?;
/// let mut places = [[0xFF; Checkpoint::LEN]; 2]; // Erased flash.
/// assert_eq!(Checkpoint::newest(&places[0], &places[1]), None);
///
/// let begun = Checkpoint::begin(None, "h.bin", 0, version);
/// places[begun.place()] = begun.encode();
/// let half = begun.advanced(128).expect("not above the total");
/// places[half.place()] = half.encode();
///
/// // After a power failure:
/// let kept = Checkpoint::newest(&places[0], &places[1]).expect("a record");
/// assert_eq!(kept.part_of("h.bin", 0), Some((version, 128)));
/// assert_eq!(kept.part_of("other.bin", 0), None);
/// # Ok::<(), fetchlet_codec::AnswerError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Checkpoint {
    sequence: u32,
    name_hash: u64,
    slot: u8,
    /// The version and the number of its bytes that are durable, at most its total; `None` if
    /// nothing is kept.
    part: Option<(Version, u64)>,
}

/// What an encoded record begins with; no erased flash does.
const MARK: [u8; 4] = *b"fck1";

/// Flag of a record: there is a part.
const HAS_PART: u8 = 0x01;

/// Flag of a record: the tag comes from the content.
const TAG_FROM_CONTENT: u8 = 0x02;

/// The length of the checksum at the end of a record, in bytes.
const CHECKSUM_LEN: usize = 4;

/// The number of places that records are written to in turn (R27).
const PLACES: u32 = 2;

/// CRC-32 as of Ethernet and zip, without a table: 64 bytes are soon through.
const CRC32: Crc<u32, NoTable> = Crc::<u32, NoTable>::new(&CRC_32_ISO_HDLC);

impl Checkpoint {
    /// The length of an encoded record, in bytes; a multiple of the words of most flashes.
    pub const LEN: usize = 64;

    /// The record that nothing of this version is there yet. `previous` is the newest record in the
    /// two places, of whatever file, else `None`; `slot` tells the places for a file apart, such as
    /// the two halves of a flash.
    pub fn begin(previous: Option<&Self>, filename: &str, slot: u8, version: Version) -> Self {
        Self {
            sequence: previous.map_or(0, |previous| previous.sequence.wrapping_add(1)),
            name_hash: hash(filename),
            slot,
            part: Some((version, 0)),
        }
    }

    /// The next record: `durable` bytes of the same version are durable. `None` if that is more
    /// than the total, or if nothing is kept.
    pub fn advanced(&self, durable: u64) -> Option<Self> {
        let (version, _) = self.part?;
        let part = (durable <= version.total()).then_some((version, durable))?;
        Some(Self { sequence: self.sequence.wrapping_add(1), part: Some(part), ..*self })
    }

    /// The next record: nothing is kept.
    #[must_use]
    pub const fn invalidated(&self) -> Self {
        Self { sequence: self.sequence.wrapping_add(1), part: None, ..*self }
    }

    /// The version and the number of durable bytes that are kept; `None` if nothing is.
    pub const fn part(&self) -> Option<(Version, u64)> {
        self.part
    }

    /// The same, if the record is about this name and slot.
    pub fn part_of(&self, filename: &str, slot: u8) -> Option<(Version, u64)> {
        self.part.filter(|_| self.name_hash == hash(filename) && self.slot == slot)
    }

    /// The place that this record is written to, 0 or 1: the one that does not hold the record
    /// before.
    pub fn place(&self) -> usize {
        usize::from(self.sequence.checked_rem(PLACES) == Some(1))
    }

    /// The newer of the valid records in the two places; `None` if neither is valid.
    pub fn newest(first: &[u8], second: &[u8]) -> Option<Self> {
        match (Self::decode(first), Self::decode(second)) {
            (Some(first), Some(second)) => {
                // The number wraps; the two are one apart unless a write failed.
                let ahead = second.sequence.wrapping_sub(first.sequence);
                Some(if ahead <= u32::MAX >> 1 { second } else { first })
            }
            (first, second) => first.or(second),
        }
    }

    /// The record's bytes.
    pub fn encode(&self) -> [u8; Self::LEN] {
        let (version, durable) = match self.part {
            Some((version, durable)) => (Some(version), durable),
            None => (None, 0),
        };
        let flags = match version {
            None => 0,
            Some(version) if version.tag_from_content() => HAS_PART | TAG_FROM_CONTENT,
            Some(_) => HAS_PART,
        };
        let tag = version.map_or(Tag::new([0; Tag::LEN]), |version| version.tag());
        let mut bytes = Vec::<u8, { Self::LEN }, u8>::new();
        for field in [
            &MARK[..],
            &self.sequence.to_be_bytes(),
            &self.name_hash.to_be_bytes(),
            &version.map_or(0, |version| version.total()).to_be_bytes(),
            &durable.to_be_bytes(),
            tag.as_bytes(),
            &[self.slot, flags],
            &UNUSED,
        ] {
            // Never an error: with the checksum, the fields have 64 bytes together.
            bytes.extend_from_slice(field).ok();
        }
        let checksum = CRC32.checksum(&bytes);
        bytes.extend_from_slice(&checksum.to_be_bytes()).ok();
        bytes.into_array().unwrap_or([0; Self::LEN])
    }

    /// The record of these bytes; `None` if they are no whole record: erased flash, a write that
    /// was torn, or another length than [`LEN`](Self::LEN).
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; Self::LEN] = bytes.try_into().ok()?;
        let (fields, checksum) = bytes.split_last_chunk::<CHECKSUM_LEN>()?;
        if CRC32.checksum(fields) != u32::from_be_bytes(*checksum) {
            return None;
        }
        let fields = fields.strip_prefix(&MARK)?;
        let (sequence, fields) = fields.split_first_chunk()?;
        let (name_hash, fields) = fields.split_first_chunk()?;
        let (total, fields) = fields.split_first_chunk()?;
        let (durable, fields) = fields.split_first_chunk()?;
        let (tag, fields) = fields.split_first_chunk()?;
        let (&[slot, flags], unused) = fields.split_first_chunk()?;
        if unused != UNUSED {
            return None;
        }
        let durable = u64::from_be_bytes(*durable);
        let version = |from_content| {
            let version = Version::new(u64::from_be_bytes(*total), Tag::new(*tag), from_content);
            version.ok().filter(|version| durable <= version.total())
        };
        let part = match flags {
            0 => None,
            HAS_PART => Some((version(false)?, durable)),
            flags if flags == HAS_PART | TAG_FROM_CONTENT => Some((version(true)?, durable)),
            _ => return None,
        };
        Some(Self {
            sequence: u32::from_be_bytes(*sequence),
            name_hash: u64::from_be_bytes(*name_hash),
            slot,
            part,
        })
    }
}

/// The bytes of a record that say nothing yet, before the checksum.
const UNUSED: [u8; 10] = [0; 10];

/// FNV-1a of 64 bits, <https://datatracker.ietf.org/doc/html/draft-eastlake-fnv>: two names with
/// the same hash do no harm (R27).
fn hash(name: &str) -> u64 {
    const OFFSET_BASIS: u64 = 0xCBF2_9CE4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01B3;
    name.bytes().fold(OFFSET_BASIS, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME))
}
