//! The feature `defmt`: every public type implements `defmt::Format`, checked in every build.

use crate::{
    BufferTooSmall, DecodeError, Download, DownloadError, Event, Filename, FilenameError, Progress,
    Request, RequestDecoder, ResponseDecoder, ResponseHeader, Status,
};

const fn loggable<T: defmt::Format>() {}

const _: () = {
    loggable::<BufferTooSmall>();
    loggable::<DecodeError>();
    loggable::<Download<64>>();
    loggable::<Download>();
    loggable::<DownloadError>();
    loggable::<Event<'static>>();
    loggable::<Filename<64>>();
    loggable::<FilenameError>();
    loggable::<Progress>();
    loggable::<Request<64>>();
    loggable::<RequestDecoder<64>>();
    loggable::<ResponseDecoder>();
    loggable::<ResponseHeader>();
    loggable::<Status>();
};

#[cfg(any(feature = "embedded-io", feature = "embedded-io-async"))]
const _: () = loggable::<crate::FetchError<(), ()>>();
