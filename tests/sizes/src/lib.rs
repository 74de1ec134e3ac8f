//! The codec's documented sizes, for whichever target this is compiled for, and that every public
//! type of the codec can be logged: both show when this compiles, on a bare target as well.
#![no_std]

use core::convert::Infallible;

use fetchlet_codec::{
    BufferTooSmall, DecodeError, Download, DownloadError, Event, FetchError, Filename,
    FilenameError, Request, RequestDecoder, ResponseDecoder, ResponseHeader, Status,
};

/// `documented row: type, bytes on 32-bit targets, bytes on 64-bit targets`. An array's length is
/// what the compiler shows when it differs.
macro_rules! sizes {
    ($($row:literal: $type:ty, $narrow:literal, $wide:literal;)*) => {
        $(
            #[cfg(target_pointer_width = "32")]
            const _: [(); $narrow] = [(); size_of::<$type>()];
            #[cfg(target_pointer_width = "64")]
            const _: [(); $wide] = [(); size_of::<$type>()];
        )*

        #[cfg(test)]
        const ROWS: &[(&str, &str, &str)] =
            &[$(($row, stringify!($narrow), stringify!($wide)),)*];
    };
}

sizes! {
    "[`Download<64>`](Download)": Download<64>, 84, 84;
    "[`Download<1024>`](Download)": Download, 1044, 1044;
    "[`RequestDecoder<64>`](RequestDecoder)": RequestDecoder<64>, 72, 72;
    "[`RequestDecoder<1024>`](RequestDecoder)": RequestDecoder, 1032, 1032;
    "[`ResponseDecoder`]": ResponseDecoder, 16, 16;
}

/// "N + 2, to even", for every N that could be odd one out.
macro_rules! names {
    ($($n:literal)*) => {
        $(
            const _: [(); ($n + 2_usize).next_multiple_of(2)] = [(); size_of::<Filename<$n>>()];
            const _: [(); ($n + 2_usize).next_multiple_of(2)] = [(); size_of::<Request<$n>>()];
        )*
    };
}

names! { 1 2 3 4 63 64 65 254 255 256 257 1023 1024 }

const fn loggable<T: defmt::Format>() {}

const _: () = {
    loggable::<BufferTooSmall>();
    loggable::<DecodeError>();
    loggable::<Download<64>>();
    loggable::<Download>();
    loggable::<DownloadError>();
    loggable::<Event<'static>>();
    loggable::<FetchError<Infallible, Infallible>>();
    loggable::<Filename<64>>();
    loggable::<FilenameError>();
    loggable::<Request<64>>();
    loggable::<RequestDecoder<64>>();
    loggable::<ResponseDecoder>();
    loggable::<ResponseHeader>();
    loggable::<Status>();
};

#[cfg(test)]
mod tests {
    extern crate std;

    use std::vec::Vec;

    use super::ROWS;

    const DOCUMENTATION: &str = include_str!("../../../codec/src/lib.rs");

    /// The cells of each row of the section "Sizes", without its head.
    fn documented() -> Vec<Vec<&'static str>> {
        DOCUMENTATION
            .lines()
            .skip_while(|line| *line != "//! # Sizes")
            .skip_while(|line| !line.starts_with("//! |"))
            .take_while(|line| line.starts_with("//! |"))
            .skip(2)
            .map(|line| line.split('|').skip(1).map(str::trim).collect())
            .collect()
    }

    #[test]
    fn every_documented_size_is_the_one_that_is_held() {
        let documented = documented();
        let (names, rows) = documented.split_first().expect("a table of sizes");
        assert_eq!(names[..3], ["`Filename<N>`, `Request<N>`", "N + 2, to even", "N + 2, to even"]);
        let rows: Vec<_> = rows.iter().map(|row| (row[0], row[1], row[2])).collect();
        assert_eq!(rows, ROWS);
    }
}
