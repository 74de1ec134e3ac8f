//! The data of a response.

use std::io;
use std::mem;
use std::sync::Arc;

use crate::server::file::{OpenFile, RemoteFile, read_chunk};

/// The data of a response, read from its front to its end.
pub(super) trait Body {
    /// Replaces what is in `chunk` by the next bytes, at most `max_len`. Empty: there are no more.
    ///
    /// Takes and returns the buffer, so that a thread of the blocking pool may fill it. A body that
    /// is in memory may return more than `max_len`.
    fn read(
        &mut self,
        chunk: Vec<u8>,
        max_len: usize,
    ) -> impl Future<Output = io::Result<Vec<u8>>> + Send;
}

/// The bytes of a file, from an offset up to the length that was announced (R10).
#[derive(Debug)]
pub(super) struct FileBody {
    file: Arc<OpenFile>,
    offset: u32,
}

impl FileBody {
    pub(super) const fn new(file: Arc<OpenFile>, offset: u32) -> Self {
        Self { file, offset }
    }
}

impl Body for FileBody {
    async fn read(&mut self, chunk: Vec<u8>, max_len: usize) -> io::Result<Vec<u8>> {
        let left = self.file.len.saturating_sub(self.offset);
        let max_len = max_len.min(usize::try_from(left).unwrap_or(usize::MAX));
        let chunk = read_chunk(&self.file, chunk, self.offset.into(), max_len).await?;
        let len = u32::try_from(chunk.len()).unwrap_or(u32::MAX);
        self.offset = self.offset.saturating_add(len);
        Ok(chunk)
    }
}

/// The bytes of a file whose file system may hang.
#[derive(Debug)]
pub(super) struct RemoteBody {
    file: RemoteFile,
    offset: u32,
}

impl RemoteBody {
    pub(super) const fn new(file: RemoteFile, offset: u32) -> Self {
        Self { file, offset }
    }
}

impl Body for RemoteBody {
    async fn read(&mut self, chunk: Vec<u8>, max_len: usize) -> io::Result<Vec<u8>> {
        let left = self.file.len.saturating_sub(self.offset);
        let max_len = max_len.min(usize::try_from(left).unwrap_or(usize::MAX));
        if max_len == 0 {
            return Ok(Vec::new());
        }
        let chunk = self.file.read(chunk, self.offset.into(), max_len).await?;
        let len = u32::try_from(chunk.len()).unwrap_or(u32::MAX);
        self.offset = self.offset.saturating_add(len);
        Ok(chunk)
    }
}

/// Bytes that are in memory already, then those of another body.
#[derive(Debug)]
pub(super) struct Prefetched<B> {
    first: Vec<u8>,
    rest: B,
}

impl<B> Prefetched<B> {
    pub(super) const fn new(first: Vec<u8>, rest: B) -> Self {
        Self { first, rest }
    }
}

impl<B: Body + Send> Body for Prefetched<B> {
    async fn read(&mut self, chunk: Vec<u8>, max_len: usize) -> io::Result<Vec<u8>> {
        if self.first.is_empty() {
            return self.rest.read(chunk, max_len).await;
        }
        Ok(mem::take(&mut self.first))
    }
}

/// A body that is in memory as a whole: its end follows its only chunk.
impl Body for Vec<u8> {
    async fn read(&mut self, _chunk: Vec<u8>, _max_len: usize) -> io::Result<Vec<u8>> {
        Ok(mem::take(self))
    }
}
