//! Drives a decoder or a download with pieces, holds it to its contract on the way, and tells all
//! that can be seen of it from outside.

use fetchlet_codec::{
    DecodeError, Download, DownloadError, Event, Filename, Progress, Request, RequestDecoder,
    ResponseHeader,
};

/// All that can be seen of a download, but for where its data was cut.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// The header, once it came.
    pub header: Option<ResponseHeader>,
    /// All data.
    pub data: Vec<u8>,
    /// Whether the end was told.
    pub ended: bool,
    /// The error, which may only be repeated.
    pub error: Option<DownloadError>,
    /// Bytes that were not taken, of all pieces.
    pub left: Vec<u8>,
    /// What was said when the connection had ended.
    pub finish: Option<Result<(), DownloadError>>,
}

/// Feeds the pieces to a download.
///
/// # Panics
///
/// If it breaks its contract: no second header or end, no data without a byte or beyond what was
/// announced, no byte left that it should have taken.
pub fn download<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Seen {
    let name = Filename::new("h.txt").expect("a legal name");
    let mut download = Download::<64>::new(Request::new(name));
    let mut seen = Seen::default();
    for piece in pieces {
        let mut input = piece;
        loop {
            match download.receive(&mut input) {
                Ok(Some(event)) => seen.note(event),
                Ok(None) => {
                    assert!(input.is_empty() || download.is_done(), "bytes left: {input:02x?}");
                    break;
                }
                Err(error) => {
                    assert!(seen.error.is_none_or(|first| first == error), "another error");
                    seen.error = Some(error);
                    break;
                }
            }
        }
        assert_eq!(download.is_done(), seen.ended);
        assert_eq!(download.progress(), seen.progress());
        if seen.error.is_none() {
            seen.left.extend_from_slice(input);
        }
    }
    let progress = download.progress();
    seen.finish = Some(download.finish());
    assert_eq!((Some(download.finish()), download.progress()), (seen.finish, progress));
    seen
}

impl Seen {
    /// What the events so far amount to.
    fn progress(&self) -> Option<Progress> {
        let received = u32::try_from(self.data.len()).expect("at most what a header announces");
        self.header.map(|header| Progress { received, expected: header.data_len() })
    }

    fn note(&mut self, event: Event<'_>) {
        assert!(!self.ended, "{event:?} after the end");
        let announced = self.header.map(|header| u64::from(header.data_len()));
        let so_far = |data: &[u8]| u64::try_from(data.len()).ok();
        match event {
            Event::Header(header) => assert_eq!(self.header.replace(header), None),
            Event::Data(data) => {
                assert!(!data.is_empty(), "data without a byte");
                self.data.extend_from_slice(data);
                assert!(so_far(&self.data) <= announced, "more than was announced (R13)");
            }
            Event::End => {
                assert_eq!(so_far(&self.data), announced);
                self.ended = true;
            }
        }
    }
}

/// What a server sees of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked<const N: usize> {
    /// The request, or what is wrong with it.
    pub decoded: Result<Option<Request<N>>, DecodeError>,
    /// The bytes after a whole request.
    pub left: Vec<u8>,
}

/// Feeds the pieces to a decoder of requests, up to its answer.
///
/// # Panics
///
/// If it breaks its contract: every byte of an unfinished request taken and counted, an error
/// repeated whatever comes, ready for another request after a whole one.
pub fn decode_request<'a, const N: usize>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Asked<N> {
    let mut decoder = RequestDecoder::new();
    let mut pieces = pieces.into_iter();
    let mut taken = 0;
    for piece in &mut pieces {
        let mut input = piece;
        let decoded = decoder.decode(&mut input);
        taken += piece.len() - input.len();
        match decoded {
            Ok(None) => {
                assert!(input.is_empty(), "bytes left: {input:02x?}");
                assert_eq!(decoder.received(), taken);
            }
            Ok(Some(_)) => {
                assert_eq!(decoder.received(), 0, "not ready for another request");
                let mut left = input.to_vec();
                left.extend(pieces.flatten());
                return Asked { decoded, left };
            }
            Err(error) => {
                assert_eq!(decoder.received(), taken);
                for later in pieces {
                    assert_eq!(decoder.decode(&mut &later[..]), Err(error), "another error");
                }
                return Asked { decoded, left: Vec::new() };
            }
        }
    }
    Asked { decoded: Ok(None), left: Vec::new() }
}
