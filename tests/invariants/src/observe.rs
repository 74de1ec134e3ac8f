//! Feeds pieces of bytes to a decoder or a download, checks its contract at each step, and returns
//! everything that a caller could observe.

use fetchlet_codec::{
    DecodeError, Download, DownloadError, Event, Filename, Progress, Request, RequestDecoder,
    ResponseHeader,
};

/// Everything that a caller can observe of a download, except where the data was cut.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a comparison must cover each field")]
pub struct ObservedDownload {
    /// The header, if the download returned one.
    pub header: Option<ResponseHeader>,
    /// The data of all events, joined.
    pub data: Vec<u8>,
    /// Whether the download returned `Event::End`.
    pub ended: bool,
    /// The error of `receive`, if there was one; each later call must repeat the same error.
    pub error: Option<DownloadError>,
    /// The bytes of all pieces that the download did not take, joined.
    pub left: Vec<u8>,
    /// The result of `finish`, called after the last piece.
    pub finish: Option<Result<(), DownloadError>>,
}

/// Feeds the pieces to a download.
///
/// # Panics
///
/// If the download breaks its contract: one header and one end at most, no empty data, no data
/// beyond the announced length, no byte left that belongs to the response, a `progress` that agrees
/// with the events.
pub fn download<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> ObservedDownload {
    let name = Filename::new("h.txt").expect("a legal name");
    let mut download = Download::<64>::new(Request::new(name));
    let mut seen = ObservedDownload::default();
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

impl ObservedDownload {
    /// The progress that follows from the events so far.
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

/// Everything that a server can observe of a request decoder.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a comparison must cover each field")]
pub struct ObservedRequest<const N: usize> {
    /// The request, or the fault in its bytes.
    pub decoded: Result<Option<Request<N>>, DecodeError>,
    /// The bytes after a whole request.
    pub left: Vec<u8>,
}

/// Feeds the pieces to a request decoder, until the decoder returns a request or an error.
///
/// # Panics
///
/// If the decoder breaks its contract: each byte of an unfinished request taken and counted, an
/// error repeated by every later call, ready for another request after a whole one.
pub fn decode_request<'a, const N: usize>(
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> ObservedRequest<N> {
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
                return ObservedRequest { decoded, left };
            }
            Err(error) => {
                assert_eq!(decoder.received(), taken);
                for later in pieces {
                    assert_eq!(decoder.decode(&mut &later[..]), Err(error), "another error");
                }
                return ObservedRequest { decoded, left: Vec::new() };
            }
        }
    }
    ObservedRequest { decoded: Ok(None), left: Vec::new() }
}
