//! The messages of FETCH (R18, R19) as plain fields, which may hold anything, and their bytes.

use sha2::{Digest as _, Sha256};

/// Flag of a request: the digest is wanted; of a response: it is there.
pub const DIGEST: u8 = 0x01;
/// Flag of a request: only if the tag is this one.
pub const IF_THIS: u8 = 0x02;
/// Flag of a response: the tag comes from the content.
pub const CONTENT: u8 = 0x02;
/// Flag of a request: only if the tag is another.
pub const IF_OTHER: u8 = 0x04;
/// Flag of a request: the modification time is wanted; of a response: it is there.
pub const TIME: u8 = 0x10;

/// Length in bytes of the known part without digest and time (R19).
const LEAST_KNOWN: usize = 34;

/// A request of FETCH and its answer, as PROTOCOL.md has them. The file `h.txt` holds `hello`.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "each test names all three fields")]
pub struct GoldenExchange {
    /// What is asked for.
    pub what: &'static str,
    /// The bytes of the request.
    pub request: &'static [u8],
    /// The bytes of the response.
    pub response: &'static [u8],
}

/// The golden exchanges of PROTOCOL.md that need no state but the file.
pub const GOLDEN: [GoldenExchange; 3] = [
    GoldenExchange {
        what: "all, with the digest",
        request: b"\x49\x7E\x03\x00\x22\x01\0\0\0\0\0\0\0\0\xFF\xFF\xFF\xFF\
            \0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0h.txt",
        response: b"\x49\x7E\x04\x01\0\0\0\x47\x03\x42\0\0\0\0\0\0\0\x05\0\0\0\0\0\0\0\0\
            \x2C\xF2\x4D\xBA\x5F\xB0\xA3\x0E\x26\xE8\x3B\x2A\xC5\xB9\xE2\x9E\
            \x2C\xF2\x4D\xBA\x5F\xB0\xA3\x0E\x26\xE8\x3B\x2A\xC5\xB9\xE2\x9E\
            \x1B\x16\x1E\x5C\x1F\xA7\x42\x5E\x73\x04\x33\x62\x93\x8B\x98\x24hello",
    },
    GoldenExchange {
        what: "from offset 3, if it is still this one",
        request: b"\x49\x7E\x03\x00\x22\x02\0\0\0\0\0\0\0\x03\xFF\xFF\xFF\xFF\
            \x2C\xF2\x4D\xBA\x5F\xB0\xA3\x0E\x26\xE8\x3B\x2A\xC5\xB9\xE2\x9Eh.txt",
        response: b"\x49\x7E\x04\x01\0\0\0\x24\x02\x22\0\0\0\0\0\0\0\x05\0\0\0\0\0\0\0\x03\
            \x2C\xF2\x4D\xBA\x5F\xB0\xA3\x0E\x26\xE8\x3B\x2A\xC5\xB9\xE2\x9Elo",
    },
    GoldenExchange {
        what: "to learn whether it is another",
        request: b"\x49\x7E\x03\x00\x22\x04\0\0\0\0\0\0\0\0\0\0\0\0\
            \x2C\xF2\x4D\xBA\x5F\xB0\xA3\x0E\x26\xE8\x3B\x2A\xC5\xB9\xE2\x9Eh.txt",
        response: b"\x49\x7E\x04\x05\0\0\0\x22\x02\x22\0\0\0\0\0\0\0\x05\0\0\0\0\0\0\0\0\
            \x2C\xF2\x4D\xBA\x5F\xB0\xA3\x0E\x26\xE8\x3B\x2A\xC5\xB9\xE2\x9E",
    },
];

/// A FETCH request (R18).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the fields of R18 are all there are")]
pub struct RawFetch {
    /// [`DIGEST`], [`IF_THIS`], [`IF_OTHER`], [`TIME`].
    pub flags: u8,
    /// The first byte wanted.
    pub offset: u64,
    /// The most bytes wanted.
    pub limit: u32,
    /// The tag that [`IF_THIS`] or [`IF_OTHER`] speaks of.
    pub tag: [u8; 16],
    /// The filename.
    pub name: Vec<u8>,
}

impl RawFetch {
    /// Asks for the whole file.
    pub fn all(name: &str) -> Self {
        Self { limit: u32::MAX, name: name.into(), ..Self::default() }
    }

    /// Returns the bytes of the request.
    ///
    /// # Panics
    ///
    /// If the name is longer than 65,506 bytes.
    pub fn encode(&self) -> Vec<u8> {
        let len = u16::try_from(29 + self.name.len()).expect("a length of 16 bits");
        let head = [&b"\x49\x7E\x03"[..], &len.to_be_bytes(), &[self.flags]].concat();
        let numbers = [&self.offset.to_be_bytes()[..], &self.limit.to_be_bytes()].concat();
        [&head[..], &numbers, &self.tag, &self.name].concat()
    }

    /// Reads the fields of a whole request of type 3, without judging them; `None` if it is
    /// another type, or too short for them.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (head, name) = bytes.split_at_checked(34)?;
        let fields = head.strip_prefix(b"\x49\x7E\x03")?.split_at(2).1;
        Some(Self {
            flags: fields[0],
            offset: u64::from_be_bytes(fields[1..9].try_into().ok()?),
            limit: u32::from_be_bytes(fields[9..13].try_into().ok()?),
            tag: fields[13..29].try_into().ok()?,
            name: name.to_vec(),
        })
    }
}

/// A version of a file (R23).
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a test may make a version that no server has")]
pub struct FileVersion {
    /// The bytes of the file.
    pub content: Vec<u8>,
    /// The tag, whatever it comes from.
    pub tag: [u8; 16],
    /// Whether the server has hashed the content, and the tag comes from that.
    pub is_hashed: bool,
    /// The modification time, in nanoseconds since 1970.
    pub mtime: i64,
}

impl FileVersion {
    /// A version with the tag of its content, modified in 1970.
    pub fn hashed(content: &[u8]) -> Self {
        let mut tag = [0; 16];
        tag.copy_from_slice(&sha256(content)[..16]);
        Self { content: content.to_vec(), tag, is_hashed: true, mtime: 0 }
    }

    /// A version that was not hashed: its tag is the hint of length and modification time.
    pub fn hinted(content: &[u8], mtime: i64) -> Self {
        let len = (content.len() as u64).to_be_bytes();
        let mut tag = [0; 16];
        tag.copy_from_slice(&sha256(&[len, mtime.to_be_bytes()].concat())[..16]);
        Self { content: content.to_vec(), tag, is_hashed: false, mtime }
    }
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// A FETCH response (R19). With statuses 0, 2 and 6 only `status` and `data` are sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a test may change each field")]
pub struct RawAnswer {
    /// The type, 4.
    pub kind: u8,
    /// The status.
    pub status: u8,
    /// The length of the rest, if it is not to be the true one.
    pub rest: Option<u32>,
    /// [`DIGEST`], [`CONTENT`], [`TIME`].
    pub flags: u8,
    /// The length of the known part, if it is not to be the true one.
    pub k: Option<u8>,
    /// The length of the whole file.
    pub total: u64,
    /// The offset of the request.
    pub offset: u64,
    /// The tag.
    pub tag: [u8; 16],
    /// The digest, which is sent whatever `flags` says.
    pub digest: Option<[u8; 32]>,
    /// The modification time, which is sent whatever `flags` says.
    pub mtime: Option<i64>,
    /// What a later version may add at the end of the known part.
    pub unknown: Vec<u8>,
    /// The data; with status 6 the seconds to wait.
    pub data: Vec<u8>,
}

impl RawAnswer {
    /// Makes the answer that the rules ask of a server that has this version of the file (R19).
    pub fn honest(request: &RawFetch, version: &FileVersion) -> Self {
        let is_same = request.tag == version.tag;
        let total = version.content.len() as u64;
        let status = match request.flags & (IF_THIS | IF_OTHER) {
            IF_THIS if !is_same => 3,
            IF_OTHER if is_same => 5,
            _ if request.offset > total => 4,
            _ => 1,
        };
        let mut answer = Self {
            kind: 4,
            status,
            flags: if version.is_hashed { CONTENT } else { 0 },
            total,
            offset: request.offset,
            tag: version.tag,
            ..Self::default()
        };
        if version.is_hashed && request.flags & DIGEST != 0 {
            answer.digest = Some(sha256(&version.content));
            answer.flags |= DIGEST;
        }
        if request.flags & TIME != 0 {
            answer.mtime = Some(version.mtime);
            answer.flags |= TIME;
        }
        if status == 1 {
            let from = usize::try_from(request.offset).expect("within the content");
            let limit = usize::try_from(request.limit).unwrap_or(usize::MAX);
            answer.data = version.content[from..].iter().copied().take(limit).collect();
        }
        answer
    }

    /// Makes an answer that carries no file: status 0 or 2.
    pub fn without_file(status: u8) -> Self {
        Self { kind: 4, status, ..Self::default() }
    }

    /// Makes the answer "not now", with the seconds to wait.
    pub fn not_now(seconds: u16) -> Self {
        Self { data: seconds.to_be_bytes().to_vec(), ..Self::without_file(6) }
    }

    /// Returns the bytes of the response.
    ///
    /// # Panics
    ///
    /// If the rest is longer than 2^32 - 1 bytes, or the known part than 255.
    pub fn encode(&self) -> Vec<u8> {
        let mut rest = Vec::new();
        if !matches!(self.status, 0 | 2 | 6) {
            rest.extend([self.flags, 0]);
            rest.extend(self.total.to_be_bytes());
            rest.extend(self.offset.to_be_bytes());
            rest.extend(self.tag);
            debug_assert_eq!(rest.len(), LEAST_KNOWN);
            rest.extend(self.digest.iter().flatten());
            rest.extend(self.mtime.iter().flat_map(|time| time.to_be_bytes()));
            rest.extend(&self.unknown);
            let k = u8::try_from(rest.len()).expect("a known part of 255 bytes at most");
            rest[1] = self.k.unwrap_or(k);
        }
        rest.extend(&self.data);
        let len = self.rest.unwrap_or(u32::try_from(rest.len()).expect("less than 4 GiB"));
        let head = [&b"\x49\x7E"[..], &[self.kind, self.status], &len.to_be_bytes()].concat();
        [head, rest].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_and_answers_are_the_golden_bytes() {
        let version = FileVersion::hashed(b"hello");
        for golden in GOLDEN {
            let request = RawFetch::decode(golden.request).unwrap();
            assert_eq!(request.encode(), golden.request, "{}", golden.what);
            let answer = RawAnswer::honest(&request, &version).encode();
            assert_eq!(answer, golden.response, "{}", golden.what);
        }
        assert_eq!(RawAnswer::without_file(0).encode(), b"\x49\x7E\x04\0\0\0\0\0");
        assert_eq!(RawAnswer::without_file(2).encode(), b"\x49\x7E\x04\x02\0\0\0\0");
        assert_eq!(RawAnswer::not_now(30).encode(), b"\x49\x7E\x04\x06\0\0\0\x02\0\x1E");
    }

    #[test]
    fn another_version_is_changed_and_an_offset_past_the_end_is_beyond_it() {
        let version = FileVersion::hinted(b"hello", -1);
        let status = |request: &RawFetch| RawAnswer::honest(request, &version).status;
        let all = RawFetch::all("h.txt");
        assert_eq!(status(&RawFetch { flags: IF_THIS, ..all.clone() }), 3);
        assert_eq!(status(&RawFetch { flags: IF_OTHER, ..all.clone() }), 1);
        assert_eq!(status(&RawFetch { offset: 5, ..all.clone() }), 1);
        assert_eq!(status(&RawFetch { offset: 6, ..all }), 4);
    }
}
