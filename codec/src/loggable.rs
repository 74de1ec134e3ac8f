//! The feature `defmt`: every public type implements `defmt::Format`, checked in every build.

use crate::{
    AnswerError, BufferTooSmall, Checkpoint, Condition, DecodeError, Digest, Download,
    DownloadError, Event, Fetch, FetchError, FetchEvent, FetchRequest, FetchResponse,
    FetchResponseHead, Filename, FilenameError, Known, Preamble, Progress, Request, RequestDecoder,
    ResponseDecoder, ResponseHeader, Serve, ServeRequest, ServedFile, Status, Tag, Version,
};

const fn loggable<T: defmt::Format>() {}

const _: () = {
    loggable::<AnswerError>();
    loggable::<Checkpoint>();
    loggable::<Condition>();
    loggable::<Digest>();
    loggable::<Fetch<64>>();
    loggable::<FetchError>();
    loggable::<FetchEvent<'static>>();
    loggable::<FetchRequest<64>>();
    loggable::<FetchResponse>();
    loggable::<FetchResponseHead>();
    loggable::<Known>();
    loggable::<Preamble>();
    loggable::<Serve<64>>();
    loggable::<ServeRequest<64>>();
    loggable::<ServedFile>();
    loggable::<Tag>();
    loggable::<Version>();
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
const _: () = loggable::<crate::ExchangeError<(), ()>>();
