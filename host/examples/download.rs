//! Downloads a file, and shows the progress: `download HOST:PORT NAME TARGET`.
//!
//! ```sh
//! cargo run -p fetchlet --example download -- 192.0.2.1:5000 board/v2.bin v2.bin
//! ```

use std::env;
use std::error::Error;
use std::process::ExitCode;

use fetchlet::{Client, ClientError, IfExists, Progress, Staging, Summary, Verify};

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [server, name, target] = arguments.as_slice() else {
        eprintln!("usage: download HOST:PORT NAME TARGET");
        return ExitCode::from(2);
    };
    match download(server, name, target) {
        Ok(summary) => {
            println!("{} bytes in {:.1?}", summary.len, summary.elapsed);
            if let Some(checksum) = summary.checksum {
                println!("{checksum}");
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            print_error(&error);
            ExitCode::FAILURE
        }
    }
}

fn download(server: &str, name: &str, target: &str) -> Result<Summary, ClientError> {
    // An existing target is refused before anything is downloaded.
    Staging::check(target, IfExists::Fail)?;
    let response = Client::new().get(server, name)?;
    println!("{name} has {} bytes", response.data_len());
    let mut last = 0;
    response
        .verify(Verify::Compute)
        .on_progress(|Progress { received, expected }| {
            let percent = u64::from(received) * 100 / u64::from(expected.max(1));
            // One line for every tenth of the file.
            if percent / 10 > last / 10 {
                println!("{percent} %");
                last = percent;
            }
        })
        .save(target)
}

/// Prints an error with its sources, each on a line: no error of the library prints its source.
fn print_error(error: &ClientError) {
    eprintln!("{error}");
    let mut source = error.source();
    while let Some(cause) = source {
        eprintln!("  because: {cause}");
        source = cause.source();
    }
}
