//! FETCH messages written by hand, not with the codec: a mistake of the codec must show.

use fetchlet_codec::{
    DecodeError, Fetch, FetchError, FetchEvent, FetchRequest, FetchResponse, Filename, Tag, Version,
};

/// The SHA-256 of `hello`, as `sha256sum` prints it.
pub(crate) const HELLO_SHA256: [u8; 32] = [
    0x2C, 0xF2, 0x4D, 0xBA, 0x5F, 0xB0, 0xA3, 0x0E, 0x26, 0xE8, 0x3B, 0x2A, 0xC5, 0xB9, 0xE2, 0x9E,
    0x1B, 0x16, 0x1E, 0x5C, 0x1F, 0xA7, 0x42, 0x5E, 0x73, 0x04, 0x33, 0x62, 0x93, 0x8B, 0x98, 0x24,
];

/// The tag of `hello`: the first half of its SHA-256 (R23).
pub(crate) fn hello_tag() -> [u8; 16] {
    HELLO_SHA256[..16].try_into().unwrap()
}

/// The version of `hello`.
pub(crate) fn hello_version() -> Version {
    Version::new(5, Tag::new(hello_tag()), true).unwrap()
}

/// A request for `h.txt`.
pub(crate) fn ask() -> FetchRequest<64> {
    FetchRequest::new(Filename::new("h.txt").unwrap())
}

/// A FETCH request's bytes (R18); the fields are whatever they are.
#[derive(Clone)]
pub(crate) struct RawRequest {
    pub(crate) flags: u8,
    pub(crate) offset: u64,
    pub(crate) limit: u32,
    pub(crate) tag: [u8; 16],
    pub(crate) name: Vec<u8>,
}

impl RawRequest {
    pub(crate) fn new(name: &[u8]) -> Self {
        Self { flags: 0, offset: 0, limit: u32::MAX, tag: [0; 16], name: name.to_vec() }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let len = u16::try_from(29 + self.name.len()).unwrap();
        [
            b"\x49\x7E\x03",
            &len.to_be_bytes()[..],
            &[self.flags],
            &self.offset.to_be_bytes(),
            &self.limit.to_be_bytes(),
            &self.tag,
            &self.name,
        ]
        .concat()
    }
}

/// A FETCH response's bytes (R19); the fields are whatever they are.
#[derive(Clone)]
pub(crate) struct RawResponse {
    pub(crate) status: u8,
    /// The length of the rest; computed if `None`.
    pub(crate) rest: Option<u32>,
    pub(crate) flags: u8,
    /// The length of the known part; computed if `None`.
    pub(crate) known_len: Option<u8>,
    pub(crate) total: u64,
    pub(crate) offset: u64,
    pub(crate) tag: [u8; 16],
    pub(crate) digest: Option<[u8; 32]>,
    pub(crate) modified: Option<i64>,
    /// What a later version may put behind the known fields.
    pub(crate) unknown: Vec<u8>,
    pub(crate) data: Vec<u8>,
}

impl RawResponse {
    /// The answer to [`ask`]: status 1, `hello`, its tag, no digest.
    pub(crate) fn hello() -> Self {
        Self {
            status: 1,
            rest: None,
            flags: 2,
            known_len: None,
            total: 5,
            offset: 0,
            tag: hello_tag(),
            digest: None,
            modified: None,
            unknown: Vec::new(),
            data: b"hello".to_vec(),
        }
    }

    /// The same without data, with this status.
    pub(crate) fn without_data(status: u8) -> Self {
        Self { status, data: Vec::new(), ..Self::hello() }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let known = [
            &self.total.to_be_bytes()[..],
            &self.offset.to_be_bytes(),
            &self.tag,
            self.digest.as_ref().map_or(&[][..], |digest| digest),
            &self.modified.map_or(vec![], |modified| modified.to_be_bytes().to_vec()),
            &self.unknown,
        ]
        .concat();
        let known_len = u8::try_from(2 + known.len()).unwrap();
        let rest = u32::try_from(2 + known.len() + self.data.len()).unwrap();
        [
            &[0x49, 0x7E, 4, self.status][..],
            &self.rest.unwrap_or(rest).to_be_bytes(),
            &[self.flags, self.known_len.unwrap_or(known_len)],
            &known,
            &self.data,
        ]
        .concat()
    }
}

/// What a client observes of a response.
#[derive(Debug, PartialEq)]
pub(crate) struct RawReceived {
    pub(crate) response: Option<FetchResponse>,
    pub(crate) data: Vec<u8>,
    pub(crate) ended: bool,
    pub(crate) left: Vec<u8>,
    pub(crate) finish: Result<(), FetchError>,
}

/// Feeds pieces to a client.
pub(crate) fn receive<'a, const N: usize>(
    mut fetch: Fetch<N>,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> RawReceived {
    let (mut response, mut data, mut ended, mut left) = (None, Vec::new(), false, Vec::new());
    for mut piece in pieces {
        while let Ok(Some(event)) = fetch.receive(&mut piece) {
            match event {
                FetchEvent::Response(found) => assert_eq!(response.replace(found), None),
                FetchEvent::Data(bytes) => data.extend_from_slice(bytes),
                FetchEvent::End => ended = true,
            }
        }
        assert!(piece.is_empty() || fetch.is_done() || fetch.finish().is_err());
        if fetch.is_done() {
            left.extend_from_slice(piece);
        }
    }
    RawReceived { response, data, ended, left, finish: fetch.finish() }
}

/// The error of the client's `receive` for these bytes, if there is one.
pub(crate) fn refusal(request: &FetchRequest<64>, mut bytes: &[u8]) -> Option<DecodeError> {
    let mut fetch = Fetch::new(request.clone());
    loop {
        match fetch.receive(&mut bytes) {
            Ok(Some(_)) => {}
            Ok(None) => return None,
            Err(FetchError::Decode(error)) => return Some(error),
            Err(other) => panic!("{other:?}"),
        }
    }
}
