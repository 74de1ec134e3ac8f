//! Encodes requests and decodes response headers of fetchlet's protocol and of HTTP.

use fetchlet_codec::{Filename, REQUEST_HEADER, Request, ResponseDecoder, Status};

use crate::result::Result;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// The protocol of PROTOCOL.md, with one connection per file.
    Ours,
    /// HTTP/1.0, with one connection per file.
    Http10,
    /// HTTP/1.1, with one connection for all requests of a client.
    Http11,
}

impl Protocol {
    pub(crate) fn request(self, name: &str) -> Result<Vec<u8>> {
        Ok(match self {
            Self::Ours => {
                let request: Request = Request::new(Filename::new(name)?);
                let mut bytes = vec![0; REQUEST_HEADER + name.len()];
                request.encode(&mut bytes)?;
                bytes
            }
            Self::Http10 => format!("GET /{name} HTTP/1.0\r\n\r\n").into_bytes(),
            Self::Http11 => format!("GET /{name} HTTP/1.1\r\nHost: compare\r\n\r\n").into_bytes(),
        })
    }

    /// Whether a connection serves more than one request.
    pub(crate) const fn keeps(self) -> bool {
        matches!(self, Self::Http11)
    }

    /// Returns the length of the header and of the body; `None` until the header is whole.
    pub(crate) fn header(self, bytes: &[u8]) -> Result<Option<(usize, u64)>> {
        match self {
            Self::Ours => ours(bytes),
            Self::Http10 | Self::Http11 => http(bytes),
        }
    }
}

fn ours(bytes: &[u8]) -> Result<Option<(usize, u64)>> {
    let mut rest = bytes;
    match ResponseDecoder::new().decode(&mut rest)? {
        None => Ok(None),
        Some(header) if header.status() == Status::File => {
            Ok(Some((bytes.len() - rest.len(), header.data_len().into())))
        }
        Some(_) => Err("not answered with a file".into()),
    }
}

fn http(bytes: &[u8]) -> Result<Option<(usize, u64)>> {
    let Some(end) = bytes.windows(4).position(|it| it == b"\r\n\r\n") else {
        return if bytes.len() < 8192 { Ok(None) } else { Err("a header without an end".into()) };
    };
    let head = std::str::from_utf8(bytes.get(..end).unwrap_or_default())?;
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap_or_default();
    if !status.starts_with("HTTP/1.") || status.split(' ').nth(1) != Some("200") {
        return Err("not answered with a file".into());
    }
    let length = lines.find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    });
    Ok(Some((end + 4, length.ok_or("no content-length")?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_counts_only_when_it_is_whole() {
        for (protocol, header) in [
            (Protocol::Ours, b"\x49\x7E\x02\x01\0\0\x01\x02".as_slice()),
            (Protocol::Http10, b"HTTP/1.1 200 OK\r\nServer: x\r\nContent-Length: 258\r\n\r\n"),
        ] {
            for cut in 0..header.len() {
                assert_eq!(protocol.header(&header[..cut]).unwrap(), None, "{protocol:?} {cut}");
            }
            let more = [header, b"data"].concat();
            assert_eq!(protocol.header(&more).unwrap(), Some((header.len(), 258)));
        }
    }

    #[test]
    fn an_answer_without_a_file_is_an_error() {
        Protocol::Ours.header(b"\x49\x7E\x02\0\0\0\0\0").unwrap_err();
        Protocol::Http10
            .header(b"HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\n")
            .unwrap_err();
        Protocol::Http11.header(b"HTTP/1.1 200 OK\r\n\r\n").unwrap_err();
        Protocol::Http11.header(&[b'x'; 8192]).unwrap_err();
    }
}
