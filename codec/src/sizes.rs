//! The table of sizes in the crate's documentation, checked in every build for every target.

use crate::{
    Download, Fetch, FetchResponse, Filename, Request, RequestDecoder, ResponseDecoder, Serve,
};

/// Checks rows of `documented type: type, bytes on 32-bit targets, bytes on 64-bit targets`.
macro_rules! at_most {
    ($($row:literal: $type:ty, $narrow:literal, $wide:literal;)*) => {
        $(
            #[cfg(target_pointer_width = "32")]
            const _: () = assert!(size_of::<$type>() <= $narrow, $row);
            #[cfg(target_pointer_width = "64")]
            const _: () = assert!(size_of::<$type>() <= $wide, $row);
        )*

        #[cfg(test)]
        const ROWS: &[(&str, usize, &str, &str)] =
            &[$(($row, size_of::<$type>(), stringify!($narrow), stringify!($wide)),)*];
    };
}

at_most! {
    "[`Download<64>`](Download)": Download<64>, 84, 84;
    "[`Download<1024>`](Download)": Download, 1044, 1044;
    "[`RequestDecoder<64>`](RequestDecoder)": RequestDecoder<64>, 72, 72;
    "[`RequestDecoder<1024>`](RequestDecoder)": RequestDecoder, 1032, 1032;
    "[`ResponseDecoder`]": ResponseDecoder, 16, 16;
    "[`Fetch<64>`](Fetch)": Fetch<64>, 224, 224;
    "[`Fetch<1024>`](Fetch)": Fetch, 1184, 1184;
    "[`FetchResponse`]": FetchResponse, 104, 104;
    "[`Serve<64>`](Serve)": Serve<64>, 144, 144;
    "[`Serve<1024>`](Serve)": Serve, 1104, 1104;
}

/// Checks "N + 2, to even" for the smallest and largest `N`, and for those beside a power of two.
macro_rules! names_at_most {
    ($($n:literal)*) => {
        $(
            const _: () = assert!(size_of::<Filename<$n>>() <= ($n + 2_usize).next_multiple_of(2));
            const _: () = assert!(size_of::<Request<$n>>() <= ($n + 2_usize).next_multiple_of(2));
        )*
    };
}

names_at_most! { 1 2 3 4 63 64 65 254 255 256 257 1023 1024 }

#[cfg(test)]
mod tests {
    extern crate std;

    use std::string::ToString;
    use std::vec::Vec;

    use super::ROWS;

    const DOCUMENTATION: &str = include_str!("lib.rs");

    /// The cells of each row of the section "Sizes", without the head of the table.
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
    fn every_documented_size_is_the_one_that_is_checked() {
        let documented = documented();
        let (names, rows) = documented.split_first().expect("a table of sizes");
        assert_eq!(names[..3], ["`Filename<N>`, `Request<N>`", "N + 2, to even", "N + 2, to even"]);
        let rows: Vec<_> = rows.iter().map(|row| (row[0], row[1], row[2])).collect();
        let checked: Vec<_> =
            ROWS.iter().map(|(row, _, narrow, wide)| (*row, *narrow, *wide)).collect();
        assert_eq!(rows, checked);
    }

    #[test]
    #[cfg(target_pointer_width = "64")]
    fn no_type_is_smaller_than_documented() {
        for (row, size, _, wide) in ROWS {
            assert_eq!(size.to_string(), *wide, "{row}");
        }
    }
}
